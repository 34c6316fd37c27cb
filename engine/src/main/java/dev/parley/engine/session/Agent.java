package dev.parley.engine.session;

import java.util.Collection;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * An agent that a session names, and what wakes it.
 *
 * @param id unique in the session; the client id under which the agent speaks, by which its own messages are known
 * @param name how it is shown, or null
 * @param endpoint where it is called; null if it comes for its wakes itself
 * @param patterns the mentions that wake it, in lower case; one that ends in * fits all that begin so
 * @param debounceMillis how long nothing more has to be said before it is woken
 * @param onlyWhenWatched whether it is to be woken only while somebody watches the session
 * @param gaveUp the message that says that nobody did what a wake asked for, about the id of the wake
 * @param loopEnded the message that says that it was not woken because agents have only talked to each other, about the number
 *     of their messages
 */
public record Agent(
        String id,
        @Nullable String name,
        @Nullable Endpoint endpoint,
        Trigger trigger,
        List<String> patterns,
        long debounceMillis,
        boolean onlyWhenWatched,
        RunTexts.Notice gaveUp,
        RunTexts.Notice loopEnded) {
    /** Stands at the end of a pattern for everything that may follow. */
    public static final String ANYTHING = "*";

    /** What wakes an agent, besides an invocation by hand. */
    public enum Trigger {
        /** Nothing else. */
        INVOCATION,
        /** What mentions it, whoever says it. */
        MENTION,
        /** What people say, and what mentions it. */
        USER_MESSAGES,
        /** What anybody else says. */
        ALL
    }

    /** How an agent comes to know what it has to do. */
    public enum Way {
        /** It comes for it. */
        CLAIMS,
        /** It is called, and says something by itself. */
        CALLED,
        /** It is called, and what it answers is what it says. */
        STREAMED
    }

    /**
     * Where an agent is called.
     *
     * @param secrets what else a call needs, encrypted; null if it needs nothing
     * @param streams whether what it answers is what it says
     */
    public record Endpoint(String url, @Nullable Data secrets, boolean streams) {
        /** Of an agent that says something by itself. */
        public Endpoint(String url, @Nullable Data secrets) {
            this(url, secrets, false);
        }

        /** The same with other secrets. */
        public Endpoint with(@Nullable Data others) {
            return new Endpoint(url, others, streams);
        }
    }

    /** How it comes to know what it has to do. */
    public Way way() {
        return endpoint == null ? Way.CLAIMS : endpoint.streams() ? Way.STREAMED : Way.CALLED;
    }

    /**
     * Whether an input wakes it.
     *
     * @param byAgent whether an agent has said it
     */
    public boolean isWokenBy(RunNote.Said said, boolean byAgent) {
        return switch (trigger) {
            case INVOCATION -> false;
            case MENTION -> isMentioned(said);
            case USER_MESSAGES -> !byAgent || isMentioned(said);
            case ALL -> true;
        };
    }

    /** The same agent, called elsewhere. */
    public Agent at(Endpoint other) {
        return new Agent(id, name, other, trigger, patterns, debounceMillis, onlyWhenWatched, gaveUp, loopEnded);
    }

    private boolean isMentioned(RunNote.Said said) {
        return said.mentions().stream()
                .anyMatch(mention -> patterns.stream()
                        .anyMatch(pattern -> pattern.endsWith(ANYTHING)
                                ? mention.startsWith(pattern.substring(0, pattern.length() - ANYTHING.length()))
                                : mention.equals(pattern)));
    }

    /** The same agent, without the secrets of its calls. */
    public Agent withoutSecrets() {
        return endpoint == null || endpoint.secrets() == null
                ? this
                : new Agent(
                        id,
                        name,
                        endpoint.with(null),
                        trigger,
                        patterns,
                        debounceMillis,
                        onlyWhenWatched,
                        gaveUp,
                        loopEnded);
    }

    /** The memory that it takes, roughly. */
    int size() {
        int size = 64 + id.length() + gaveUp.size() + loopEnded.size();
        if (endpoint != null) {
            Data secrets = endpoint.secrets();
            size += endpoint.url().length() + (secrets == null ? 0 : secrets.bytes().length);
        }
        for (String pattern : patterns) {
            size += pattern.length();
        }
        return size;
    }

    /** The memory that these agents take, roughly. */
    public static int sizeOf(Collection<Agent> agents) {
        return agents.stream().mapToInt(Agent::size).sum();
    }
}
