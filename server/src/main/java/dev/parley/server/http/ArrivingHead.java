package dev.parley.server.http;

import dev.parley.engine.memory.Memory;
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
import io.vertx.core.http.HttpConnection;
import java.util.Map;

/**
 * What has come on one connection and is no request, or part of a body, yet: the beginning of a head, or of a frame of
 * HTTP/2. Who finds no room for it is closed, as there is no request to answer. Lives on the connection's event loop.
 */
final class ArrivingHead {
    /** What a connection may have here without asking, so that usual heads always get through. */
    static final int FREE_BYTES = 4 << 10;

    /** All heads together may have one part in so many of what arrives. */
    static final int PURSE_PER_HEADS = 2;

    /** What a field of a head takes beside its text as soon as it is decoded. */
    static final int FIELD_BYTES = 128;

    private static final AttributeKey<ArrivingHead> KEY = AttributeKey.valueOf(ArrivingHead.class, "head");

    private final Channel channel;
    private final Room room;
    private long reserved;

    /** Whether there was a request. */
    private boolean begun;

    /** Whether the decoder of HTTP/1.1 is there, and what it is given is counted. */
    private boolean following;

    /** Whether the connection speaks something else now. */
    private boolean over;

    private ArrivingHead(Channel channel, Room room) {
        this.channel = channel;
        this.room = room;
    }

    /** What all connections have in common. */
    static Room heads(Memory memory) {
        return memory.arriving().share(memory.arriving().capacity() / PURSE_PER_HEADS);
    }

    /** Counts what arrives on {@code accepted}, which no event loop has yet, in {@code room}. */
    static void open(Channel accepted, Room room) {
        ArrivingHead head = new ArrivingHead(accepted, room);
        accepted.attr(KEY).set(head);
        accepted.pipeline().addLast(head.new First());
        var _ = accepted.closeFuture().addListener(closed -> head.hold(0));
    }

    /** The first request of {@code connection} is there. */
    static void begun(HttpConnection connection) {
        Channel channel = Netty.channel(connection);
        ArrivingHead head = channel.attr(KEY).get();
        if (head != null && !head.begun) {
            head.begun = true;
            head.hold(0);
            head.follow(0);
        }
    }

    /** Goes on at the decoder, where lines can be seen; false if there is none. */
    private boolean follow(long held) {
        ChannelHandlerContext decoder = channel.pipeline().context(HttpRequestDecoder.class);
        if (decoder == null || following) {
            return following;
        }
        following = true;
        Lines lines = new Lines(held);
        channel.pipeline().addBefore(decoder.name(), null, lines).addAfter(decoder.name(), null, new Decoded(lines));
        return true;
    }

    private void hold(long bytes) {
        long needed = over || bytes <= FREE_BYTES ? 0 : bytes;
        if (needed < reserved) {
            room.giveBack(reserved - needed);
            reserved = needed;
        } else if (needed > reserved && channel.isActive()) {
            if (room.tryReserve(needed - reserved)) {
                reserved = needed;
            } else {
                var _ = channel.close();
            }
        }
    }

    /** What these bytes of a head take: each line of them is a field. What is encrypted shows no lines, but as many bytes. */
    private static long weight(ByteBuf part, int from, int end) {
        long weight = (long) end - from;
        for (int i = from; i < end; i++) {
            weight += part.getByte(i) == '\n' ? FIELD_BYTES : 0;
        }
        return weight;
    }

    /** In front of all that Vert.x does, TLS included, until it is known what the client speaks and it has asked something. */
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

    /** In front of the decoder of HTTP/1.1. */
    private final class Lines extends ChannelInboundHandlerAdapter {
        /** What is held for the head that arrives. */
        private long held;

        /** How many bytes are being read. */
        private int reading;

        /** What has become of them. */
        private long decoded;

        private boolean somethingDecoded;
        private boolean requestEnded;

        Lines(long held) {
            this.held = held;
        }

        @Override
        public void channelRead(ChannelHandlerContext context, Object message) {
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
                    held = 0;
                    // Behind a whole request the next one may begin.
                    from = requestEnded && reading > FREE_BYTES ? (int) Math.min(end, from + decoded) : end;
                }
                held += weight(part, from, end);
                hold(held);
            } finally {
                part.release();
            }
        }

        void decoded(HttpObject what) {
            somethingDecoded = true;
            requestEnded = what instanceof LastHttpContent;
            // Small ones, which are nearly all, are not looked through.
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
            // Two blanks, the version and the ends of the first and the last line.
            long bytes = (long) request.method().name().length() + request.uri().length() + 14;
            for (Map.Entry<String, String> field : request.headers()) {
                bytes += field.getKey().length() + field.getValue().length() + 4;
            }
            return bytes;
        }
    }

    /** Behind the decoder of HTTP/1.1. */
    private final class Decoded extends ChannelInboundHandlerAdapter {
        private final Lines lines;

        Decoded(Lines lines) {
            this.lines = lines;
        }

        @Override
        public void channelRead(ChannelHandlerContext context, Object message) {
            if (message instanceof HttpObject decoded) {
                lines.decoded(decoded);
            } else {
                // The connection has become one of WebSocket or HTTP/2, and others count what comes on it.
                over = true;
                hold(0);
                context.pipeline().remove(lines);
                context.pipeline().remove(this);
            }
            context.fireChannelRead(message);
        }
    }
}
