package dev.parley.engine.memory;

import static org.assertj.core.api.Assertions.assertThat;

import dev.parley.engine.memory.Memory.Kind;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class PurseTest {
    private final Purse purse = new Purse("test", 100);

    @Test
    void nobodyGetsMoreThanThereIs() {
        assertThat(purse.tryReserve(60)).isTrue();
        assertThat(purse.tryReserve(41)).isFalse();
        assertThat(purse.held()).isEqualTo(60);
        assertThat(purse.refused()).isEqualTo(1);
        assertThat(purse.tryReserve(40)).isTrue();
        purse.giveBack(100);
        assertThat(purse.held()).isZero();
    }

    @Test
    void whatIsHeldAlreadyIsNotedAndTheExcessTold() {
        assertThat(purse.adjust(90)).isZero();
        assertThat(purse.adjust(30)).isEqualTo(20);
        assertThat(purse.adjust(-20)).isZero();
        assertThat(purse.held()).isEqualTo(100);
    }

    @Test
    void aReservationGivesBackOnce() {
        Reservation kept;
        try (Reservation reservation = Objects.requireNonNull(purse.reserve(50))) {
            reservation.shrinkTo(20);
            reservation.shrinkTo(70);
            assertThat(purse.held()).isEqualTo(20);
            kept = reservation;
        }
        assertThat(purse.held()).isZero();
        kept.shrinkTo(0);
        assertThat(kept.bytes()).isZero();
        assertThat(purse.held()).isZero();
        assertThat(purse.reserve(101)).isNull();
    }

    @Test
    void aShareHasAnEndBeforeThePurseHas() {
        Share share = purse.share(30);
        assertThat(share.tryReserve(20)).isTrue();
        assertThat(share.tryReserve(11)).isFalse();
        assertThat(purse.held()).isEqualTo(20);
        assertThat(share.tryReserve(10)).isTrue();
        share.giveBack(30);
        assertThat(share.tryReserve(50)).as("one thing that is larger").isTrue();
        assertThat(share.tryReserve(1)).isFalse();
        assertThat(purse.tryReserve(50)).as("of another client").isTrue();
        share.giveBack(50);
        assertThat(share.tryReserve(51)).as("beyond the purse").isFalse();
        assertThat(share.held()).isZero();
    }

    @Test
    void whatAShareRefusesCountsToo() {
        Share share = purse.share(50).share(30);
        assertThat(share.tryReserve(30)).isTrue();
        assertThat(share.tryReserve(1)).as("beyond the share").isFalse();
        assertThat(purse.refused()).isEqualTo(1);
        assertThat(purse.tryReserve(70)).isTrue();
        assertThat(purse.share(10).tryReserve(1)).as("beyond the purse").isFalse();
        assertThat(purse.refused()).isEqualTo(2);
        assertThat(share.whenRoom(101, () -> {})).isNull();
        assertThat(purse.refused()).isEqualTo(3);
    }

    @Test
    void nothingIsThereEvenInAnOverfullPurse() {
        purse.adjust(150);
        try (Reservation nothing = Objects.requireNonNull(purse.reserve(0))) {
            assertThat(nothing.bytes()).isZero();
        }
        assertThat(purse.tryReserve(1)).isFalse();
    }

    @Test
    void sharesLieInShares() {
        Share principal = purse.share(50);
        Share first = principal.share(30);
        Share second = principal.share(30);
        assertThat(first.tryReserve(30)).isTrue();
        assertThat(second.tryReserve(30)).isFalse();
        assertThat(second.tryReserve(20)).isTrue();
        first.giveBack(30);
        second.giveBack(20);
        assertThat(purse.held()).isZero();
    }

    @Test
    void whoWaitsGetsRoomInTurn() {
        List<String> got = new ArrayList<>();
        assertThat(purse.tryReserve(100)).isTrue();
        assertThat(purse.whenRoom(60, () -> got.add("first"))).isNotNull();
        assertThat(purse.whenRoom(30, () -> got.add("second"))).isNotNull();
        purse.giveBack(50);
        assertThat(got).as("the one in front wants more").isEmpty();
        purse.giveBack(20);
        assertThat(got).containsExactly("first");
        assertThat(purse.held()).isEqualTo(90);
        purse.giveBack(30);
        assertThat(got).containsExactly("first", "second");
        purse.giveBack(90);
        assertThat(purse.held()).isZero();
    }

    @Test
    void whoWaitsWhereThereIsRoomGetsItAtOnce() {
        AtomicInteger got = new AtomicInteger();
        assertThat(purse.whenRoom(100, got::incrementAndGet)).isNotNull();
        assertThat(got).hasValue(1);
        assertThat(purse.whenRoom(101, got::incrementAndGet)).as("never").isNull();
    }

    @Test
    void aPlaceInTheLineCanBeGivenUp() {
        AtomicInteger got = new AtomicInteger();
        assertThat(purse.tryReserve(100)).isTrue();
        Waiting first = Objects.requireNonNull(purse.whenRoom(80, got::incrementAndGet));
        Waiting second = Objects.requireNonNull(purse.whenRoom(10, got::incrementAndGet));
        assertThat(first.cancel()).isTrue();
        purse.giveBack(10);
        assertThat(got).hasValue(1);
        assertThat(second.cancel()).as("granted already").isFalse();
        purse.giveBack(100);
        assertThat(got).hasValue(1);
        assertThat(purse.held()).isZero();
    }

    @Test
    void whoWaitsForItsShareDoesNotWaitBeforeOthers() {
        List<String> got = new ArrayList<>();
        Share greedy = purse.share(30);
        assertThat(greedy.tryReserve(30)).isTrue();
        Waiting first = Objects.requireNonNull(greedy.whenRoom(20, () -> got.add("greedy")));
        assertThat(greedy.whenRoom(25, () -> got.add("greedy again"))).isNotNull();
        assertThat(purse.whenRoom(60, () -> got.add("other"))).isNotNull();
        assertThat(got).containsExactly("other");
        greedy.giveBack(15);
        assertThat(got).as("for the share").containsExactly("other");
        greedy.giveBack(15);
        assertThat(got).containsExactly("other", "greedy");
        assertThat(first.cancel()).isFalse();
        greedy.giveBack(20);
        assertThat(got).containsExactly("other", "greedy", "greedy again");
        greedy.giveBack(25);
        purse.giveBack(60);
        assertThat(purse.held()).isZero();
    }

    @Test
    void aPlaceThatHasPassedItsShareCanBeGivenUp() {
        AtomicInteger got = new AtomicInteger();
        Share share = purse.share(30);
        assertThat(purse.tryReserve(100)).isTrue();
        Waiting first = Objects.requireNonNull(share.whenRoom(20, got::incrementAndGet));
        assertThat(share.held()).isEqualTo(20);
        assertThat(first.cancel()).isTrue();
        assertThat(first.cancel()).isFalse();
        assertThat(share.held()).isZero();
        purse.giveBack(100);
        assertThat(got).hasValue(0);
        assertThat(share.whenRoom(101, got::incrementAndGet)).isNull();
    }

    @Test
    void aReservationGrowsWhereThereIsRoom() {
        try (Reservation reservation = Objects.requireNonNull(purse.reserve(50))) {
            assertThat(reservation.tryGrowTo(80)).isTrue();
            assertThat(reservation.tryGrowTo(70)).isTrue();
            assertThat(reservation.tryGrowTo(101)).isFalse();
            assertThat(purse.held()).isEqualTo(80);
        }
        assertThat(purse.held()).isZero();
    }

    @Test
    void nobodyIsForgottenAmongManyThreads() throws Exception {
        int threads = 8;
        int rounds = 2_000;
        CountDownLatch served = new CountDownLatch(threads * rounds);
        try (var pool = Executors.newFixedThreadPool(threads)) {
            IntStream.range(0, threads)
                    .forEach(thread -> pool.execute(() -> {
                        for (int i = 0; i < rounds; i++) {
                            int bytes = 1 + (thread * 31 + i * 17) % 90;
                            if (purse.tryReserve(bytes)) {
                                purse.giveBack(bytes);
                                served.countDown();
                            } else if (purse.whenRoom(
                                            bytes,
                                            () -> pool.execute(() -> {
                                                purse.giveBack(bytes);
                                                served.countDown();
                                            }))
                                    == null) {
                                throw new IllegalStateException("no place in the line");
                            }
                        }
                    }));
            assertThat(served.await(30, TimeUnit.SECONDS)).isTrue();
        }
        assertThat(purse.held()).isZero();
    }

    @Test
    void whoGivesUpAPlaceIsEitherTooLateOrNeverServed() throws Exception {
        int rounds = 20_000;
        Share share = purse.share(60);
        try (var pool = Executors.newFixedThreadPool(2)) {
            for (int i = 0; i < rounds; i++) {
                assertThat(share.tryReserve(60)).isTrue();
                CountDownLatch granted = new CountDownLatch(1);
                Waiting place = Objects.requireNonNull(share.whenRoom(50, granted::countDown));
                // The share lets us pass while we give up.
                pool.execute(() -> share.giveBack(60));
                boolean cancelled = place.cancel();
                if (!cancelled) {
                    assertThat(granted.await(10, TimeUnit.SECONDS))
                            .as("round %d", i)
                            .isTrue();
                    share.giveBack(50);
                }
                while (share.held() > 0) {
                    Thread.onSpinWait();
                }
                assertThat(purse.held()).isZero();
                if (cancelled) {
                    assertThat(granted.getCount()).as("round %d", i).isOne();
                }
            }
        }
    }

    @Test
    void allPursesTogetherLeaveRoomInTheHeap() {
        Memory memory = new Memory(1600, Map.of());
        assertThat(memory.connections().capacity()).isEqualTo(100);
        assertThat(memory.purses().stream().mapToLong(Purse::capacity).sum()).isLessThan(1600 * 3 / 4);
        assertThat(memory.purses()).extracting(Purse::name).contains("arriving", "windows");
    }

    @Test
    void aSettingReplacesTheShareOfTheHeapUnlessItIsZero() {
        Memory memory = new Memory(1600, Map.of(Kind.ANSWERS, 7L, Kind.COMMANDS, 0L));
        assertThat(memory.answers().capacity()).isEqualTo(7);
        assertThat(memory.commands().capacity()).isEqualTo(200);
        assertThat(memory.connectionBytes(Kind.COMMANDS)).isEqualTo(25);
    }

    @Test
    void whatIsHeldAnywayCountsInTheShareAndInThePurse() {
        Purse purse = new Purse("test", 100);
        Share share = purse.share(50);
        assertThat(share.adjust(40)).isZero();
        assertThat(share.adjust(40)).isEqualTo(30);
        assertThat(purse.held()).isEqualTo(80);
        assertThat(share.tryReserve(1)).isFalse();
        assertThat(purse.adjust(40)).isEqualTo(20);
        assertThat(share.adjust(-60)).isZero();
        assertThat(share.held()).isEqualTo(20);
        assertThat(share.tryReserve(30)).isTrue();
        share.giveBack(50);
        assertThat(purse.held()).isEqualTo(40);
    }
}
