package dev.parley.server.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.netty.buffer.AbstractByteBufAllocator;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.buffer.UnpooledByteBufAllocator;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpResponseEncoder;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpVersion;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class DirectMemoryTest {
    private final Scarce memory = new Scarce();
    private final EmbeddedChannel socket = new EmbeddedChannel();
    private final long refusedBefore = DirectMemory.refused().sum();

    @AfterEach
    void close() {
        memory.left = Long.MAX_VALUE;
        socket.finishAndReleaseAll();
    }

    /** An allocator with little memory, of which nothing comes back. */
    private static final class Scarce extends AbstractByteBufAllocator {
        private long left = Long.MAX_VALUE;

        void take(long bytes) {
            if (bytes > left) {
                throw new OutOfMemoryError("a test has no more memory");
            }
            left -= bytes;
        }

        @Override
        protected ByteBuf newHeapBuffer(int capacity, int maxCapacity) {
            return UnpooledByteBufAllocator.DEFAULT.heapBuffer(capacity, maxCapacity);
        }

        @Override
        protected ByteBuf newDirectBuffer(int capacity, int maxCapacity) {
            take(capacity);
            return new io.netty.buffer.UnpooledDirectByteBuf(this, capacity, maxCapacity) {
                @Override
                public ByteBuf capacity(int larger) {
                    take(Math.max(0, larger - capacity()));
                    return super.capacity(larger);
                }
            };
        }

        @Override
        public boolean isDirectBufferPooled() {
            return false;
        }
    }

    private void guarded() {
        socket.config().setAllocator(memory);
        DirectMemory.guard(socket);
    }

    private static ByteBuf bytes(int count) {
        return Unpooled.wrappedBuffer(new byte[count]);
    }

    private void isCut() {
        assertThat(DirectMemory.refused().sum()).isEqualTo(refusedBefore + 1);
        socket.runPendingTasks();
        assertThat(socket.isOpen()).isFalse();
    }

    @Test
    void nothingIsSentBehindWhatFoundNoMemory() {
        guarded();
        ChannelHandlerContext all = socket.pipeline().firstContext();
        assertThat(all).as("nothing is in the way of writes").isNull();
        socket.writeOutbound(bytes(10));
        memory.left = 0;
        assertThatThrownBy(() -> socket.alloc().directBuffer(1)).isInstanceOf(OutOfMemoryError.class);
        assertThatThrownBy(() -> socket.alloc().ioBuffer()).isInstanceOf(OutOfMemoryError.class);
        memory.left = Long.MAX_VALUE;

        ByteBuf next = bytes(11);
        ChannelFuture sent = socket.writeAndFlush(next);
        ByteBuf untold = bytes(12);
        var _ = socket.writeAndFlush(untold, socket.voidPromise());

        assertThat(sent.isDone()).isTrue();
        assertThat(sent.isSuccess()).isFalse();
        assertThat(next.refCnt()).isZero();
        assertThat(untold.refCnt()).isZero();
        isCut();
        assertThat(socket.<ByteBuf>readOutbound().readableBytes()).isEqualTo(10);
        assertThat(socket.<ByteBuf>readOutbound()).isNull();
    }

    @Test
    void anAnswerWhoseHeadFindsNoRoomToGrowIsTheLast() {
        guarded();
        socket.pipeline().addLast(new HttpResponseEncoder());
        DirectMemory.guardAnswers(socket);
        FullHttpResponse large = new DefaultFullHttpResponse(HttpVersion.HTTP_1_1, HttpResponseStatus.OK);
        large.headers().set("X-Large", "x".repeat(10_000)).set("Content-Length", "0");
        // Enough for the beginning of a head.
        memory.left = 1_000;
        ChannelFuture lost = socket.writeAndFlush(large);
        memory.left = Long.MAX_VALUE;
        var next = new DefaultFullHttpResponse(HttpVersion.HTTP_1_1, HttpResponseStatus.NOT_FOUND);
        ChannelFuture sent = socket.writeAndFlush(next);

        assertThat(lost.isSuccess()).isFalse();
        assertThat(sent.isSuccess()).isFalse();
        isCut();
        assertThat(socket.<ByteBuf>readOutbound()).isNull();
    }
}
