package dev.parley.server.reading;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.parley.engine.Engine;
import dev.parley.engine.EngineOptions;
import dev.parley.engine.command.Command;
import dev.parley.engine.delivery.SessionTail;
import dev.parley.engine.session.Body;
import dev.parley.engine.session.Data;
import dev.parley.engine.session.MessageEntry;
import dev.parley.engine.session.Positions;
import dev.parley.engine.session.SessionCommand;
import dev.parley.engine.session.SessionCommand.MessageOp;
import dev.parley.engine.session.SessionName;
import dev.parley.engine.session.SessionOutcome;
import dev.parley.engine.store.RocksStore;
import dev.parley.server.Futures;
import dev.parley.server.loop.Audience;
import dev.parley.server.loop.EventLoop;
import dev.parley.server.loop.EventLoops;
import dev.parley.server.loop.StoreReads;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.vertx.core.Context;
import io.vertx.core.Vertx;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A reader of a session as any door can use it, without one of them. */
@Timeout(60)
class SessionReaderTest {
    private static final SessionName NAME = new SessionName("app", "room");
    private static final long TIME = 1_795_000_000_000L;

    @TempDir
    private Path folder;

    private final Vertx vertx = Vertx.vertx();
    private final StoreReads reads = new StoreReads(new SimpleMeterRegistry());
    private volatile boolean broken;
    private Engine engine;
    private EventLoop loop;
    private Audience<SessionReader> audience;

    @BeforeEach
    void open() throws Exception {
        engine = Engine.open(EngineOptions.in(folder).readBy(this::mayRead));
        var loops = new EventLoops(reads).local(here -> here);
        var found = new CompletableFuture<EventLoop>();
        vertx.getOrCreateContext().runOnContext(ignored -> found.complete(loops.here()));
        loop = found.get(20, TimeUnit.SECONDS);
        audience = loop.audience(SessionReader::pump, 0);
    }

    /** Whether the store may be read by this thread. Fails as the machine does and not as code does: a full stack. */
    private boolean mayRead() {
        if (broken) {
            throw new StackOverflowError("as the test wants it");
        }
        return !Context.isOnEventLoopThread();
    }

    @AfterEach
    void close() throws IOException {
        Futures.await(vertx.close());
        reads.close();
        engine.close();
    }

    /** A client that takes so many bytes, and what it was sent. */
    private final class Client implements SessionReader.Sink, ClientRoom {
        final List<String> seen = new CopyOnWriteArrayList<>();
        final AtomicLong room = new AtomicLong(Long.MAX_VALUE);
        final AtomicLong booked = new AtomicLong();
        private final SessionReader reader = new SessionReader(loop, engine.delivery(), NAME, audience, this, this);

        Client open(@Nullable Long from) {
            loop.post(() -> reader.open(
                    from,
                    false,
                    (position, resumed) -> resumed,
                    resumed -> seen.add(resumed ? "resumed" : "from here")));
            return this;
        }

        List<String> sent() {
            return seen.stream().filter(what -> !what.equals("no room")).toList();
        }

        void takes(long bytes) {
            loop.post(() -> {
                room.set(bytes);
                reader.pump();
            });
        }

        @Override
        public boolean hasRoom() {
            return room.get() > 0;
        }

        @Override
        public boolean reserve(long bytes) {
            if (bytes > room.get()) {
                return false;
            }
            room.addAndGet(-bytes);
            return true;
        }

        @Override
        public boolean book(long bytes) {
            booked.addAndGet(bytes);
            return true;
        }

        @Override
        public void read(long bytes) {
            booked.addAndGet(-bytes);
        }

        @Override
        public void passOn() {
            // This client has one reader.
        }

        @Override
        public @Nullable Pages<?> before(long position, boolean atEnd) {
            return null;
        }

        @Override
        public void entries(SessionTail.More more, boolean fromMemory) {
            assertThat(loop.isHere()).isTrue();
            more.entries().forEach(entry -> seen.add(text((MessageEntry) entry)));
        }

        @Override
        public void objectsMissed() {
            // There are no objects.
        }

        @Override
        public void lost() {
            seen.add("lost");
        }

        @Override
        public void noRoom() {
            seen.add("no room");
        }

        @Override
        public void failed(Throwable failure) {
            seen.add("failed");
            reader.close();
        }
    }

    private static String text(MessageEntry message) {
        return Objects.requireNonNull(message.body().data()).asText();
    }

    private <O> O submit(Command<O> command) {
        return engine.submit(command).orTimeout(20, TimeUnit.SECONDS).join();
    }

    private long publish(String text) {
        var message = new MessageOp.Create(null, false, "ann", "c1", new Body(null, Data.of(text), null, null), false);
        var outcome = submit(new SessionCommand.Publish(NAME, TIME, null, List.of(message)));
        return ((SessionOutcome.Accepted) outcome).positions().getFirst();
    }

    private static List<String> numbers(int from, int to) {
        return IntStream.range(from, to).mapToObj(Integer::toString).toList();
    }

    @Test
    void aReaderGetsWhatItMissedAndThenWhatComes() {
        long first = publish("first");
        // More than the window holds.
        numbers(0, 1_500).forEach(this::publish);
        Client client = new Client().open(first);
        await().until(() -> client.seen.size() == 1_501);
        numbers(1_500, 1_600).forEach(this::publish);
        await().until(() -> client.seen.size() == 1_601);
        assertThat(client.seen).startsWith("resumed").endsWith("1599");
        assertThat(client.seen.subList(1, 1_601)).isEqualTo(numbers(0, 1_600));
        assertThat(client.booked).hasValue(0);
    }

    @Test
    void aClientWithoutRoomGetsNothingUntilItHasSome() {
        Client client = new Client().open(null);
        await().until(() -> client.seen.contains("from here"));
        client.takes(0);
        publish("one");
        await().until(() -> client.seen.contains("no room"));
        publish("two");
        client.takes(1 << 20);
        await().until(() -> client.seen.contains("two"));
        assertThat(client.sent()).containsExactly("from here", "one", "two");
    }

    @Test
    void aPageThatDoesNotFitIsReadAgain() {
        long first = publish("first");
        numbers(0, 1_500).forEach(this::publish);
        Client client = new Client();
        client.room.set(1);
        client.open(first);
        await().until(() -> client.seen.contains("no room"));
        assertThat(client.sent()).containsExactly("resumed");
        client.takes(1 << 20);
        await().until(() -> client.seen.contains("1499"));
        assertThat(client.sent().subList(1, 1_501)).isEqualTo(numbers(0, 1_500));
        assertThat(client.booked).hasValue(0);
    }

    @Test
    void aReaderOfASessionThatIsGoneIsTold() {
        publish("one");
        Client client = new Client().open(null);
        await().until(() -> client.seen.contains("from here"));
        submit(new SessionCommand.Remove(NAME, TIME));
        await().until(() -> client.seen.contains("lost"));
        assertThat(client.seen).containsExactly("from here", "lost");
    }

    @Test
    void whatWasBookedForAReadThatIsRefusedIsGivenBack() {
        long first = publish("first");
        Client client = new Client();
        client.room.set(0);
        client.open(first);
        await().until(() -> client.seen.contains("no room"));
        numbers(0, 1_500).forEach(this::publish);
        reads.close();
        client.takes(1 << 20);
        await().until(() -> client.seen.contains("failed"));
        assertThat(client.booked).hasValue(0);
    }

    @Test
    void anErrorEndsTheReaderAndGivesBackWhatItHeld() {
        assertThat(RocksStore.class.desiredAssertionStatus())
                .as("this test has to run with -ea")
                .isTrue();
        long first = publish("first");
        Client client = new Client();
        client.room.set(0);
        client.open(first);
        await().until(() -> client.seen.contains("no room"));
        numbers(0, 1_500).forEach(this::publish);
        // More than there are threads: the error costs none of them.
        List<Client> others = new ArrayList<>();
        broken = true;
        for (int i = 0; i < 2 * StoreReads.THREADS; i++) {
            others.add(new Client().open(first));
        }
        client.takes(1 << 20);

        await().until(() -> client.seen.contains("failed"));
        others.forEach(other -> await().until(() -> other.seen.contains("failed")));

        broken = false;
        await().until(() -> !engine.delivery().isRead(NAME));
        assertThat(client.booked).hasValue(0);
        assertThat(others).allSatisfy(other -> assertThat(other.booked).hasValue(0));
        Client next = new Client().open(first);
        await().until(() -> next.seen.contains("1499"));
        assertThat(next.seen).startsWith("resumed");
    }

    @Test
    void aReaderThatIsClosedKeepsNoTail() {
        Client client = new Client().open(null);
        await().until(() -> client.seen.contains("from here"));
        assertThat(engine.delivery().isRead(NAME)).isTrue();
        loop.post(() -> {
            // A door that waits for something else closes it nevertheless.
            client.reader.hold();
            client.reader.close();
        });
        await().until(() -> !engine.delivery().isRead(NAME));
        Client other = new Client();
        loop.post(() -> {
            other.reader.open(
                    Positions.START, false, (position, resumed) -> resumed, resumed -> other.seen.add("open"));
            other.reader.close();
        });
        await().until(() -> other.reader.isClosed() && !engine.delivery().isRead(NAME));
        assertThat(other.seen).isEmpty();
    }
}
