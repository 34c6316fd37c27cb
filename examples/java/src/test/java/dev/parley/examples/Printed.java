package dev.parley.examples;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;

/** What a piece of code prints. Tests of this module run one after the other, since there is one standard output. */
final class Printed {
    /** Code that may throw. */
    @FunctionalInterface
    interface Code {
        void run() throws Exception;
    }

    private Printed() {}

    static String by(Code code) throws Exception {
        PrintStream before = System.out;
        var bytes = new ByteArrayOutputStream();
        try (var stream = new PrintStream(bytes, true, StandardCharsets.UTF_8)) {
            System.setOut(stream);
            code.run();
        } finally {
            System.setOut(before);
        }
        return bytes.toString(StandardCharsets.UTF_8).replace(System.lineSeparator(), "\n");
    }
}
