package dev.parley.server.cli.remote;

import java.util.Objects;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;

/** What is wrong with a command line. */
final class Usage {
    private Usage() {}

    static ParameterException missing(@Nullable CommandSpec spec) {
        return new ParameterException(
                line(spec),
                "which command? "
                        + String.join(", ", line(spec).getSubcommands().keySet()));
    }

    static CommandLine line(@Nullable CommandSpec spec) {
        return Objects.requireNonNull(spec, "picocli sets it").commandLine();
    }
}
