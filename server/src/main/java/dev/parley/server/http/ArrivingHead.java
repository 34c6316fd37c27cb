package dev.parley.server.http;

import dev.parley.engine.memory.Room;
import dev.parley.server.loop.Netty;
import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpObject;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpRequestDecoder;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.util.AttributeKey;
import io.netty.util.ReferenceCountUtil;
import io.vertx.core.http.HttpConnection;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Counts the bytes that have arrived on one connection and do not belong to a request or a body yet: the beginning of a
 * head, or of a frame of HTTP/2; and, in HTTP/1.1, the {@linkplain WaitingRequests requests} that are not passed on yet. If
 * there is no room for them, the connection is closed, because there is no request to answer. Used on the connection's event
 * loop.
 *
 * <p>Netty tells its handlers that a connection has ended only after it has read from all other sockets that have something
 * to read. Until then, the decoder of HTTP/1.1 would keep the fields of its head, which take many times the memory of its
 * bytes and are counted no more. What has arrived is therefore let go of as soon as the connection ends. So, besides what
 * is counted, an event loop holds only what it decodes at the moment.
 */
final class ArrivingHead {
    /** The bytes that a connection may have here without asking for room, so that usual heads always get through. */
    static final int FREE_BYTES = 4 << 10;

    /** All heads together may have the memory for what arrives divided by this number. */
    static final int PURSE_PER_HEADS = 2;

    /** The memory that a field of a head takes besides its text when it is decoded. */
    static final int FIELD_BYTES = 128;

    private static final AttributeKey<ArrivingHead> KEY = AttributeKey.valueOf(ArrivingHead.class, "head");

    private final Channel channel;
    private final Room room;
    private final WaitingRequests waiting;
    private long reserved;

    /** Whether there has been a request. */
    private boolean begun;

    /** Counts the input of the decoder of HTTP/1.1. Null as long as there is none. */
    private @Nullable Lines lines;

    /** Whether the connection speaks another protocol now. */
    private boolean over;

    private ArrivingHead(Channel channel, Room room) {
        this.channel = channel;
        this.room = room;
        this.waiting = new WaitingRequests(room);
    }

    /** Counts in {@code room} what arrives on {@code accepted}, which belongs to no event loop yet. */
    static void open(Channel accepted, Room room) {
        ArrivingHead head = new ArrivingHead(accepted, room);
        accepted.attr(KEY).set(head);
        accepted.pipeline().addLast(head.new First());
        var _ = accepted.closeFuture().addListener(closed -> head.letGo());
    }

    /** Notes that the first request of {@code connection} has arrived. */
    static void begun(HttpConnection connection) {
        Channel channel = Netty.channel(connection);
        ArrivingHead head = channel.attr(KEY).get();
        if (head != null && !head.begun) {
            head.begun = true;
            head.hold(0);
            head.follow(0);
        }
    }

    /** Notes that a request of {@code connection}, which does not speak HTTP/2, was passed on to be answered. */
    static void taken(HttpConnection connection) {
        ArrivingHead head = Netty.channel(connection).attr(KEY).get();
        if (head != null) {
            head.waiting.taken();
        }
    }

    /** Continues at the decoder, where lines can be distinguished. Returns false if there is none. */
    private boolean follow(long held) {
        ChannelHandlerContext decoder = channel.pipeline().context(HttpRequestDecoder.class);
        if (decoder == null || lines != null) {
            return lines != null;
        }
        Lines counting = new Lines(held);
        lines = counting;
        channel.pipeline()
                .addBefore(decoder.name(), null, counting)
                .addAfter(decoder.name(), null, new Decoded(counting));
        return true;
    }

    /** Counts that so much is held now. If there is no room for it, the connection ends. */
    private void hold(long bytes) {
        long needed = over || bytes <= FREE_BYTES ? 0 : bytes;
        if (needed > reserved && !(channel.isActive() && room.tryReserve(needed - reserved))) {
            letGo();
            var _ = channel.close();
            return;
        }
        if (needed < reserved) {
            room.giveBack(reserved - needed);
        }
        reserved = needed;
    }

    /** Holds nothing any more, as the connection ends. */
    private void letGo() {
        if (lines != null) {
            lines.drop();
        }
        if (reserved > 0) {
            room.giveBack(reserved);
            reserved = 0;
        }
    }

    /** The memory that a decoded head takes: its address, and its fields with their text. */
    static long weight(String uri, Iterable<Map.Entry<String, String>> headers) {
        long bytes = uri.length();
        for (Map.Entry<String, String> field : headers) {
            bytes += FIELD_BYTES + field.getKey().length() + field.getValue().length();
        }
        return bytes;
    }

    /**
     * The memory that these bytes of a head take: each line is a field. Encrypted bytes show no lines, but are about as
     * many.
     */
    private static long weight(ByteBuf part, int from, int end) {
        long weight = (long) end - from;
        for (int i = from; i < end; i++) {
            weight += part.getByte(i) == '\n' ? FIELD_BYTES : 0;
        }
        return weight;
    }

    /**
     * Counts in front of everything that Vert.x does, including TLS, until the protocol of the client is known and the
     * first request has arrived.
     */
    private final class First extends ChannelInboundHandlerAdapter {
        private long held;

        @Override
        public void channelRead(ChannelHandlerContext context, Object message) {
            ByteBuf part = (ByteBuf) message;
            int from = part.readerIndex();
            int end = part.writerIndex();
            part.retain();
            try {
                context.fireChannelRead(part);
                if (!begun) {
                    held += weight(part, from, end);
                    hold(held);
                }
                if (follow(held) || begun) {
                    context.pipeline().remove(this);
                }
            } finally {
                part.release();
            }
        }
    }

    /** Counts in front of the decoder of HTTP/1.1. */
    private final class Lines extends ChannelInboundHandlerAdapter {
        /** The memory that is held for the arriving head. */
        private long held;

        /** The number of bytes that are being decoded. */
        private int reading;

        /** The memory of what they were decoded to. */
        private long decoded;

        private boolean somethingDecoded;
        private boolean requestEnded;

        /** Whether the decoder is gone, as nobody will get what it has begun. */
        private boolean dropped;

        Lines(long held) {
            this.held = held;
        }

        @Override
        public void channelRead(ChannelHandlerContext context, Object message) {
            if (dropped) {
                // TLS says goodbye before it closes the socket.
                ReferenceCountUtil.release(message);
                return;
            }
            if (!(message instanceof ByteBuf part)) {
                context.fireChannelRead(message);
                return;
            }
            int from = part.readerIndex();
            reading = part.readableBytes();
            decoded = 0;
            somethingDecoded = false;
            part.retain();
            try {
                context.fireChannelRead(part);
                int end = from + reading;
                if (somethingDecoded) {
                    // After a whole request, the next one may begin.
                    from = requestEnded && reading > FREE_BYTES ? (int) Math.min(end, from + decoded) : end;
                }
                held += weight(part, from, end);
                hold(held);
            } finally {
                part.release();
            }
        }

        /** Makes the decoder forget the beginning of a head. */
        void drop() {
            if (held > 0) {
                end();
            }
            held = 0;
        }

        /** Nothing more is decoded. */
        void end() {
            ChannelHandlerContext decoder = channel.pipeline().context(HttpRequestDecoder.class);
            if (decoder != null) {
                dropped = true;
                channel.pipeline().remove(decoder.handler());
            }
        }

        void decoded(HttpObject what) {
            somethingDecoded = true;
            held = 0;
            requestEnded = what instanceof LastHttpContent;
            // Small inputs, which are almost all, are not searched.
            if (reading > FREE_BYTES) {
                if (what instanceof HttpRequest request) {
                    decoded += headBytes(request);
                }
                if (what instanceof HttpContent content) {
                    decoded += content.content().readableBytes();
                }
            }
        }

        private static long headBytes(HttpRequest request) {
            // Two spaces, the version, and the ends of the first and the last line.
            long bytes = (long) request.method().name().length() + request.uri().length() + 14;
            for (Map.Entry<String, String> field : request.headers()) {
                bytes += field.getKey().length() + field.getValue().length() + 4;
            }
            return bytes;
        }
    }

    /** Counts after the decoder of HTTP/1.1. */
    private final class Decoded extends ChannelInboundHandlerAdapter {
        private final Lines lines;

        Decoded(Lines lines) {
            this.lines = lines;
        }

        /** Later than the handlers behind this one, which have the requests that wait. */
        @Override
        public void handlerRemoved(ChannelHandlerContext context) {
            waiting.end();
        }

        @Override
        public void channelRead(ChannelHandlerContext context, Object message) {
            if (lines.dropped) {
                ReferenceCountUtil.release(message);
                return;
            }
            if (message instanceof HttpRequest request) {
                lines.decoded(request);
                waiting.arrives();
                context.fireChannelRead(request);
                if (!waiting.keeps(request)) {
                    lines.end();
                    var _ = channel.close();
                }
                return;
            }
            if (message instanceof HttpObject decoded) {
                lines.decoded(decoded);
            } else {
                // The connection now uses WebSocket or HTTP/2, and others count what arrives on it.
                over = true;
                hold(0);
                context.pipeline().remove(lines);
                context.pipeline().remove(this);
            }
            context.fireChannelRead(message);
        }
    }
}
