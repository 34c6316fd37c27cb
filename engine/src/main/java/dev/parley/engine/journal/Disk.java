package dev.parley.engine.journal;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;

/**
 * The few file operations that the local journal needs. Tests use it to inject crashes, torn writes and failing syncs
 * where a real disk has them.
 */
public interface Disk {
    /** Names of all files, in no particular order. */
    List<String> list() throws IOException;

    /** Opens an existing file for reading and writing. */
    DiskFile open(String name) throws IOException;

    /**
     * Creates a file of {@code capacity} bytes that begins with {@code header} and contains zeros after it. The file
     * appears under its name complete and durable, or not at all.
     */
    DiskFile create(String name, byte[] header, long capacity) throws IOException;

    /** Removes a file. */
    void delete(String name) throws IOException;

    /** One file, written by one thread at a time. */
    interface DiskFile extends AutoCloseable {
        /** Size in bytes. */
        long size() throws IOException;

        /** Writes all of {@code bytes} at {@code offset}; durable only after {@link #sync()}. */
        void write(ByteBuffer bytes, long offset) throws IOException;

        /**
         * Fills {@code into} with the bytes from {@code offset} on. At the end of the file, {@code into} stays partly
         * empty.
         */
        void read(ByteBuffer into, long offset) throws IOException;

        /**
         * Returns when everything that was written is on the medium. After an exception, nothing is known about the
         * file.
         */
        void sync() throws IOException;

        @Override
        void close() throws IOException;
    }
}
