package dev.parley.server.time;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.api.Test;

class NodeClockTest {
    private static final long START = Instant.parse("2026-11-26T12:00:00Z").toEpochMilli();
    private static final long YEAR = Duration.ofDays(365).toMillis();
    private static final long HOLD = Duration.ofHours(1).toMillis();

    private long wall = START;
    private long elapsed = 77;
    private long uptime = 99;
    private final NodeClock clock = new NodeClock(
            () -> Instant.ofEpochMilli(wall), () -> elapsed * 1_000_000, () -> uptime, Duration.ofMillis(HOLD));

    private void pass(long millis) {
        wall += millis;
        elapsed += millis;
        uptime += millis;
        clock.look();
    }

    @Test
    void goesOnWhenTheWallClockIsSetBack() {
        pass(1_000);
        wall -= 3_600_000;
        pass(1_000);

        assertThat(clock.millis()).isEqualTo(START + 2_000);
        assertThat(clock.deletionMillis()).isEqualTo(START + 2_000);
    }

    @Test
    void followsSmallSteps() {
        wall += 5_000;
        pass(1_000);

        assertThat(clock.millis()).isEqualTo(START + 6_000);
        assertThat(clock.doubtMillis()).isZero();
    }

    @Test
    void aJumpThatIsTakenBackHasHadNoEffect() {
        wall += YEAR;
        pass(1_000);
        assertThat(clock.doubtMillis()).isBetween(YEAR - 1_000, YEAR + 1_000);
        pass(HOLD - 2_000);
        assertThat(clock.millis()).isEqualTo(START + HOLD - 1_000);

        wall -= YEAR;
        pass(HOLD);

        assertThat(clock.millis()).isEqualTo(START + 2 * HOLD - 1_000);
        assertThat(clock.doubtMillis()).isZero();
    }

    @Test
    void aJumpThatStaysIsBelievedAfterTheHold() {
        wall += YEAR;
        pass(1_000);
        pass(HOLD);

        assertThat(clock.millis()).isEqualTo(START + YEAR + HOLD + 1_000);
        assertThat(clock.doubtMillis()).isZero();
    }

    @Test
    void anotherJumpIsAnotherDoubt() {
        wall += Duration.ofHours(1).toMillis();
        pass(1_000);
        wall += YEAR;
        pass(HOLD - 1_000);
        pass(1_000);

        assertThat(clock.millis()).isEqualTo(START + HOLD + 1_000);
    }

    @Test
    void aSuspendedMachineIsNoJump() {
        wall += YEAR;
        uptime += YEAR;
        pass(1_000);

        assertThat(clock.millis()).isEqualTo(START + YEAR + 1_000);
        assertThat(clock.doubtMillis()).isZero();
    }

    @Test
    void aMachineThatWasStoppedFromOutsideIsAJump() {
        // Neither clock of a virtual machine notices that it was paused; only the wall clock is set anew.
        wall += YEAR;
        pass(1_000);

        assertThat(clock.millis()).isEqualTo(START + 1_000);
        assertThat(clock.doubtMillis()).isPositive();
    }

    @Test
    void aStartAYearAheadHoldsDeletionOnly() {
        clock.compareWith(START - YEAR);

        assertThat(clock.millis()).isEqualTo(START);
        assertThat(clock.deletionMillis()).isEqualTo(START - YEAR);
        pass(HOLD - 1);
        assertThat(clock.deletionMillis()).isEqualTo(START - YEAR + HOLD - 1);
        pass(1);
        assertThat(clock.deletionMillis()).isEqualTo(START + HOLD);
        assertThat(clock.deletionLagMillis()).isZero();
    }

    @Test
    void aStartAYearAheadIsNotBelievedOnceTheWallClockGoesBack() {
        clock.compareWith(START - YEAR);
        wall -= YEAR;
        pass(2 * HOLD);

        assertThat(clock.deletionMillis()).isEqualTo(START - YEAR + 2 * HOLD);
        assertThat(clock.doubtMillis()).isPositive();
    }

    @Test
    void aStartSoonAfterTheEndIsBelieved() {
        clock.compareWith(START - Duration.ofHours(23).toMillis());

        assertThat(clock.deletionMillis()).isEqualTo(START);
    }

    @Test
    void goesOnFromTheLastTimeWhenTheWallClockWasSetBackBetweenTwoStarts() {
        clock.compareWith(START + 3_600_000);
        pass(1_000);

        assertThat(clock.millis()).isEqualTo(START + 3_601_000);
    }

    @Test
    void leavesATimeBehindThatWasFarAhead() {
        clock.compareWith(START + YEAR);

        assertThat(clock.millis()).isEqualTo(START);
        assertThat(clock.deletionMillis()).isEqualTo(START);
    }

    @Test
    void theOperatorHasItBelievedAtOnce() {
        wall += YEAR;
        pass(1_000);

        clock.believe();

        assertThat(clock.millis()).isEqualTo(START + YEAR + 1_000);
        assertThat(clock.doubtMillis()).isZero();
    }
}
