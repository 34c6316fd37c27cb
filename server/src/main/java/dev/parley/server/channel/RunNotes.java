package dev.parley.server.channel;

import dev.parley.engine.session.RunNote;
import dev.parley.server.wire.InboundMessage;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Reads what messages mean for the runs of agents, as AI Transport writes them: by their names, and the headers in
 * {@code extras.ai.transport}.
 */
public final class RunNotes {
    /** The name of the message that ends a run. */
    public static final String RUN_END = "ai-run-end";

    private static final String PREFIX = "ai-";

    /** Longest id of a run or an input that is followed. */
    private static final int MAX_ID_CHARS = 256;

    private RunNotes() {}

    /** The notes about messages that are published together. */
    public static List<RunNote> of(List<InboundMessage> messages) {
        List<RunNote> notes = new ArrayList<>();
        for (int i = 0; i < messages.size(); i++) {
            InboundMessage message = messages.get(i);
            String name = message.body().name();
            String extras = message.body().extras();
            // Appends have no name: the hot path is not slowed down by this.
            if (name != null && name.startsWith(PREFIX) && extras != null && !message.ephemeral()) {
                RunNote note = note(i, name, headers(extras));
                if (note != null) {
                    notes.add(note);
                }
            }
        }
        return notes;
    }

    private static @Nullable RunNote note(int message, String name, JsonNode headers) {
        String run = id(headers, "run-id");
        String input = id(headers, "input-codec-message-id");
        if (name.equals("ai-cancel")) {
            return run == null && input == null ? null : new RunNote.Cancel(message, run, input);
        }
        if (run == null) {
            return null;
        }
        return switch (name) {
            case "ai-run-start", "ai-run-resume" -> new RunNote.Active(run, input, true);
            case "ai-step-start", "ai-step-end", "ai-output" -> new RunNote.Active(run, input, false);
            case "ai-run-suspend" -> new RunNote.Suspended(run);
            case RUN_END -> new RunNote.Ended(run);
            default -> null;
        };
    }

    /** The headers in a message's extras; missing if there are none. */
    public static JsonNode headers(String extras) {
        try {
            return JsonMapper.shared().readTree(extras).path("ai").path("transport");
        } catch (JacksonException e) {
            // Extras are written by our own reader of requests.
            throw new IllegalStateException("extras are no JSON", e);
        }
    }

    private static @Nullable String id(JsonNode headers, String name) {
        JsonNode value = headers.path(name);
        return value.isString() && value.stringValue().length() <= MAX_ID_CHARS ? value.stringValue() : null;
    }
}
