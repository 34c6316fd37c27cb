package dev.parley.server.channel;

import static org.assertj.core.api.Assertions.assertThat;

import dev.parley.engine.session.Body;
import dev.parley.engine.session.Data;
import dev.parley.engine.session.Operation;
import dev.parley.engine.session.RunNote;
import dev.parley.engine.session.RunNote.Said;
import dev.parley.server.wire.InboundMessage;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** What the door reads in inputs for the agents that a session names. */
class MentionsTest {
    @Test
    void aMentionIsAWordBehindAnAt() {
        assertThat(Mentions.of("@Bot, ask @check-er_2. Or (@Dot.Org)?"))
                .containsExactly("@bot", "@check-er_2", "@dot.org");
        assertThat(Mentions.of("mail me@home.example, @ nobody, @@twice @bot @BOT"))
                .containsExactly("@twice", "@bot");
        assertThat(Mentions.of("frag @Müller und @\uD801\uDC00x")).containsExactly("@müller", "@\uD801\uDC28x");
        assertThat(Mentions.of("@")).isEmpty();
        assertThat(Mentions.of("")).isEmpty();
    }

    @Test
    void whatCountsIsBounded() {
        assertThat(Mentions.of("@" + "x".repeat(500)).getFirst()).hasSize(Mentions.MAX_MENTION_CHARS);
        StringBuilder many = new StringBuilder();
        for (int i = 0; i < 1000; i++) {
            many.append("@a").append(i).append(' ');
        }
        assertThat(Mentions.of(many.toString())).hasSize(Mentions.MAX_MENTIONS);
    }

    private static InboundMessage input(
            String name,
            @Nullable String event,
            @Nullable String run,
            String kind,
            String text,
            @Nullable String encoding) {
        String headers = (event == null ? "" : "\"event-id\":\"" + event + "\"")
                + (run == null ? "" : ",\"run-id\":\"" + run + "\"");
        String extras = "{\"ai\":{\"transport\":{" + headers + "},\"codec\":{\"kind\":\"" + kind + "\"}}}";
        var body = new Body(name, Data.of(text), encoding, extras);
        var nobody = new Operation(null, null, null);
        return new InboundMessage(InboundMessage.Action.CREATE, null, null, null, null, null, body, false, nobody);
    }

    private static List<RunNote> read(InboundMessage... messages) {
        return new RunNotes().of("chat", List.of(messages));
    }

    @Test
    void allPartsOfAnInputHaveOneNote() {
        assertThat(read(
                        input("ai-input", "e1", null, "user-message", "@a and @b", null),
                        input("ai-input", "e1", null, "user-message", "@b and @c", null),
                        input("ai-input", "e2", "r", "tool-result", "{}", "json")))
                .containsExactly(
                        new Said(1, "e1", null, true, List.of("@a", "@b", "@c")),
                        new Said(2, "e2", "r", false, List.of()));
    }

    @Test
    void nothingElseIsAnInput() {
        assertThat(read(input("ai-input", null, null, "user-message", "@a", null)))
                .isEmpty();
        assertThat(read(input("ai-output", "e1", null, "text", "@a", null))).isEmpty();
        assertThat(read(input("ai-input", "e1", null, "user-message", "@a", "utf-8/cipher+aes-256-cbc/base64")))
                .containsExactly(new Said(0, "e1", null, true, List.of()));
    }
}
