package dev.parley.server.wake;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.parley.conversation.UiChunk;
import dev.parley.server.wake.DataLines.TooLongException;
import io.vertx.core.buffer.Buffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** What agents answer with server-sent events, as it is read. */
class AnswerChunksTest {
    private final AnswerChunks chunks = new AnswerChunks();

    private List<String> read(String... lines) {
        List<String> types = new ArrayList<>();
        for (String line : lines) {
            chunks.read(line);
            chunks.take().forEach(chunk -> types.add(shown(chunk)));
        }
        return types;
    }

    private static String shown(UiChunk chunk) {
        String more = chunk.text("delta") == null ? chunk.text("inputTextDelta") : chunk.text("delta");
        return more == null ? chunk.type() : chunk.type() + " " + more;
    }

    @Test
    void linesAreTheSameHoweverTheirBytesCome() throws TooLongException {
        String text = ": ping\r\n\r\ndata: {\"a\":\"ü😀\"}\n\ndata:second\revent: x\ndata: \ndata: third";
        Random random = new Random(7);
        byte[] bytes = Buffer.buffer(text).getBytes();
        for (int round = 0; round < 200; round++) {
            DataLines lines = new DataLines();
            List<String> data = new ArrayList<>();
            for (int from = 0; from < bytes.length; ) {
                int to = Math.min(bytes.length, from + 1 + random.nextInt(9));
                data.addAll(lines.read(Buffer.buffer(bytes).slice(from, to)));
                from = to;
            }
            data.addAll(lines.rest());
            assertThat(data).containsExactly("{\"a\":\"ü😀\"}", "second", "third");
        }
    }

    @Test
    void aLineHasABound() throws TooLongException {
        DataLines lines = new DataLines();
        lines.read(Buffer.buffer("x".repeat(DataLines.MAX_LINE_BYTES)));
        assertThatThrownBy(() -> lines.read(Buffer.buffer("x"))).isInstanceOf(TooLongException.class);
    }

    @Test
    void aTextGrowsByWhatIsNew() {
        assertThat(read(
                        "{\"type\":\"content\",\"delta\":\"a\",\"content\":\"a\"}",
                        "{\"type\":\"content\",\"content\":\"abc\"}",
                        "{\"type\":\"content\",\"delta\":\"d\\ud83d\"}",
                        "{\"type\":\"content\",\"delta\":\"\\ude00\"}",
                        "{\"type\":\"thinking\",\"delta\":\"hm\"}"))
                .containsExactly(
                        "text-start",
                        "text-delta a",
                        "text-delta bc",
                        "text-delta d",
                        "text-delta 😀",
                        "text-end",
                        "reasoning-start",
                        "reasoning-delta hm");
        assertThat(chunks.end()).extracting(AnswerChunksTest::shown).containsExactly("reasoning-end", "finish");
        assertThat(chunks.waits()).isFalse();
    }

    @Test
    void argumentsComeInPiecesOrAnewOrWhole() {
        String call =
                "{\"type\":\"tool_call\",\"toolCall\":{\"id\":\"c\",\"function\":{\"name\":\"t\",\"arguments\":\"%s\"}}}";
        assertThat(read(
                        call.formatted("{"),
                        call.formatted("{}"),
                        "{\"type\":\"done\",\"finishReason\":\"tool_calls\"}"))
                .containsExactly("tool-input-start", "tool-input-delta {", "tool-input-delta }");
        assertThat(chunks.isOver()).isFalse();
        assertThat(
                        read(
                                "{\"type\":\"tool-input-available\",\"toolCallId\":\"d\",\"toolName\":\"u\",\"input\":{\"b\":1}}"))
                .containsExactly("tool-input-start", "tool-input-delta {\"b\":1}", "tool-input-available");
        assertThat(read("{\"type\":\"tool_result\",\"toolCallId\":\"d\",\"content\":\"{}\"}"))
                .containsExactly("tool-output-available");
        assertThat(chunks.end()).extracting(AnswerChunksTest::shown).containsExactly("tool-input-available", "finish");
        assertThat(chunks.waits()).isTrue();
    }

    @Test
    void whatIsNoChunkIsSkipped() {
        assertThat(read("", "null", "[1]", "{", "{\"type\":5}", "{\"type\":\"what\"}", "\"text\"", "[".repeat(5_000)))
                .isEmpty();
        assertThat(read("{\"type\":\"tool_call\"}", "{\"type\":\"approval-requested\"}", "{\"type\":\"tool_result\"}"))
                .isEmpty();
        assertThat(chunks.skipped()).isGreaterThanOrEqualTo(10);
        assertThat(chunks.isOver()).isFalse();
    }

    @Test
    void anAgentSaysWhyItHasFailed() {
        read("{\"type\":\"RUN_ERROR\",\"message\":\"no quota\"}");
        assertThat(chunks.failure()).isEqualTo("no quota");
        assertThat(chunks.isOver()).isTrue();
        AnswerChunks other = new AnswerChunks();
        other.read("{\"type\":\"error\",\"error\":\"plain\"}");
        assertThat(other.failure()).isEqualTo("plain");
    }
}
