package dev.parley.server.ops;

import static org.assertj.core.api.Assertions.assertThat;

import dev.parley.server.config.Config;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.slf4j.LoggerFactory;

class LogsTest {
    private static final String ATTACKED = "io.netty.handler.codec.http2.Http2ControlFrameLimitEncoder";

    private final PrintStream before = System.err;

    @AfterEach
    void quiet() {
        System.setErr(before);
        Logs.configure(new Config.Log(Config.Log.Format.TEXT, Config.Log.Level.WARN));
    }

    @ParameterizedTest
    @EnumSource(Config.Log.Format.class)
    void aClientThatDoesNotReadDoesNotFillTheLog(Config.Log.Format format) {
        assertThat(logged(format, Config.Log.Level.INFO))
                .doesNotContain("attacked")
                .contains("another");
        assertThat(logged(format, Config.Log.Level.DEBUG))
                .containsOnlyOnce("attacked")
                .doesNotContain("LogsTest.java")
                .contains("another");
    }

    private static String logged(Config.Log.Format format, Config.Log.Level level) {
        var out = new ByteArrayOutputStream();
        System.setErr(new PrintStream(out, true, StandardCharsets.UTF_8));
        Logs.configure(new Config.Log(format, level));
        LoggerFactory.getLogger(ATTACKED).info("attacked", new IllegalStateException());
        LoggerFactory.getLogger("dev.parley.Another").info("another");
        return out.toString(StandardCharsets.UTF_8);
    }
}
