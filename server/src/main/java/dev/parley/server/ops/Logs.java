package dev.parley.server.ops;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.encoder.JsonEncoder;
import ch.qos.logback.classic.encoder.PatternLayoutEncoder;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.ConsoleAppender;
import ch.qos.logback.core.encoder.Encoder;
import dev.parley.server.config.Config;
import org.slf4j.LoggerFactory;

/** Sets up logging, without configuration files: lines go to standard error, as text or JSON. */
public final class Logs {

    private Logs() {}

    public static void configure(Config.Log settings) {
        var context = (LoggerContext) LoggerFactory.getILoggerFactory();
        context.reset();
        Logger root = context.getLogger(Logger.ROOT_LOGGER_NAME);
        root.addAppender(appender(context, settings.format(), true));
        Level level = Level.valueOf(settings.level().name());
        // The details of libraries would hide those of the server.
        root.setLevel(level.isGreaterOrEqual(Level.INFO) ? level : Level.INFO);
        context.getLogger("dev.parley").setLevel(level);
        // It logs errors that a client causes on its own connection as errors of the server, so anybody could fill the
        // log.
        context.getLogger("io.vertx.core.net.impl.ConnectionBase").setLevel(Level.OFF);
        // It logs a stack trace, which is always the same, for each client that does not read its answers. One line is
        // enough.
        Logger perAttacker = context.getLogger("io.netty.handler.codec.http2.Http2ControlFrameLimitEncoder");
        perAttacker.setAdditive(false);
        perAttacker.setLevel(level.isGreaterOrEqual(Level.INFO) ? Level.OFF : Level.INFO);
        perAttacker.addAppender(appender(context, settings.format(), false));
    }

    private static ConsoleAppender<ILoggingEvent> appender(
            LoggerContext context, Config.Log.Format format, boolean stackTraces) {
        Encoder<ILoggingEvent> encoder = switch (format) {
            case TEXT -> text(stackTraces);
            case JSON -> json(stackTraces);
        };
        encoder.setContext(context);
        encoder.start();
        var appender = new ConsoleAppender<ILoggingEvent>();
        appender.setContext(context);
        appender.setTarget("System.err");
        appender.setEncoder(encoder);
        appender.start();
        return appender;
    }

    private static PatternLayoutEncoder text(boolean stackTraces) {
        var encoder = new PatternLayoutEncoder();
        encoder.setPattern("%d{\"yyyy-MM-dd'T'HH:mm:ss.SSSXXX\"} %-5level %logger{0} - %msg %kvp%n"
                + (stackTraces ? "" : "%nopex"));
        return encoder;
    }

    private static JsonEncoder json(boolean stackTraces) {
        var encoder = new JsonEncoder();
        encoder.setWithThrowable(stackTraces);
        encoder.setWithContext(false);
        encoder.setWithSequenceNumber(false);
        encoder.setWithNanoseconds(false);
        encoder.setWithMessage(false);
        encoder.setWithFormattedMessage(true);
        return encoder;
    }
}
