package dev.parley.springai.testing;

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

    record Property(String name, Object value) implements Piece {}

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
     * @param texts the pieces in which the text comes
     * @return an answer that does this after all else
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
     * @param texts the pieces in which the thought comes
     * @return an answer that does this after all else
     */
    public Answer thinking(String... texts) {
        Answer answer = this;
        for (String text : texts) {
            answer = answer.with(new Thinking(text));
        }
        return answer;
    }

    /**
     * Calls a tool.
     *
     * @param id the call's id; null for a model that gives none
     * @param name the tool's name
     * @param arguments JSON, or what a model takes for it
     * @return an answer that does this after all else
     */
    public Answer toolCall(@Nullable String id, String name, String arguments) {
        return with(new ToolCall(id, name, arguments));
    }

    /**
     * Says nothing more until the latch is open; one that nobody opens is a model that has gone silent.
     *
     * @param latch opens when the model goes on
     * @return an answer that does this after all else
     */
    public Answer await(CountDownLatch latch) {
        return with(new Await(latch));
    }

    /**
     * Gives the message a property, as providers do with what they want to be sent again.
     *
     * @param name its name
     * @param value its value
     * @return an answer that does this after all else
     */
    public Answer property(String name, Object value) {
        return with(new Property(name, value));
    }

    /**
     * Fails; what comes after this is not said.
     *
     * @param error with which the model fails
     * @return an answer that does this after all else
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
