package dev.parley.engine.journal;

import java.io.IOException;
import java.nio.file.Path;

/** The durable part of a log at one moment. It can be copied as long as nobody tells the log to free something of it. */
@FunctionalInterface
public interface LogCopy {
    /** Writes the log into {@code folder}, which does not exist. Returns when the copy is on the medium. May take long. */
    void to(Path folder) throws IOException;
}
