package dev.parley.engine;

import dev.parley.engine.codec.BinaryReader;
import dev.parley.engine.codec.BinaryWriter;
import dev.parley.engine.command.Command;
import dev.parley.engine.identity.Identify;
import dev.parley.engine.life.Boot;
import dev.parley.engine.registry.RegistryCommand;
import dev.parley.engine.registry.RegistryCommandCodec;
import dev.parley.engine.session.SessionCommand;
import dev.parley.engine.session.codec.SessionCommandCodec;
import dev.parley.engine.stream.StreamCommand;
import dev.parley.engine.stream.StreamCommandCodec;
import dev.parley.engine.subscription.SubscriptionCommand;
import dev.parley.engine.subscription.SubscriptionCommandCodec;
import java.nio.ByteBuffer;

/**
 * Encodes commands as journal records: a kind byte, which identifies the state machine, and the rest in that machine's
 * own format.
 */
final class CommandCodec {
    private CommandCodec() {}

    static void write(Command<?> command, BinaryWriter out) {
        switch (command) {
            case StreamCommand<?> c -> StreamCommandCodec.write(c, out);
            case SubscriptionCommand<?> c -> SubscriptionCommandCodec.write(c, out);
            case SessionCommand<?> c -> SessionCommandCodec.write(c, out);
            case RegistryCommand<?> c -> RegistryCommandCodec.write(c, out);
            case Identify c -> c.write(out);
            case Boot c -> c.write(out);
            default -> throw new IllegalArgumentException("no codec for " + command.getClass());
        }
    }

    static Command<?> read(ByteBuffer journalRecord) {
        BinaryReader in = new BinaryReader(journalRecord);
        int kind = in.u8();
        if (StreamCommandCodec.isKind(kind)) {
            return StreamCommandCodec.read(kind, in);
        }
        if (SubscriptionCommandCodec.isKind(kind)) {
            return SubscriptionCommandCodec.read(kind, in);
        }
        if (SessionCommandCodec.isKind(kind)) {
            return SessionCommandCodec.read(kind, in);
        }
        if (RegistryCommandCodec.isKind(kind)) {
            return RegistryCommandCodec.read(kind, in);
        }
        return Boot.isKind(kind) ? Boot.read(kind, in) : Identify.read(kind, in);
    }
}
