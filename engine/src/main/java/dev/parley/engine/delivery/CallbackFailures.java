package dev.parley.engine.delivery;

/** Hears what was thrown by code that the engine calls and that is none of its own: replies, listeners, watchers. */
@FunctionalInterface
public interface CallbackFailures {
    /** What {@code failure} has cut short concerns whoever was called, and nobody else: the engine goes on. */
    void add(Throwable failure);

    /** Runs {@code callback}, which must not keep the caller from what it has still to do. */
    default void run(Runnable callback) {
        try {
            callback.run();
        } catch (RuntimeException | Error e) {
            add(e);
        }
    }
}
