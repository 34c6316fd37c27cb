package dev.parley.server.cli.remote;

import java.util.Objects;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** A command that does nothing by itself, but has commands below it. */
abstract class CommandGroup implements Runnable {
    @Spec
    private @Nullable CommandSpec spec;

    @Override
    public void run() {
        throw wrong(
                "which command? " + String.join(", ", line().getSubcommands().keySet()));
    }

    /** What is wrong with the command line. */
    ParameterException wrong(String message) {
        return new ParameterException(line(), message);
    }

    /** What is wrong with the command line, and how that was noticed. */
    ParameterException wrong(String message, Throwable cause) {
        return new ParameterException(line(), message, cause);
    }

    private CommandLine line() {
        return Objects.requireNonNull(spec, "picocli sets it").commandLine();
    }
}
