package dev.parley.server.http;

import io.netty.buffer.AbstractByteBufAllocator;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.channel.Channel;
import io.netty.channel.ChannelDuplexHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOutboundHandlerAdapter;
import io.netty.channel.ChannelPromise;
import io.netty.handler.codec.http.HttpResponseEncoder;
import io.netty.util.ReferenceCountUtil;
import io.netty.util.internal.PlatformDependent;
import java.nio.channels.ClosedChannelException;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/**
 * The memory outside the heap in which Netty holds data that comes from sockets or goes to them.
 *
 * <p>If there is none for a socket, a part of what its client is sent is lost, and neither Netty nor Vert.x does anything
 * about it. Such a socket is therefore cut, and nothing is sent on it behind the missing part. Its client can come back.
 *
 * <p>This memory has a bound of its own and is not reserved again. What is held here for a client is counted in the purses of
 * its data: in {@code arriving} what has arrived and is not handled yet, in {@code answers} and {@code backlogs} what its
 * socket has not accepted, each beyond a few KiB that are free (see the limits in docs/configuration.md). The purse {@code
 * connections} has an estimate for the socket itself, which is the same for a WebSocket. Two things are counted nowhere:
 * those free KiB, and the rest of the buffer of the last read, of at most 64 KiB, as long as the beginning of a request or
 * a frame is left in it. A client can make use of both on each of its connections; the bound here holds nevertheless.
 */
public final class DirectMemory {
    private static final LongAdder REFUSED = new LongAdder();

    private DirectMemory() {}

    /** The memory that is held, including memory that is kept for later use. */
    public static long held() {
        return Math.max(0, PlatformDependent.usedDirectMemory());
    }

    /** The greatest amount of memory that may be held. */
    public static long capacity() {
        return PlatformDependent.maxDirectMemory();
    }

    /** Counts the sockets that were cut because there was no memory. */
    public static LongAdder refused() {
        return REFUSED;
    }

    /** Cuts {@code accepted}, which belongs to no event loop yet, as soon as there is no memory for it. */
    static void guard(Channel accepted) {
        accepted.pipeline().addLast(new ChannelInitializer<>() {
            @Override
            protected void initChannel(Channel socket) {
                // Not earlier, because the server sets the options of a socket after it has been accepted.
                socket.config().setAllocator(new Guarded(socket));
            }
        });
    }

    /** Does the same for the answers of HTTP/1.1 on {@code socket}: their heads grow in memory that was given before. */
    static void guardAnswers(Channel socket) {
        ChannelHandlerContext encoder = socket.pipeline().context(HttpResponseEncoder.class);
        if (encoder != null) {
            socket.pipeline().addAfter(encoder.name(), null, new Written());
        }
    }

    private static void cut(Channel socket) {
        if (!socket.eventLoop().inEventLoop()) {
            socket.eventLoop().execute(() -> cut(socket));
        } else if (socket.pipeline().get(Silence.class) == null) {
            REFUSED.increment();
            socket.pipeline().addFirst(new Silence());
            // Not now, in the middle of a write or a read.
            socket.eventLoop().execute(() -> Sockets.cut(socket));
        }
    }

    private static boolean isLack(@Nullable Throwable failure) {
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            if (cause instanceof OutOfMemoryError) {
                return true;
            }
        }
        return false;
    }

    /** The allocator of one socket. */
    private static final class Guarded extends AbstractByteBufAllocator {
        private final Channel socket;
        private final ByteBufAllocator all;

        Guarded(Channel socket) {
            super(true);
            this.socket = socket;
            this.all = socket.config().getAllocator();
        }

        @Override
        protected ByteBuf newHeapBuffer(int capacity, int maxCapacity) {
            return all.heapBuffer(capacity, maxCapacity);
        }

        @Override
        protected ByteBuf newDirectBuffer(int capacity, int maxCapacity) {
            try {
                return all.directBuffer(capacity, maxCapacity);
            } catch (OutOfMemoryError e) {
                cut(socket);
                throw e;
            }
        }

        @Override
        public boolean isDirectBufferPooled() {
            return all.isDirectBufferPooled();
        }
    }

    /** Discards everything that is to be sent. */
    private static final class Silence extends ChannelOutboundHandlerAdapter {
        @Override
        public void write(ChannelHandlerContext context, Object message, ChannelPromise promise) {
            ReferenceCountUtil.release(message);
            if (!promise.isVoid()) {
                promise.tryFailure(new ClosedChannelException());
            }
        }

        @Override
        public void flush(ChannelHandlerContext context) {
            // The data before the missing part is discarded as well, because the socket is about to be reset.
        }
    }

    /**
     * Comes after the encoder of HTTP/1.1, which reports a lack of memory only to the promise of a write, if there is
     * one.
     */
    private static final class Written extends ChannelDuplexHandler {
        @Override
        public void write(ChannelHandlerContext context, Object message, ChannelPromise promise) {
            var _ = context.write(message, promise);
            if (promise.isDone() && isLack(promise.cause())) {
                cut(context.channel());
            }
        }

        @Override
        public void exceptionCaught(ChannelHandlerContext context, Throwable failure) {
            if (isLack(failure)) {
                cut(context.channel());
            }
            context.fireExceptionCaught(failure);
        }
    }
}
