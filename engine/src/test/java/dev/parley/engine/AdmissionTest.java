package dev.parley.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.parley.engine.Admission.Ticket;
import dev.parley.engine.memory.Memory;
import dev.parley.engine.memory.Memory.Kind;
import dev.parley.engine.memory.Purse;
import dev.parley.engine.memory.Waiting;
import dev.parley.engine.stream.StreamCommand.Touch;
import dev.parley.engine.stream.StreamOutcome;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class AdmissionTest {
    private static final Touch COMMAND = new Touch("s", 1);

    private volatile @Nullable Exception refusal;

    private static Admission admission(int maxWaiting, long maxBytes) {
        Purse purse = new Memory(0, Map.of(Kind.COMMANDS, maxBytes)).commands();
        DiskRoom disk = new DiskRoom(Path.of("disk"), () -> Long.MAX_VALUE, 0, 0, purse::held);
        return new Admission(maxWaiting, purse, disk, failure -> {
            throw new AssertionError(failure);
        });
    }

    private @Nullable Ticket<StreamOutcome.OfTouch> enter(Admission admission) {
        return admission.admit(COMMAND, new Reply<>() {
            @Override
            public void done(StreamOutcome.OfTouch outcome) {}

            @Override
            public void failed(Exception failure) {
                refusal = failure;
            }
        });
    }

    private static void leave(@Nullable Ticket<StreamOutcome.OfTouch> ticket) {
        Objects.requireNonNull(ticket).failed(new EngineStoppedException("we pretend", null));
    }

    @Test
    void whoWaitsIsToldOnceAndInTurnWhenHalfOfTheRoomIsFree() {
        Admission admission = admission(4, Long.MAX_VALUE);
        Deque<Ticket<StreamOutcome.OfTouch>> tickets = new ArrayDeque<>();
        for (int i = 0; i < 4; i++) {
            tickets.add(Objects.requireNonNull(enter(admission)));
        }
        assertThat(enter(admission)).isNull();
        assertThat(refusal).isInstanceOf(OverloadedException.class);
        List<String> told = new ArrayList<>();
        admission.whenRoom(() -> told.add("first"));
        Waiting unwanted = admission.whenRoom(() -> told.add("unwanted"));
        admission.whenRoom(() -> told.add("second"));
        assertThat(unwanted.cancel()).isTrue();
        assertThat(unwanted.cancel()).isFalse();
        leave(tickets.pop());
        assertThat(told).as("three of four places are taken").isEmpty();
        leave(tickets.pop());
        assertThat(told).containsExactly("first", "second");
        tickets.forEach(AdmissionTest::leave);
        assertThat(told).hasSize(2);
        assertThat(admission.waiting()).isZero();
    }

    @Test
    void whoAsksWhenThereIsRoomIsToldAtOnce() {
        Admission admission = admission(4, Long.MAX_VALUE);
        Semaphore told = new Semaphore(0);
        Waiting over = admission.whenRoom(told::release);
        assertThat(told.tryAcquire()).isTrue();
        assertThat(over.cancel()).isFalse();
    }

    @Test
    void aCommandThatIsAnsweredTwiceGivesItsPlaceUpOnce() {
        Admission admission = admission(4, 4L * COMMAND.weight());
        Ticket<StreamOutcome.OfTouch> answered = enter(admission);
        Ticket<StreamOutcome.OfTouch> waiting = enter(admission);
        leave(answered);
        refusal = null;
        leave(answered);
        assertThat(refusal).as("the second answer is ignored").isNull();
        assertThat(admission.waiting()).isOne();
        leave(waiting);
        assertThat(admission.waiting()).isZero();
    }

    @Test
    void memoryIsRoomToo() {
        Admission admission = admission(1000, 2L * COMMAND.weight());
        Ticket<StreamOutcome.OfTouch> first = enter(admission);
        Ticket<StreamOutcome.OfTouch> second = enter(admission);
        assertThat(enter(admission)).isNull();
        Semaphore told = new Semaphore(0);
        admission.whenRoom(told::release);
        assertThat(told.tryAcquire()).isFalse();
        leave(first);
        assertThat(told.tryAcquire()).isTrue();
        leave(second);
    }

    /** One place, which is taken, refused and given up by two threads, while a third waits for it again and again. */
    @Test
    void nobodyWaitsForRoomThatIsThere() throws Exception {
        Admission admission = admission(1, Long.MAX_VALUE);
        try (ExecutorService threads = Executors.newFixedThreadPool(2)) {
            List<Future<?>> working = new ArrayList<>();
            for (int i = 0; i < 2; i++) {
                working.add(threads.submit(() -> {
                    for (int turns = 20_000; turns > 0; turns--) {
                        Ticket<StreamOutcome.OfTouch> ticket = enter(admission);
                        if (ticket != null) {
                            leave(ticket);
                        }
                    }
                }));
            }
            Semaphore told = new Semaphore(0);
            for (int turns = 20_000; turns > 0; turns--) {
                admission.whenRoom(told::release);
                assertThat(told.tryAcquire(30, TimeUnit.SECONDS)).isTrue();
            }
            for (Future<?> worker : working) {
                worker.get();
            }
        }
        assertThat(admission.waiting()).isZero();
    }
}
