package dev.parley.server.http;

import dev.parley.engine.memory.Memory;
import dev.parley.engine.memory.Owner;
import dev.parley.engine.memory.OwnerShares;
import dev.parley.engine.memory.Room;
import dev.parley.engine.memory.Share;
import dev.parley.engine.memory.ShareTable;
import dev.parley.server.auth.Principal;
import dev.parley.server.config.Network;
import dev.parley.server.loop.Netty;
import io.netty.channel.Channel;
import io.netty.util.AttributeKey;
import io.vertx.core.http.HttpConnection;
import java.net.Inet6Address;
import java.net.InetSocketAddress;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * The shares that one app, one principal of an app, and one connection of a principal may have of each purse, so that
 * no client takes all of it and the others can continue. Clients without credentials are identified by their address.
 * There is one object for all doors. Thread-safe.
 */
public final class Shares {
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

    /** Where the arriving heads of all connections are counted. */
    private final Share heads;

    /** The whole shares of owners, and the parts of them. They are used by {@link Holder}s and by reservations. */
    private final OwnerShares owners = new OwnerShares();

    private final ShareTable<Name> parts = new ShareTable<>();

    /** Shares among clients that come without proxies. */
    public Shares(Memory memory) {
        this(memory, List.of());
    }

    /**
     * Shares among clients.
     *
     * @param trustedProxies may have as many connections and arriving heads as there is room for
     */
    public Shares(Memory memory, List<Network> trustedProxies) {
        this.memory = memory;
        this.trustedProxies = List.copyOf(trustedProxies);
        this.mostOfLargeBodies = largePart(memory.arriving().capacity());
        this.heads = memory.arriving().share(memory.arriving().capacity() / ArrivingHead.PURSE_PER_HEADS);
    }

    private static long largePart(long arriving) {
        return arriving - arriving / ARRIVING_PER_SMALL;
    }

    /** What a share is for that is a part of an owner's share. */
    private enum Part {
        LARGE_BODIES,
        HEADS,
        SOCKETS,
        OPEN_REQUESTS
    }

    private record Name(Part part, Owner owner) {}

    /** A principal on one connection. */
    public final class Holder {
        private final Owner owner;
        private final Map<Memory.Kind, Share> ofConnection = new EnumMap<>(Memory.Kind.class);
        private final Share ofLargeBodies;

        private Holder(Owner owner) {
            this.owner = owner;
            Share arriving = shareOf(Memory.Kind.ARRIVING, owner);
            this.ofLargeBodies =
                    parts.get(new Name(Part.LARGE_BODIES, owner), () -> arriving.share(largePart(arriving.capacity())));
        }

        /**
         * The connection's share of the purse of {@code kind}; always the same object. Called on the connection's event
         * loop.
         */
        public Share of(Memory.Kind kind) {
            Share share = ofConnection.get(kind);
            if (share == null) {
                share = shareOf(kind, owner).share(memory.connectionBytes(kind));
                ofConnection.put(kind, share);
            }
            return share;
        }

        /**
         * The share that the principal has of the purse of {@code kind} on all its connections, for those who limit each
         * connection themselves.
         */
        public Share ofAllConnections(Memory.Kind kind) {
            return shareOf(kind, owner);
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
        if (!named && known != null && known.owner.isAddress()) {
            // The address of a connection never changes, and to write it down takes a while.
            return known;
        }
        Owner owner = ownerOf(connection, principal);
        if (known == null || !known.owner.equals(owner)) {
            // A connection with several principals belongs to a proxy. Each of the principals is limited nevertheless.
            known = new Holder(owner);
            attribute.set(known);
        }
        return known;
    }

    /**
     * Whoever owns what {@code principal} makes over {@code connection} and the server keeps. Null for clients without
     * credentials behind a trusted proxy, because nobody can distinguish them.
     */
    public @Nullable Owner owner(HttpConnection connection, Principal principal) {
        Channel channel = Netty.channel(connection);
        return principal.isAnonymous() && isFromTrustedProxy(channel) ? null : ownerOf(channel, principal);
    }

    private static Owner ownerOf(Channel connection, @Nullable Principal principal) {
        if (principal == null || principal.isAnonymous()) {
            return new Owner("", address(connection));
        }
        String client = principal.isToken() ? principal.clientId() : null;
        // Names of keys contain no blank.
        return new Owner(principal.app(), client == null ? principal.keyName() : principal.keyName() + ' ' + client);
    }

    /** Where the sockets are counted that come from the address of {@code connection}: at most a part of {@code most} bytes. */
    Room sockets(Channel connection, long most) {
        return ofAddress(connection, Part.SOCKETS, most);
    }

    /** Where the open requests are counted that come from the address of {@code connection}: at most a part of {@code most}. */
    Room openRequests(Channel connection, long most) {
        return ofAddress(connection, Part.OPEN_REQUESTS, most);
    }

    /** Where the heads are counted that arrive from the address of {@code connection}, until it is known who sends them. */
    Room heads(Channel connection) {
        if (isFromTrustedProxy(connection)) {
            return heads;
        }
        Owner owner = ownerOf(connection, null);
        return parts.get(new Name(Part.HEADS, owner), () -> heads.share(OwnerShares.part(heads.capacity(), owner)));
    }

    /** A part of what all connections from an address may take together, whoever uses them. */
    private Room ofAddress(Channel connection, Part part, long most) {
        if (isFromTrustedProxy(connection)) {
            return memory.connections();
        }
        Owner owner = ownerOf(connection, null);
        return parts.get(
                new Name(part, owner),
                () -> shareOf(Memory.Kind.CONNECTIONS, owner).share(OwnerShares.part(most, owner)));
    }

    private boolean isFromTrustedProxy(Channel connection) {
        return !trustedProxies.isEmpty()
                && connection.remoteAddress() instanceof InetSocketAddress peer
                && peer.getAddress() != null
                && trustedProxies.stream().anyMatch(network -> network.contains(peer.getAddress()));
    }

    private static String address(Channel connection) {
        if (connection.remoteAddress() instanceof InetSocketAddress peer && peer.getAddress() != null) {
            byte[] bytes = peer.getAddress().getAddress();
            return HexFormat.of()
                    .formatHex(peer.getAddress() instanceof Inet6Address ? Arrays.copyOf(bytes, NETWORK_BYTES) : bytes);
        }
        return "unknown";
    }

    private Share shareOf(Memory.Kind kind, Owner owner) {
        return owners.of(memory.purse(kind), owner);
    }
}
