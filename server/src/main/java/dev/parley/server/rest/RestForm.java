package dev.parley.server.rest;

import dev.parley.server.request.Answer;
import dev.parley.server.request.AnswerForm;
import dev.parley.server.request.Request;
import dev.parley.server.wire.ErrorInfo;
import dev.parley.server.wire.WireFormat;
import io.vertx.core.http.HttpHeaders;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Answers of the REST door: JSON or MessagePack, if the client wants it in an envelope. */
final class RestForm implements AnswerForm {
    private static final int MAX_ERROR_HEADER_CHARS = 512;

    private static WireFormat format(Request request) {
        String format = request.query().get(isEnveloped(request) ? "envelope" : "format");
        return Request.isMsgpack(format == null ? request.headers().get(HttpHeaders.ACCEPT) : format)
                ? WireFormat.MSGPACK
                : WireFormat.JSON;
    }

    /**
     * Whether status and headers are also part of the body, for clients that cannot read all headers, such as pages in
     * browsers.
     */
    private static boolean isEnveloped(Request request) {
        return request.query().contains("envelope");
    }

    @Override
    public Written write(Request request, Answer answer) {
        WireFormat format = format(request);
        return isEnveloped(request)
                ? new Written(200, format.contentType(), Map.of(), answer.links(), enveloped(format, answer))
                : new Written(answer.status(), format.contentType(), Map.of(), answer.links(), plain(format, answer));
    }

    private static byte[] plain(WireFormat format, Answer answer) {
        return answer.body() == null ? new byte[0] : format.write(answer.body());
    }

    /** The answer to clients that cannot read headers. The body contains the headers. */
    private static byte[] enveloped(WireFormat format, Answer answer) {
        return format.write(to -> {
            to.beginObject().field("statusCode", answer.status());
            to.name("headers").beginObject();
            if (!answer.links().isEmpty()) {
                to.field("link", String.join(", ", answer.links()));
            }
            to.endObject();
            if (answer.body() != null) {
                answer.body().accept(to.name("response"));
            }
            to.endObject();
        });
    }

    @Override
    public Written refuse(@Nullable Request request, ErrorInfo error) {
        WireFormat format = request == null ? WireFormat.JSON : format(request);
        byte[] body = format.write(to -> {
            error.write(to.beginObject().name("error"));
            to.endObject();
        });
        Map<String, String> headers = Map.of(
                "X-Ably-Errorcode",
                Integer.toString(error.code()),
                "X-Ably-Errormessage",
                headerValue(error.message()));
        return new Written(error.statusCode(), format.contentType(), headers, List.of(), body);
    }

    /** The message without characters that a header cannot have: the message may quote what the client has sent. */
    private static String headerValue(String message) {
        String printable = message.replaceAll("[^ -~]", "?");
        return printable.substring(0, Math.min(printable.length(), MAX_ERROR_HEADER_CHARS));
    }
}
