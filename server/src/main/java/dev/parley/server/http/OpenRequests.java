package dev.parley.server.http;

import dev.parley.engine.memory.Memory;
import dev.parley.engine.memory.Purse;
import dev.parley.engine.memory.Room;
import dev.parley.server.loop.Netty;
import io.netty.channel.Channel;
import io.netty.util.AttributeKey;
import io.vertx.core.http.HttpConnection;
import java.util.concurrent.atomic.AtomicLong;

/**
 * The part of the memory of connections that open requests take, which leaves the rest to sockets. The requests from one
 * address leave some of it to others, and count in what the address may have. Thread-safe.
 */
final class OpenRequests {
    /** All requests together may have the memory of connections divided by this number; the rest is for sockets. */
    static final int PURSE_PER_REQUESTS = 2;

    private static final AttributeKey<Room> OF_ADDRESS = AttributeKey.valueOf(OpenRequests.class, "ofAddress");

    private final Purse purse;
    private final long most;
    private final AtomicLong held = new AtomicLong();

    OpenRequests(Memory memory) {
        this.purse = memory.connections();
        this.most = most(purse);
    }

    private static long most(Purse purse) {
        return purse.capacity() / PURSE_PER_REQUESTS;
    }

    /** Counts the requests on {@code socket} in the share of its address. */
    static void from(Channel socket, Memory memory, Shares shares) {
        socket.attr(OF_ADDRESS).set(shares.openRequests(socket, most(memory.connections())));
    }

    boolean tryReserve(HttpConnection connection, long bytes) {
        if (held.addAndGet(bytes) > most) {
            held.addAndGet(-bytes);
            purse.refuse();
            return false;
        }
        if (!of(connection).tryReserve(bytes)) {
            held.addAndGet(-bytes);
            return false;
        }
        return true;
    }

    void giveBack(HttpConnection connection, long bytes) {
        of(connection).giveBack(bytes);
        held.addAndGet(-bytes);
    }

    /** Always the same for a connection. */
    private Room of(HttpConnection connection) {
        Room ofAddress = Netty.channel(connection).attr(OF_ADDRESS).get();
        return ofAddress == null ? purse : ofAddress;
    }
}
