package dev.parley.server.cli;

import dev.parley.server.cli.remote.Backup;
import dev.parley.server.cli.remote.Doctor;
import dev.parley.server.cli.remote.KeysCommand;
import dev.parley.server.cli.remote.RemoteException;
import dev.parley.server.cli.remote.SessionsCommand;
import dev.parley.server.cli.remote.StreamsCommand;
import dev.parley.server.cli.remote.TokenCommand;
import dev.parley.server.config.ConfigException;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.HelpCommand;

/**
 * The program. Its exit status is 0 if all went well, 1 if the server could not start or a command could not do what it was asked
 * for, and 2 if the command line or the configuration is wrong.
 */
@Command(
        name = "parley",
        description = "Durable sessions for people and AI agents.",
        versionProvider = Main.Version.class,
        mixinStandardHelpOptions = true,
        synopsisSubcommandLabel = "COMMAND",
        subcommands = {
            Serve.class,
            SessionsCommand.class,
            StreamsCommand.class,
            KeysCommand.class,
            TokenCommand.class,
            Doctor.class,
            Backup.class,
            HelpCommand.class
        })
public final class Main {

    static final int COULD_NOT_START = 1;

    /** The journal or the store has failed (EX_SOFTWARE of sysexits.h). */
    static final int ENGINE_FAILED = 70;

    private Main() {}

    public static void main(String[] arguments) {
        System.exit(run(arguments));
    }

    static int run(String... arguments) {
        return new CommandLine(new Main())
                .setExecutionExceptionHandler(Main::explain)
                .execute(arguments);
    }

    /** Prints one clear line for expected failures. All others are bugs, and keep their stack trace. */
    private static int explain(Exception e, CommandLine command, CommandLine.ParseResult parsed) throws Exception {
        int status = switch (e) {
            case ConfigException wrong -> command.getCommandSpec().exitCodeOnInvalidInput();
            case StartException failed -> COULD_NOT_START;
            case RemoteException failed -> COULD_NOT_START;
            default -> throw e;
        };
        command.getErr().println("parley: " + e.getMessage());
        command.getErr().flush();
        return status;
    }

    @Command(name = "version", description = "Print the version.")
    int version() {
        for (String line : new Version().getVersion()) {
            System.out.println(line);
        }
        return 0;
    }

    /** The version, which is in the manifest of the jar. */
    static final class Version implements CommandLine.IVersionProvider {

        @Override
        public String[] getVersion() {
            return new String[] {"Parley " + number()};
        }

        static String number() {
            String version = Main.class.getPackage().getImplementationVersion();
            return version == null ? "(not from a jar)" : version;
        }
    }
}
