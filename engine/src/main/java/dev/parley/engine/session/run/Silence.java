package dev.parley.engine.session.run;

/**
 * When the agent that works at a run was heard. Times are in milliseconds since 1970. What it appends to messages that it streams is
 * not noted here, because that would be a write for each token: how new these messages are says it.
 *
 * @param heardAt when it was heard last, other than by appends
 * @param listedAt the time under which it is looked at; 0 if it is stalled
 * @param stalledAt when it was found to be stalled; 0 if it is not
 */
public record Silence(long heardAt, long listedAt, long stalledAt) {
    /** Of an agent that was just heard. */
    static Silence since(long time) {
        return new Silence(time, time, 0);
    }

    /** Whether the agent is stalled. */
    public boolean isStalled() {
        return stalledAt != 0;
    }

    Silence heard(long time) {
        return new Silence(time, listedAt, stalledAt);
    }

    Silence stalled(long heard, long time) {
        return new Silence(heard, 0, time);
    }
}
