package dev.parley.engine.memory;

import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;

/**
 * The one account of the memory on the heap that clients can make us hold, with a purse for each kind. Whatever is held for
 * a client is reserved before; when a purse is empty its user stops to read a socket, refuses with 503, or ends a
 * connection that can resume. Thread-safe.
 */
public final class Memory {

    /** What memory is held for. */
    public enum Kind {
        /** What a connection costs as such: its socket, TLS and HTTP/2 state. */
        CONNECTIONS(16),
        /** Requests' heads, bodies and frames that have arrived in part. */
        ARRIVING(8),
        /** Commands that wait for their outcome. */
        COMMANDS(8),
        /** Whole answers that clients have not taken yet. */
        ANSWERS(8),
        /** What live readers have been given and their sockets have not taken yet. */
        BACKLOGS(8),
        /** The newest entries of what is read live. */
        WINDOWS(8),
        /** Subscriptions and their links to streams. */
        SUBSCRIPTIONS(32);

        private final int heapPerPurse;

        Kind(int heapPerPurse) {
            this.heapPerPurse = heapPerPurse;
        }

        /** What the purse has by default, of a heap of {@code heapBytes}. */
        public long defaultBytes(long heapBytes) {
            return heapBytes / heapPerPurse;
        }

        /** As it is called in metrics. */
        public String label() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /** One connection may have one part in so many of a purse. */
    private static final int PURSE_PER_CONNECTION = 8;

    private final Map<Kind, Purse> purses = new EnumMap<>(Kind.class);

    /**
     * An account with the defaults for a heap, except for some purses.
     *
     * @param heapBytes how large the heap can get
     * @param sizes purses that have another size than their share of the heap; 0 counts as not there
     */
    public Memory(long heapBytes, Map<Kind, Long> sizes) {
        for (Kind kind : Kind.values()) {
            long given = sizes.getOrDefault(kind, 0L);
            purses.put(kind, new Purse(kind.label(), given == 0 ? kind.defaultBytes(heapBytes) : given));
        }
    }

    /** An account with the defaults for this process's heap. */
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

    /** How much one connection may have of a purse. */
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
