package dev.parley.server.channel;

import dev.parley.engine.session.MessageEntry;
import dev.parley.server.wire.ErrorInfo;
import dev.parley.server.wire.WireException;
import io.burt.jmespath.Expression;
import io.burt.jmespath.RuntimeConfiguration;
import io.burt.jmespath.jcf.JcfRuntime;
import io.burt.jmespath.parser.ParseException;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.HashMap;
import java.util.Map;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.json.JsonMapper;

/**
 * Selects the messages that the channel {@code [filter=...]name} shows: those for which a JMESPath expression is true.
 * The expression sees a message as an object with {@code id}, {@code name}, {@code clientId} and {@code headers} (from
 * the extras).
 */
public final class MessageFilter {
    /** The greatest length of an expression. It also bounds the depth of its nesting. */
    public static final int MAX_CHARS = 512;

    /**
     * Operators that create lists and objects or evaluate expressions repeatedly. With them, a short expression can
     * double a list dozens of times, and filters run on event loops.
     */
    private static final Pattern COSTLY = Pattern.compile("[\\[{&](?!&)(?<!&&)");

    /** Literals and quoted names, which may contain any characters. */
    private static final Pattern QUOTED =
            Pattern.compile("`(?:\\\\.|[^`\\\\])*+`|'(?:\\\\.|[^'\\\\])*+'|\"(?:\\\\.|[^\"\\\\])*+\"", Pattern.DOTALL);

    /** A value of the wrong type is null and not an error, because messages differ. */
    private static final JcfRuntime JMESPATH = new JcfRuntime(
            RuntimeConfiguration.builder().withSilentTypeErrors(true).build());

    private final Expression<Object> expression;

    private MessageFilter(Expression<Object> expression) {
        this.expression = expression;
    }

    /** Reads an expression in base64, the form that it has in the name of a channel. */
    public static MessageFilter parse(String base64) throws WireException {
        try {
            String text = new String(Base64.getDecoder().decode(base64), StandardCharsets.UTF_8);
            if (text.length() > MAX_CHARS) {
                throw invalid("is longer than " + MAX_CHARS + " characters");
            }
            if (COSTLY.matcher(QUOTED.matcher(text).replaceAll("")).find()) {
                throw invalid("must do without [, { and & outside of literals");
            }
            return new MessageFilter(JMESPATH.compile(text));
        } catch (IllegalArgumentException e) {
            throw invalid("is not base64");
        } catch (ParseException e) {
            throw invalid("is no JMESPath expression");
        }
    }

    private static WireException invalid(String why) {
        return new WireException(new ErrorInfo(40010, 400, "The filter in the channel's name " + why + "."));
    }

    /** Whether the channel shows {@code message}. */
    public boolean passes(MessageEntry message) {
        Map<String, @Nullable Object> seen = new HashMap<>();
        seen.put("id", message.id());
        seen.put("name", message.body().name());
        seen.put("clientId", message.clientId());
        seen.put("headers", headers(message.body().extras()));
        return JMESPATH.isTruthy(expression.search(seen));
    }

    private static @Nullable Object headers(@Nullable String extras) {
        if (extras == null) {
            return null;
        }
        try {
            return JsonMapper.shared().readValue(extras, Map.class).get("headers");
        } catch (JacksonException e) {
            throw new IllegalStateException("the extras of a message are no JSON object", e);
        }
    }
}
