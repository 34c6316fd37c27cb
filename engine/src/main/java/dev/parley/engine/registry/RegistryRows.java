package dev.parley.engine.registry;

import dev.parley.engine.codec.BinaryReader;
import dev.parley.engine.codec.BinaryWriter;
import java.nio.charset.StandardCharsets;

/** The rows of the registry. Revocations are in the order of the time up to which they revoke tokens. */
final class RegistryRows {
    private static final int APP = 1;
    private static final int REVOCATION = 2;
    private static final int AGENTS = 3;
    private static final int VERSION = 1;

    private RegistryRows() {}

    static byte[] firstAppKey() {
        return new byte[] {APP};
    }

    static byte[] lastAppKey() {
        return new byte[] {APP + 1};
    }

    static byte[] appKey(String id) {
        return new BinaryWriter(24)
                .u8(APP)
                .raw(id.getBytes(StandardCharsets.UTF_8))
                .toBytes();
    }

    static byte[] app(RegisteredApp app) {
        BinaryWriter out = new BinaryWriter(256).u8(VERSION);
        app.write(out);
        return out.toBytes();
    }

    static RegisteredApp app(byte[] row) {
        BinaryReader in = new BinaryReader(row);
        in.version(VERSION);
        return RegisteredApp.read(in);
    }

    static byte[] firstAgentsKey() {
        return new byte[] {AGENTS};
    }

    static byte[] lastAgentsKey() {
        return new byte[] {AGENTS + 1};
    }

    static byte[] agentsKey(NamespaceAgents named) {
        return new BinaryWriter(64)
                .u8(AGENTS)
                .string(named.app())
                .raw(named.namespace().getBytes(StandardCharsets.UTF_8))
                .toBytes();
    }

    static byte[] agents(NamespaceAgents named) {
        BinaryWriter out = new BinaryWriter(512).u8(named.version());
        named.write(out);
        return out.toBytes();
    }

    static NamespaceAgents agents(byte[] row) {
        return NamespaceAgents.read(new BinaryReader(row));
    }

    static byte[] firstRevocationKey() {
        return new byte[] {REVOCATION};
    }

    static byte[] lastRevocationKey() {
        return new byte[] {REVOCATION + 1};
    }

    /**
     * The key at which revocations of tokens that were issued before {@code issuedBefore} begin; older ones come before
     * it.
     */
    static byte[] revocationKeyAt(long issuedBefore) {
        return key(issuedBefore).toBytes();
    }

    static byte[] revocationKey(Revocation revocation) {
        return key(revocation.issuedBefore())
                .string(revocation.keyName())
                .raw(revocation.target().getBytes(StandardCharsets.UTF_8))
                .toBytes();
    }

    /** A key with the sign of the time inverted, so that times before 1970, which clients may send, come first. */
    private static BinaryWriter key(long issuedBefore) {
        return new BinaryWriter(64).u8(REVOCATION).fixed64(issuedBefore ^ Long.MIN_VALUE);
    }

    static byte[] revocation(Revocation revocation) {
        return new BinaryWriter(11).u8(VERSION).varint(revocation.appliesAt()).toBytes();
    }

    static Revocation revocation(byte[] key, byte[] row) {
        BinaryReader at = new BinaryReader(key);
        at.u8();
        long issuedBefore = at.fixed64() ^ Long.MIN_VALUE;
        String keyName = at.string();
        String target = new String(at.raw(at.remaining()), StandardCharsets.UTF_8);
        BinaryReader in = new BinaryReader(row);
        in.version(VERSION);
        return new Revocation(keyName, target, issuedBefore, in.varint());
    }
}
