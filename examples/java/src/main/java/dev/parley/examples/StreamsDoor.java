package dev.parley.examples;

import dev.parley.client.Chunk;
import dev.parley.client.ParleyClient;
import dev.parley.client.Producer;
import dev.parley.client.Stream;
import dev.parley.client.StreamOptions;
import dev.parley.client.StreamReader;

/** Writes the log of a build into a stream, and reads it. */
public final class StreamsDoor {
    private StreamsDoor() {}

    /** Appends to a stream so that each line is there once, whatever the network does. */
    public static void write(ParleyClient client) {
        // region write
        Stream log = client.stream("logs/build-7");
        log.create(StreamOptions.TEXT);
        Producer producer = log.producer("build-7"); // numbers its appends: a repeated one has no second effect
        producer.append("compiling\n");
        producer.append("testing\n");
        log.close();
        // endregion
    }

    /** Follows a stream to its end. */
    public static String read(ParleyClient client) {
        StringBuilder all = new StringBuilder();
        // region read
        StreamReader reader = client.stream("logs/build-7").follow(Stream.START);
        for (Chunk chunk = reader.next(); chunk != null; chunk = reader.next()) {
            all.append(chunk.text());
        }
        // endregion
        return all.toString();
    }
}
