package dev.parley.server.session;

import dev.parley.server.request.Answer;
import dev.parley.server.request.AnswerForm;
import dev.parley.server.request.Request;
import dev.parley.server.wire.ErrorInfo;
import dev.parley.server.wire.WireFormat;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Answers of the session door: JSON. An error is a sentence, with the code that other doors of sessions have for it. */
final class SessionForm implements AnswerForm {
    private static final String LINES = "application/x-ndjson";

    @Override
    public Written write(Request request, Answer answer) {
        byte[] body = answer.body() == null ? new byte[0] : WireFormat.JSON.write(answer.body());
        String type = answer.lines() ? LINES : WireFormat.JSON.contentType();
        return new Written(answer.status(), type, Map.of(), answer.links(), body);
    }

    @Override
    public Written refuse(@Nullable Request request, ErrorInfo error) {
        byte[] body = WireFormat.JSON.write(to -> to.beginObject()
                .field("error", error.message())
                .field("code", error.code())
                .field("statusCode", error.statusCode())
                .endObject());
        return new Written(error.statusCode(), WireFormat.JSON.contentType(), Map.of(), List.of(), body);
    }
}
