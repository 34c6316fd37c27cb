package dev.parley.engine.delivery;

/**
 * Receives exceptions thrown by code that the engine calls but that does not belong to it: replies, listeners,
 * watchers.
 */
@FunctionalInterface
public interface CallbackFailures {
    /** Records {@code failure}. It only affects the callback that threw it; the engine continues. */
    void add(Throwable failure);

    /** Runs {@code callback}. An exception that it throws does not keep the caller from its remaining work. */
    default void run(Runnable callback) {
        try {
            callback.run();
        } catch (RuntimeException | Error e) {
            add(e);
        }
    }
}
