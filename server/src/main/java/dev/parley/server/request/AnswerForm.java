package dev.parley.server.request;

import dev.parley.server.wire.ErrorInfo;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The form in which a door writes its answers. Thread-safe. */
public interface AnswerForm {

    /**
     * An answer as it goes out.
     *
     * @param contentType null if there is no body
     * @param headers headers of which each has one value
     * @param links the values of the header Link
     */
    record Written(
            int status, @Nullable String contentType, Map<String, String> headers, List<String> links, byte[] body) {}

    /** The answer to a request. */
    Written write(Request request, Answer answer);

    /**
     * The answer to a request that is refused.
     *
     * @param request null if the request could not be read
     */
    Written refuse(@Nullable Request request, ErrorInfo error);
}
