package dev.parley.server.channel;

import dev.parley.conversation.WireForm;
import dev.parley.engine.session.Body;
import dev.parley.engine.session.Data;
import dev.parley.engine.session.RunNote;
import dev.parley.engine.session.RunNote.Said;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import tools.jackson.databind.JsonNode;

/** What an input says to the agents of a session: which input it is, and whom it mentions. */
public final class Mentions {
    /** The number of mentions of an input that count. */
    public static final int MAX_MENTIONS = 32;

    /** The longest mention that counts, with its @. */
    public static final int MAX_MENTION_CHARS = 64;

    private Mentions() {}

    /**
     * Takes note of an input. All parts of one input have one note.
     *
     * @param index of the message in the command
     */
    static void said(int index, Body body, JsonNode extras, List<RunNote> notes) {
        JsonNode headers = RunNotes.headers(extras);
        String event = RunNotes.id(headers, WireForm.EVENT_ID);
        if (event == null) {
            return;
        }
        Data data = body.data();
        Set<String> mentions = new LinkedHashSet<>();
        for (int i = 0; i < notes.size(); i++) {
            if (notes.get(i) instanceof Said before && before.eventId().equals(event)) {
                mentions.addAll(before.mentions());
                notes.remove(i);
                break;
            }
        }
        if (data != null && data.text() && body.encoding() == null) {
            in(data.asText(), mentions);
        }
        boolean isSaid = extras.path(WireForm.AI)
                .path(WireForm.CODEC)
                .path(WireForm.KIND)
                .asString("")
                .equals(WireForm.USER_MESSAGE);
        notes.add(new Said(index, event, RunNotes.id(headers, WireForm.RUN_ID), isSaid, List.copyOf(mentions)));
    }

    /** The mentions in a text, in lower case: an @ that begins a word, and the word. */
    static List<String> of(String text) {
        Set<String> found = new LinkedHashSet<>();
        in(text, found);
        return new ArrayList<>(found);
    }

    private static void in(String text, Set<String> found) {
        int at = text.indexOf('@');
        while (at >= 0 && found.size() < MAX_MENTIONS) {
            int end = at + 1;
            int word = end;
            while (end < text.length() && end - at < MAX_MENTION_CHARS) {
                int c = text.codePointAt(end);
                if (!Character.isLetterOrDigit(c) && c != '_' && c != '-' && c != '.') {
                    break;
                }
                end += Character.charCount(c);
                // A dot at the end belongs to the sentence.
                word = c == '.' ? word : end;
            }
            if (word > at + 1 && (at == 0 || !Character.isLetterOrDigit(text.codePointBefore(at)))) {
                found.add(text.substring(at, word).toLowerCase(Locale.ROOT));
            }
            at = text.indexOf('@', end);
        }
    }
}
