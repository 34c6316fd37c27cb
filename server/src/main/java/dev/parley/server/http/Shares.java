package dev.parley.server.http;

import dev.parley.engine.memory.Memory;
import dev.parley.engine.memory.Room;
import dev.parley.engine.memory.Share;
import dev.parley.server.auth.Principal;
import dev.parley.server.config.Network;
import dev.parley.server.loop.Netty;
import io.netty.channel.Channel;
import io.netty.util.AttributeKey;
import io.vertx.core.http.HttpConnection;
import java.lang.ref.ReferenceQueue;
import java.lang.ref.WeakReference;
import java.net.Inet6Address;
import java.net.InetSocketAddress;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The shares that one app, one principal of an app, and one connection of a principal may have of each purse, so that
 * no client takes all of it and the others can continue. Clients without credentials are identified by their address.
 * There is one object for all doors. Thread-safe.
 */
public final class Shares {
    /** An app, or an address, leaves the purse divided by this number to others. */
    private static final int PURSE_PER_REST = 4;

    /** A principal of an app may have the purse divided by this number. */
    private static final int PURSE_PER_PRINCIPAL = 2;

    /** Large bodies leave the share for arriving data divided by this number to small bodies. */
    private static final int ARRIVING_PER_SMALL = 4;

    /** Number of bytes of an IPv6 address that all addresses of one network have in common. */
    private static final int NETWORK_BYTES = 8;

    private static final AttributeKey<Holder> KEY = AttributeKey.valueOf(Shares.class, "holder");

    private final Memory memory;

    /** Proxies, behind whose addresses are many clients. */
    private final List<Network> trustedProxies;

    /** Bytes that all large bodies hold. They leave some room to small bodies. */
    private final AtomicLong largeBodies = new AtomicLong();

    private final long mostOfLargeBodies;

    /** The shares that are in use or may be: by {@link Holder}s and by reservations. */
    private final Map<Name, Known> shares = new ConcurrentHashMap<>();

    private final ReferenceQueue<Share> gone = new ReferenceQueue<>();

    /** Shares among clients that come without proxies. */
    public Shares(Memory memory) {
        this(memory, List.of());
    }

    /**
     * Shares among clients.
     *
     * @param trustedProxies may have as many connections as there is room for
     */
    public Shares(Memory memory, List<Network> trustedProxies) {
        this.memory = memory;
        this.trustedProxies = List.copyOf(trustedProxies);
        this.mostOfLargeBodies = largePart(memory.arriving().capacity());
    }

    private static long largePart(long arriving) {
        return arriving - arriving / ARRIVING_PER_SMALL;
    }

    /** What a share is for, beside its kind. */
    private enum Part {
        ALL,
        LARGE_BODIES,
        SOCKETS,
        OPEN_REQUESTS
    }

    /** Identifies a share. */
    private record Name(Memory.Kind kind, Part part, Whose whose) {}

    /**
     * An app, or a principal.
     *
     * @param principal empty for the app as a whole
     */
    private record Whose(String app, String principal) {}

    private static final class Known extends WeakReference<Share> {
        private final Name name;

        Known(Name name, Share share, ReferenceQueue<Share> gone) {
            super(share, gone);
            this.name = name;
        }
    }

    /** A principal on one connection. */
    public final class Holder {
        private final Whose whose;
        private final Map<Memory.Kind, Share> ofConnection = new EnumMap<>(Memory.Kind.class);
        private final Share ofLargeBodies;

        private Holder(Whose whose) {
            this.whose = whose;
            Share arriving = ofPrincipal(Memory.Kind.ARRIVING, whose);
            this.ofLargeBodies = known(
                    new Name(Memory.Kind.ARRIVING, Part.LARGE_BODIES, whose),
                    () -> arriving.share(largePart(arriving.capacity())));
        }

        /**
         * The connection's share of the purse of {@code kind}; always the same object. Called on the connection's event
         * loop.
         */
        public Share of(Memory.Kind kind) {
            Share share = ofConnection.get(kind);
            if (share == null) {
                share = ofPrincipal(kind, whose).share(memory.connectionBytes(kind));
                ofConnection.put(kind, share);
            }
            return share;
        }

        /**
         * The share that the principal has of the purse of {@code kind} on all its connections, for those who limit each
         * connection themselves.
         */
        public Share ofAllConnections(Memory.Kind kind) {
            return ofPrincipal(kind, whose);
        }

        /** Reserves memory for the rest of a large body. A connection may have more of it than of anything else. */
        boolean tryReserveLarge(long bytes) {
            if (largeBodies.addAndGet(bytes) <= mostOfLargeBodies && ofLargeBodies.tryReserve(bytes)) {
                return true;
            }
            largeBodies.addAndGet(-bytes);
            return false;
        }

        void giveBackLarge(long bytes) {
            ofLargeBodies.giveBack(bytes);
            largeBodies.addAndGet(-bytes);
        }
    }

    /**
     * The holder for a request on {@code connection}. Called on the connection's event loop.
     *
     * @param principal null if it is not known
     */
    public Holder holder(HttpConnection connection, @Nullable Principal principal) {
        return holder(Netty.channel(connection), principal);
    }

    /** The holder for a connection that has become a WebSocket. */
    public Holder holder(Channel connection, @Nullable Principal principal) {
        var attribute = connection.attr(KEY);
        Holder known = attribute.get();
        boolean named = principal != null && !principal.isAnonymous();
        if (!named && known != null && known.whose.app().isEmpty()) {
            // The address of a connection never changes, and to write it down takes a while.
            return known;
        }
        Whose whose = whose(connection, principal);
        if (known == null || !known.whose.equals(whose)) {
            // A connection with several principals belongs to a proxy. Each of the principals is limited nevertheless.
            known = new Holder(whose);
            attribute.set(known);
        }
        return known;
    }

    private static Whose whose(Channel connection, @Nullable Principal principal) {
        if (principal == null || principal.isAnonymous()) {
            return new Whose("", address(connection));
        }
        String client = principal.isToken() ? principal.clientId() : null;
        // Names of keys contain no blank.
        return new Whose(principal.app(), client == null ? principal.keyName() : principal.keyName() + ' ' + client);
    }

    /** Where the sockets are counted that come from the address of {@code connection}: at most {@code most} bytes. */
    Room sockets(Channel connection, long most) {
        return ofAddress(connection, Part.SOCKETS, rest(most));
    }

    /** Where the open requests are counted that come from the address of {@code connection}: at most {@code most} bytes. */
    Room openRequests(Channel connection, long most) {
        return ofAddress(connection, Part.OPEN_REQUESTS, rest(most));
    }

    /** A part of what all connections from an address may take together, whoever uses them. */
    private Room ofAddress(Channel connection, Part part, long capacity) {
        if (isFromTrustedProxy(connection)) {
            return memory.connections();
        }
        Whose whose = new Whose("", address(connection));
        return known(
                new Name(Memory.Kind.CONNECTIONS, part, whose),
                () -> ofPrincipal(Memory.Kind.CONNECTIONS, whose).share(capacity));
    }

    private boolean isFromTrustedProxy(Channel connection) {
        return !trustedProxies.isEmpty()
                && connection.remoteAddress() instanceof InetSocketAddress peer
                && peer.getAddress() != null
                && trustedProxies.stream().anyMatch(network -> network.contains(peer.getAddress()));
    }

    private static long rest(long whole) {
        return whole - whole / PURSE_PER_REST;
    }

    private static String address(Channel connection) {
        if (connection.remoteAddress() instanceof InetSocketAddress peer && peer.getAddress() != null) {
            byte[] bytes = peer.getAddress().getAddress();
            return HexFormat.of()
                    .formatHex(peer.getAddress() instanceof Inet6Address ? Arrays.copyOf(bytes, NETWORK_BYTES) : bytes);
        }
        return "unknown";
    }

    private Share ofPrincipal(Memory.Kind kind, Whose whose) {
        long capacity = memory.purse(kind).capacity();
        if (whose.app().isEmpty()) {
            return known(
                    new Name(kind, Part.ALL, whose), () -> memory.purse(kind).share(rest(capacity)));
        }
        Share app = known(
                new Name(kind, Part.ALL, new Whose(whose.app(), "")),
                () -> memory.purse(kind).share(rest(capacity)));
        return known(new Name(kind, Part.ALL, whose), () -> app.share(capacity / PURSE_PER_PRINCIPAL));
    }

    private Share known(Name name, Supplier<Share> made) {
        for (var lost = gone.poll(); lost != null; lost = gone.poll()) {
            shares.remove(((Known) lost).name, lost);
        }
        while (true) {
            Known there = shares.get(name);
            Share share = there == null ? null : there.get();
            if (share != null) {
                return share;
            }
            Share fresh = made.get();
            there = shares.compute(
                    name,
                    (same, before) -> before == null || before.get() == null ? new Known(name, fresh, gone) : before);
            share = there.get();
            if (share != null) {
                return share;
            }
        }
    }
}
