package dev.parley.engine.memory;

import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;

/**
 * The account of the memory on the heap that clients can make the server hold, with a purse for each kind of use.
 * Memory for a client is reserved before it is held. When a purse is used up, its user stops reading a socket, refuses
 * with 503, or ends a connection that can resume. Thread-safe.
 */
public final class Memory {

    /** The kinds of use. */
    public enum Kind {
        /** The memory of a connection as such: its socket, TLS and HTTP/2 state. */
        CONNECTIONS(16),
        /** Heads and bodies of requests, and frames, that have arrived in part. */
        ARRIVING(8),
        /** Commands that wait for their outcome. */
        COMMANDS(8),
        /** Whole answers that clients have not yet accepted. */
        ANSWERS(8),
        /** Data that live readers have been given and their sockets have not yet accepted. */
        BACKLOGS(8),
        /** The newest entries of streams and sessions that have live readers. */
        WINDOWS(8),
        /** Subscriptions and their links to streams. */
        SUBSCRIPTIONS(32);

        private final int heapPerPurse;

        Kind(int heapPerPurse) {
            this.heapPerPurse = heapPerPurse;
        }

        /** The default size of the purse, for a heap of {@code heapBytes}. */
        public long defaultBytes(long heapBytes) {
            return heapBytes / heapPerPurse;
        }

        /** The name of the purse in metrics. */
        public String label() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /** One connection may have the purse divided by this number. */
    private static final int PURSE_PER_CONNECTION = 8;

    private final Map<Kind, Purse> purses = new EnumMap<>(Kind.class);

    /**
     * An account with default sizes for a heap, except for some purses.
     *
     * @param heapBytes the greatest size of the heap
     * @param sizes the sizes of purses that do not have the default size; 0 means the default
     */
    public Memory(long heapBytes, Map<Kind, Long> sizes) {
        for (Kind kind : Kind.values()) {
            long given = sizes.getOrDefault(kind, 0L);
            purses.put(kind, new Purse(kind.label(), given == 0 ? kind.defaultBytes(heapBytes) : given));
        }
    }

    /** An account with default sizes for this process's heap. */
    public static Memory ofHeap() {
        return new Memory(Runtime.getRuntime().maxMemory(), Map.of());
    }

    /** All purses. */
    public List<Purse> purses() {
        return List.copyOf(purses.values());
    }

    /** The purse of a kind. */
    public Purse purse(Kind kind) {
        return Objects.requireNonNull(purses.get(kind));
    }

    /** The number of bytes of a purse that one connection may have. */
    public long connectionBytes(Kind kind) {
        return purse(kind).capacity() / PURSE_PER_CONNECTION;
    }

    public Purse connections() {
        return purse(Kind.CONNECTIONS);
    }

    public Purse arriving() {
        return purse(Kind.ARRIVING);
    }

    public Purse commands() {
        return purse(Kind.COMMANDS);
    }

    public Purse answers() {
        return purse(Kind.ANSWERS);
    }

    public Purse backlogs() {
        return purse(Kind.BACKLOGS);
    }

    public Purse windows() {
        return purse(Kind.WINDOWS);
    }

    public Purse subscriptions() {
        return purse(Kind.SUBSCRIPTIONS);
    }
}
