package dev.parley.server.http;

import com.sun.management.UnixOperatingSystemMXBean;
import dev.parley.engine.memory.Memory;
import dev.parley.engine.memory.Reservation;
import dev.parley.engine.memory.Room;
import io.netty.bootstrap.Bootstrap;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFactory;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.IoHandlerFactory;
import io.netty.channel.ServerChannel;
import io.netty.channel.socket.DatagramChannel;
import io.netty.channel.socket.InternetProtocolFamily;
import io.vertx.core.datagram.DatagramSocketOptions;
import io.vertx.core.net.TcpConfig;
import io.vertx.core.transport.Transport;
import java.lang.management.ManagementFactory;
import java.net.SocketAddress;
import java.util.concurrent.ThreadFactory;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Counts sockets from the moment they are accepted, before TLS or HTTP know of them, and closes sockets beyond the
 * limit at once. A process that has opened all the files it may open can neither accept connections nor write its
 * store, so some files are reserved.
 */
@ChannelHandler.Sharable
public final class AcceptGate extends ChannelInboundHandlerAdapter {

    /** Files that are reserved for the store (at most 1,024 open tables), the journal, webhooks and libraries. */
    static final int RESERVED_FILES = 2_048;

    private static final Logger LOG = LoggerFactory.getLogger(AcceptGate.class);

    /** The estimated memory of a connection as such. */
    static final int CONNECTION_BYTES = 4 << 10;

    /** The estimated memory of a connection with TLS, whose state and buffers are far larger. */
    static final int TLS_CONNECTION_BYTES = 16 << 10;

    private final Permits open;
    private final @Nullable Memory memory;
    private final @Nullable Shares shares;
    private final long bytesPerConnection;

    /** Accepts up to {@code connections} sockets, or fewer if the operating system has fewer files for them. */
    public static AcceptGate upTo(int connections) {
        if (ManagementFactory.getOperatingSystemMXBean() instanceof UnixOperatingSystemMXBean system) {
            long files = system.getMaxFileDescriptorCount();
            int room = (int) Math.min(connections, roomIn(files));
            if (room < connections) {
                LOG.warn(
                        "This process may open {} files, so at most {} connections are open at once instead of the {} of"
                                + " limits.connections. Raise the limit of open files (ulimit -n) for more.",
                        files,
                        room,
                        connections);
            }
            return new AcceptGate(room);
        }
        return new AcceptGate(connections);
    }

    /** Number of connections for a process that may open this number of files: at least half of them. */
    static long roomIn(long files) {
        return Math.max(files - RESERVED_FILES, files / 2);
    }

    AcceptGate(int maxOpen) {
        this(new Permits(maxOpen), null, null, 0);
    }

    private AcceptGate(Permits open, @Nullable Memory memory, @Nullable Shares shares, long bytesPerConnection) {
        this.open = open;
        this.memory = memory;
        this.shares = shares;
        this.bytesPerConnection = bytesPerConnection;
    }

    /**
     * The same gate, which also accepts no more connections than there is {@code memory} for, no more from one address than
     * leaves some to others, and counts what arrives on them.
     */
    public AcceptGate within(Memory memory, Shares shares, boolean tls) {
        return new AcceptGate(new Permits(open.most()), memory, shares, tls ? TLS_CONNECTION_BYTES : CONNECTION_BYTES);
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object accepted) {
        Channel socket = (Channel) accepted;
        Room room = shares == null ? null : shares.sockets(socket, open.most() * bytesPerConnection);
        Permits.Permit permit = open.take();
        Reservation held = permit == null || room == null ? null : room.reserve(bytesPerConnection);
        if (permit == null || (room != null && held == null)) {
            if (permit != null) {
                permit.close();
            }
            // No event loop has the socket yet.
            socket.unsafe().closeForcibly();
            return;
        }
        socket.closeFuture().addListener(closed -> {
            permit.close();
            if (held != null) {
                held.close();
            }
        });
        DirectMemory.guard(socket);
        if (memory != null && shares != null) {
            OpenRequests.from(socket, memory, shares);
            ArrivingHead.open(socket, shares.heads(socket));
        }
        context.fireChannelRead(accepted);
    }

    /** The transport of this machine, with this gate in front of everything that is accepted. */
    public Transport transport() {
        Transport nativeTransport = Transport.nativeTransport();
        return new Gated(
                nativeTransport != null && nativeTransport.available() ? nativeTransport : Transport.NIO, this);
    }

    /** Vert.x gives no access to a socket before its TLS handshake. Only its transport sees the listening socket. */
    private record Gated(Transport transport, AcceptGate gate)
            implements Transport, io.vertx.core.spi.transport.Transport {

        private io.vertx.core.spi.transport.Transport gated() {
            return transport.implementation();
        }

        @Override
        public void configure(TcpConfig config, boolean domainSocket, ServerBootstrap bootstrap) {
            gated().configure(config, domainSocket, bootstrap);
            bootstrap.handler(gate);
        }

        // All other methods call the wrapped transport.

        @Override
        public String name() {
            return transport.name();
        }

        @Override
        public boolean available() {
            return transport.available();
        }

        @Override
        public @Nullable Throwable unavailabilityCause() {
            return transport.unavailabilityCause();
        }

        @Override
        public io.vertx.core.spi.transport.Transport implementation() {
            return this;
        }

        @Override
        public boolean isAvailable() {
            return gated().isAvailable();
        }

        @Override
        public boolean supportsDomainSockets() {
            return gated().supportsDomainSockets();
        }

        @Override
        public boolean supportFileRegion() {
            return gated().supportFileRegion();
        }

        @Override
        public SocketAddress convert(io.vertx.core.net.SocketAddress address) {
            return gated().convert(address);
        }

        @Override
        public io.vertx.core.net.@Nullable SocketAddress convert(SocketAddress address) {
            return gated().convert(address);
        }

        @Override
        public IoHandlerFactory ioHandlerFactory() {
            return gated().ioHandlerFactory();
        }

        @Override
        public EventLoopGroup eventLoopGroup(int type, int threads, ThreadFactory factory, int ioRatio) {
            return gated().eventLoopGroup(type, threads, factory, ioRatio);
        }

        @Override
        @SuppressWarnings("deprecation") // the interface has no other method for this
        public DatagramChannel datagramChannel(InternetProtocolFamily family) {
            return gated().datagramChannel(family);
        }

        @Override
        public ChannelFactory<? extends DatagramChannel> datagramChannelFactory() {
            return gated().datagramChannelFactory();
        }

        @Override
        public ChannelFactory<? extends Channel> channelFactory(boolean domainSocket) {
            return gated().channelFactory(domainSocket);
        }

        @Override
        public ChannelFactory<? extends ServerChannel> serverChannelFactory(boolean domainSocket) {
            return gated().serverChannelFactory(domainSocket);
        }

        @Override
        public void configure(DatagramChannel channel, DatagramSocketOptions options) {
            gated().configure(channel, options);
        }

        @Override
        public void configure(TcpConfig config, boolean domainSocket, Bootstrap bootstrap) {
            gated().configure(config, domainSocket, bootstrap);
        }
    }
}
