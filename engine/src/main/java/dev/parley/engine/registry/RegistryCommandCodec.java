package dev.parley.engine.registry;

import dev.parley.engine.codec.BinaryReader;
import dev.parley.engine.codec.BinaryWriter;
import dev.parley.engine.codec.MalformedBinaryException;
import dev.parley.engine.registry.RegistryCommand.AddApp;
import dev.parley.engine.registry.RegistryCommand.ForgetApp;
import dev.parley.engine.registry.RegistryCommand.ForgetRevocations;
import dev.parley.engine.registry.RegistryCommand.NameAgents;
import dev.parley.engine.registry.RegistryCommand.RemoveApp;
import dev.parley.engine.registry.RegistryCommand.RevokeTokens;
import dev.parley.engine.registry.RegistryCommand.SetNotify;
import dev.parley.engine.session.codec.AgentCodec;
import java.util.ArrayList;
import java.util.List;

/** Encodes commands of the registry as journal records. The first byte, the kind, is from 112 to 127 for them. */
public final class RegistryCommandCodec {
    private static final int ADD_APP = 112;
    private static final int REMOVE_APP = 113;
    private static final int FORGET_APP = 114;
    private static final int REVOKE_TOKENS = 115;
    private static final int FORGET_REVOCATIONS = 116;
    private static final int NAME_AGENTS = 117;
    private static final int SET_NOTIFY = 118;
    private static final int VERSION = 1;

    private RegistryCommandCodec() {}

    /** Whether a record of this kind is a command of the registry. */
    public static boolean isKind(int kind) {
        return kind >= ADD_APP && kind < 128;
    }

    /** Writes the command. */
    public static void write(RegistryCommand<?> command, BinaryWriter out) {
        out.u8(kind(command)).u8(VERSION).varint(command.time());
        switch (command) {
            case AddApp c -> c.app().write(out);
            case RemoveApp c -> out.string(c.id());
            case ForgetApp c -> out.string(c.id());
            case RevokeTokens c -> {
                Revocation r = c.revocation();
                out.string(r.keyName())
                        .string(r.target())
                        .varint(r.issuedBefore())
                        .varint(r.appliesAt());
            }
            case ForgetRevocations c -> out.varint(c.issuedBefore());
            case NameAgents c -> {
                AgentCodec.agents(out.string(c.app()).string(c.namespace()), c.agents());
                out.varint(c.removed().size());
                c.removed().forEach(out::string);
            }
            case SetNotify c -> {
                out.string(c.app()).string(c.namespace()).bool(c.told() != null);
                if (c.told() != null) {
                    c.told().write(out);
                }
            }
        }
    }

    private static int kind(RegistryCommand<?> command) {
        return switch (command) {
            case AddApp c -> ADD_APP;
            case RemoveApp c -> REMOVE_APP;
            case ForgetApp c -> FORGET_APP;
            case RevokeTokens c -> REVOKE_TOKENS;
            case ForgetRevocations c -> FORGET_REVOCATIONS;
            case NameAgents c -> NAME_AGENTS;
            case SetNotify c -> SET_NOTIFY;
        };
    }

    /** Reads a command whose kind byte has been read. */
    public static RegistryCommand<?> read(int kind, BinaryReader in) {
        in.version(VERSION);
        long time = in.varint();
        return switch (kind) {
            case ADD_APP -> new AddApp(time, RegisteredApp.read(in));
            case REMOVE_APP -> new RemoveApp(time, in.string());
            case FORGET_APP -> new ForgetApp(time, in.string());
            case REVOKE_TOKENS ->
                new RevokeTokens(time, new Revocation(in.string(), in.string(), in.varint(), in.varint()));
            case FORGET_REVOCATIONS -> new ForgetRevocations(time, in.varint());
            case NAME_AGENTS -> new NameAgents(time, in.string(), in.string(), AgentCodec.agents(in), texts(in));
            case SET_NOTIFY ->
                new SetNotify(time, in.string(), in.string(), in.bool() ? NamespaceNotify.read(in) : null);
            default -> throw new MalformedBinaryException("an unknown command of kind " + kind, null);
        };
    }

    private static List<String> texts(BinaryReader in) {
        List<String> texts = new ArrayList<>();
        for (int left = in.count(); left > 0; left--) {
            texts.add(in.string());
        }
        return List.copyOf(texts);
    }
}
