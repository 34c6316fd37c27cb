package dev.parley.server.http;

import dev.parley.engine.memory.Memory;
import dev.parley.engine.memory.Share;
import io.netty.util.AttributeKey;
import io.vertx.core.http.HttpConnection;
import io.vertx.core.net.impl.ConnectionBase;
import java.util.EnumMap;

/** What one connection may have of each purse, whatever its requests are. Used on the connection's event loop. */
public final class ConnectionShares {
    private static final AttributeKey<EnumMap<Memory.Kind, Share>> KEY =
            AttributeKey.valueOf(ConnectionShares.class, "shares");

    private ConnectionShares() {}

    /** The share that {@code connection} has of the purse of {@code kind}; always the same object. */
    public static Share of(HttpConnection connection, Memory memory, Memory.Kind kind) {
        var attribute = ((ConnectionBase) connection).channel().attr(KEY);
        EnumMap<Memory.Kind, Share> shares = attribute.get();
        if (shares == null) {
            shares = new EnumMap<>(Memory.Kind.class);
            attribute.set(shares);
        }
        return shares.computeIfAbsent(kind, memory::connectionShare);
    }
}
