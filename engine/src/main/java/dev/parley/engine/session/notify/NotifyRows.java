package dev.parley.engine.session.notify;

import dev.parley.engine.codec.BinaryReader;
import dev.parley.engine.codec.BinaryWriter;
import dev.parley.engine.session.Notification;
import dev.parley.engine.session.SessionName;
import dev.parley.engine.session.codec.NotificationCodec;
import dev.parley.engine.session.codec.ValueCodec;
import java.nio.charset.StandardCharsets;

/** The form of notifications in the store, of the list of when they are due, and of who was told. */
final class NotifyRows {
    private static final int VERSION = 1;
    private static final int TOLD = 0;
    private static final int AGENT = 1;

    private NotifyRows() {}

    static byte[] notificationKey(long session, String id) {
        return new BinaryWriter(48)
                .fixed64(session)
                .raw(id.getBytes(StandardCharsets.UTF_8))
                .toBytes();
    }

    static byte[] notification(Notification notification) {
        return NotificationCodec.notification(new BinaryWriter(256).u8(VERSION), notification)
                .toBytes();
    }

    static Notification notification(byte[] row) {
        BinaryReader in = new BinaryReader(row);
        in.version(VERSION);
        return NotificationCodec.notification(in);
    }

    private static BinaryWriter times(long time) {
        return new BinaryWriter(64).fixed64(time);
    }

    static byte[] timeKey(long time, long session, String id) {
        return times(time)
                .fixed64(session)
                .raw(id.getBytes(StandardCharsets.UTF_8))
                .toBytes();
    }

    /** The time in such a key. */
    static long dueAt(byte[] timeKey) {
        return new BinaryReader(timeKey).fixed64();
    }

    static byte[] timesStart() {
        return times(0).toBytes();
    }

    /** Behind the last key of what is due until {@code millis}, inclusive. */
    static byte[] timesEnd(long millis) {
        return times(millis + 1).toBytes();
    }

    static byte[] time(SessionName session, String id) {
        BinaryWriter out = new BinaryWriter(64).u8(VERSION);
        ValueCodec.name(out, session);
        return out.string(id).toBytes();
    }

    static Notifications.Due time(byte[] row) {
        BinaryReader in = new BinaryReader(row);
        in.version(VERSION);
        return new Notifications.Due(ValueCodec.name(in), in.string());
    }

    private static byte[] clientKey(long session, int what, String clientId) {
        return new BinaryWriter(48)
                .fixed64(session)
                .u8(what)
                .raw(clientId.getBytes(StandardCharsets.UTF_8))
                .toBytes();
    }

    /** The key of what a client was told that was not there, and is not yet. */
    static byte[] toldKey(long session, String clientId) {
        return clientKey(session, TOLD, clientId);
    }

    static byte[] told(String id) {
        return new BinaryWriter(48).u8(VERSION).string(id).toBytes();
    }

    static String told(byte[] row) {
        BinaryReader in = new BinaryReader(row);
        in.version(VERSION);
        return in.string();
    }

    /** The key of a client that has begun runs. */
    static byte[] agentKey(long session, String clientId) {
        return clientKey(session, AGENT, clientId);
    }

    /** The row of such a client, which says no more than that. */
    static byte[] agent() {
        return new byte[] {VERSION};
    }
}
