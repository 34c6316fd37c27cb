package dev.parley.client;

/** Stands for a listener; closing it removes the listener. Closing it again does nothing. */
@FunctionalInterface
public interface Registration extends AutoCloseable {
    @Override
    void close();
}
