package dev.parley.server.http;

import dev.parley.engine.memory.Memory;
import dev.parley.engine.memory.Room;
import io.netty.util.AttributeKey;
import io.vertx.core.http.HttpConnection;
import io.vertx.core.net.impl.ConnectionBase;
import org.jspecify.annotations.Nullable;

/**
 * What the requests of one connection that have arrived in part are counted in.
 *
 * @param smallBodies for the beginnings of bodies; a connection's share, as HTTP/2 has many at once
 * @param largeBodies for the rest of large ones: most of the purse, so that some is always left to small bodies
 */
record ArrivingAccount(Room smallBodies, Room largeBodies) {
    private static final AttributeKey<ArrivingAccount> KEY = AttributeKey.valueOf(ArrivingAccount.class, "account");

    /** Large bodies leave one part in so many of the purse. */
    private static final int PURSE_PER_SMALL = 4;

    /** What all connections have in common. */
    static Room largeBodies(Memory memory) {
        long capacity = memory.arriving().capacity();
        return memory.arriving().share(capacity - capacity / PURSE_PER_SMALL);
    }

    /** Counts what arrives on {@code connection} from now on. */
    static void open(HttpConnection connection, Memory memory, Room largeBodies) {
        ((ConnectionBase) connection)
                .channel()
                .attr(KEY)
                .set(new ArrivingAccount(memory.connectionShare(Memory.Kind.ARRIVING), largeBodies));
    }

    /** The account of {@code connection}; null where nobody counts. */
    static @Nullable ArrivingAccount of(HttpConnection connection) {
        return ((ConnectionBase) connection).channel().attr(KEY).get();
    }
}
