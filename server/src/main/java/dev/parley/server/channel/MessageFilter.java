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
 * Which messages the channel {@code [filter=...]name} shows: those for which a JMESPath expression holds. It sees a
 * message as an object with {@code id}, {@code name}, {@code clientId} and {@code headers} (of the extras).
 */
public final class MessageFilter {
    /** Longest expression. Also bounds how deep it nests. */
    public static final int MAX_CHARS = 512;

    /**
     * What makes lists and objects or evaluates expressions over and over. A short expression can double a list dozens
     * of times with it, and filters run on event loops.
     */
    private static final Pattern COSTLY = Pattern.compile("[\\[{&](?!&)(?<!&&)");

    /** Literals and quoted names, in which anything may stand. */
    private static final Pattern QUOTED =
            Pattern.compile("`(?:\\\\.|[^`\\\\])*+`|'(?:\\\\.|[^'\\\\])*+'|\"(?:\\\\.|[^\"\\\\])*+\"", Pattern.DOTALL);

    /** What has the wrong type is null and no error: messages differ. */
    private static final JcfRuntime JMESPATH = new JcfRuntime(
            RuntimeConfiguration.builder().withSilentTypeErrors(true).build());

    private final Expression<Object> expression;

    private MessageFilter(Expression<Object> expression) {
        this.expression = expression;
    }

    /** Reads an expression in base64, as it stands in the name of a channel. */
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

    /** Whether {@code message} is to be shown. */
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
