package dev.parley.langchain4j.testing;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;

/**
 * What a {@link ScriptedChatModel} answers to one request, piece by piece. Answers never change: each method gives another.
 */
public final class Answer {
    sealed interface Piece {}

    record Text(String text) implements Piece {}

    record Thinking(String text) implements Piece {}

    record ToolCall(@Nullable String id, String name, String arguments) implements Piece {}

    record Await(CountDownLatch latch) implements Piece {}

    record Attribute(String name, Object value) implements Piece {}

    record Failure(Throwable error) implements Piece {}

    private final List<Piece> pieces;

    private Answer(List<Piece> pieces) {
        this.pieces = List.copyOf(pieces);
    }

    /** {@return an answer that says nothing yet} */
    public static Answer begin() {
        return new Answer(List.of());
    }

    /**
     * Says these texts, one after the other.
     *
     * @param texts what it says
     * @return the longer answer
     */
    public Answer text(String... texts) {
        Answer answer = this;
        for (String text : texts) {
            answer = answer.with(new Text(text));
        }
        return answer;
    }

    /**
     * Thinks these texts, one after the other.
     *
     * @param texts what it thinks
     * @return the longer answer
     */
    public Answer thinking(String... texts) {
        Answer answer = this;
        for (String text : texts) {
            answer = answer.with(new Thinking(text));
        }
        return answer;
    }

    /**
     * Calls a tool; the arguments come in two pieces, and then whole.
     *
     * @param id the call's id; null for a model that gives none
     * @param name the name of the tool
     * @param arguments JSON, or what a model takes for it
     * @return the longer answer
     */
    public Answer toolCall(@Nullable String id, String name, String arguments) {
        return with(new ToolCall(id, name, arguments));
    }

    /**
     * Says nothing more until the latch is open; one that nobody opens is a model that has gone silent.
     *
     * @param latch lets it go on
     * @return the longer answer
     */
    public Answer await(CountDownLatch latch) {
        return with(new Await(latch));
    }

    /**
     * Gives the message an attribute, as providers do with what they want to be sent again.
     *
     * @param name the name of the attribute
     * @param value its value
     * @return the longer answer
     */
    public Answer attribute(String name, Object value) {
        return with(new Attribute(name, value));
    }

    /**
     * Fails; what comes after this is not said.
     *
     * @param error what the model fails with
     * @return the answer with its end
     */
    public Answer fail(Throwable error) {
        return with(new Failure(error));
    }

    private Answer with(Piece piece) {
        List<Piece> more = new ArrayList<>(pieces);
        more.add(piece);
        return new Answer(more);
    }

    List<Piece> pieces() {
        return pieces;
    }
}
