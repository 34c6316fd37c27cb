package dev.parley.engine;

import dev.parley.engine.command.Command;
import dev.parley.engine.memory.Memory;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

/** A whole engine for each test of a class, with two shards and little memory, on RocksDB and real files. */
abstract class SmallEngine {
    /** The time of commands that do not depend on time. */
    static final long TIME = 1_795_000_000_000L;

    @TempDir
    Path folder;

    Engine engine;

    @BeforeEach
    void open() throws IOException {
        engine = Engine.open(new EngineOptions(
                folder, 2, 1 << 20, 256 << 10, 8 << 20, 8 << 20, 100, 1000, new Memory(8 << 20, Map.of()), 0));
    }

    @AfterEach
    void close() throws IOException {
        engine.close();
    }

    <O> O submit(Command<O> command) throws Exception {
        return Outcomes.of(engine, command);
    }
}
