package dev.parley.server.time;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The time of this node: the time of the wall clock at the start, plus the elapsed time. It never goes back, so grace
 * periods and leases end whatever happens to the wall clock.
 *
 * <p>A wall clock that is suddenly far ahead may be wrong, and data that is deleted because of it is lost for good.
 * Such a clock is therefore in <em>doubt</em> first. While it is in doubt, nothing is deleted because of its age; when
 * the hold time is over, the clock is accepted. If the clock returns to the expected time before, nothing has happened.
 * At the start, the elapsed time is unknown, so the wall clock is compared with the last time that is known from the
 * node's data.
 *
 * <p>This clock does not decide whether a token is valid: tokens are issued on other machines, by the wall clock.
 */
public final class NodeClock implements InstantSource {
    /**
     * If the wall clock gets ahead by no more than this, or because the machine was suspended, it is followed at once.
     */
    public static final Duration STEP = Duration.ofSeconds(10);

    /** How long a node may have been off without its wall clock being in doubt. */
    public static final Duration ABSENCE = Duration.ofDays(1);

    private static final Path UPTIME = Path.of("/proc/uptime");

    private static final Logger LOG = LoggerFactory.getLogger(NodeClock.class);

    private final InstantSource wall;
    private final LongSupplier elapsedNanos;
    private final LongSupplier uptimeMillis;
    private final long holdMillis;
    private volatile Reading now;
    private volatile @Nullable Doubt doubt;

    /** How far the uptime is ahead of the elapsed time. It gets further ahead when the machine is suspended. */
    @GuardedBy("this")
    private long suspendedMillis;

    @GuardedBy("this")
    private boolean setBack;

    /**
     * The time at some moment.
     *
     * @param deletionLagMillis by how much the time for deletion is behind
     */
    private record Reading(long millis, long atNanos, long deletionLagMillis) {}

    /**
     * The doubt about the wall clock.
     *
     * @param byMillis by how much the clock is ahead of the expected time
     * @param sinceNanos since when, in elapsed time
     */
    private record Doubt(long byMillis, long sinceNanos) {}

    /** A clock that uses the clocks of this machine. */
    public static NodeClock system(Duration hold) {
        return new NodeClock(InstantSource.system(), System::nanoTime, NodeClock::uptimeMillis, hold);
    }

    /**
     * A clock that uses other clocks.
     *
     * @param wall the wall clock of the machine
     * @param elapsedNanos runs evenly, but may stop while the machine is suspended, as {@link System#nanoTime} does
     * @param uptimeMillis runs evenly and does not stop, if the machine has such a clock
     * @param hold how long a wall clock is in doubt before it is accepted
     */
    public NodeClock(InstantSource wall, LongSupplier elapsedNanos, LongSupplier uptimeMillis, Duration hold) {
        this.wall = wall;
        this.elapsedNanos = elapsedNanos;
        this.uptimeMillis = uptimeMillis;
        this.holdMillis = hold.toMillis();
        this.now = new Reading(wall.millis(), elapsedNanos.getAsLong(), 0);
        this.suspendedMillis = uptimeAhead();
    }

    /**
     * The uptime, which on Linux includes the time for which the machine was suspended. The elapsed time does not
     * include it.
     */
    private static long uptimeMillis() {
        try {
            String uptime = Files.readString(UPTIME, StandardCharsets.US_ASCII);
            return (long) (Double.parseDouble(uptime.substring(0, uptime.indexOf(' '))) * 1_000);
        } catch (IOException | RuntimeException e) {
            LOG.trace("no uptime here", e);
            return TimeUnit.NANOSECONDS.toMillis(System.nanoTime());
        }
    }

    private long uptimeAhead() {
        return uptimeMillis.getAsLong() - TimeUnit.NANOSECONDS.toMillis(elapsedNanos.getAsLong());
    }

    @Override
    public Instant instant() {
        return Instant.ofEpochMilli(millis());
    }

    @Override
    public long millis() {
        return millis(now);
    }

    private long millis(Reading reading) {
        return reading.millis() + millisSince(reading.atNanos());
    }

    private long millisSince(long nanos) {
        return TimeUnit.NANOSECONDS.toMillis(elapsedNanos.getAsLong() - nanos);
    }

    /** By how much the time for deletion is behind {@link #millis}. */
    public long deletionLagMillis() {
        return now.deletionLagMillis();
    }

    /** The time by which old data is deleted. It is behind this clock as long as the time at the start is in doubt. */
    public InstantSource forDeletion() {
        return () -> Instant.ofEpochMilli(deletionMillis());
    }

    /** The time by which old data is deleted, in milliseconds since 1970. */
    public long deletionMillis() {
        Reading reading = now;
        return millis(reading) - reading.deletionLagMillis();
    }

    /** The wall clock of the machine. */
    public InstantSource wall() {
        return wall;
    }

    /**
     * Compares the time at the start with a time that is known from the node's data.
     *
     * @param lastMillis a time that was not in doubt and has certainly passed; 0 if none is known
     */
    public synchronized void compareWith(long lastMillis) {
        long ahead = millis() - lastMillis;
        if (lastMillis == 0) {
            return;
        }
        if (ahead < 0 && -ahead <= ABSENCE.toMillis()) {
            // As if the clock had been set back while the node ran.
            advance(-ahead);
        } else if (ahead < 0) {
            LOG.warn(
                    "The clock is {} behind the last time known from this data; data from then seems to be new",
                    Duration.ofMillis(-ahead));
        } else if (ahead > ABSENCE.toMillis()) {
            now = new Reading(millis(), elapsedNanos.getAsLong(), ahead);
            begin(ahead, "The clock is " + Duration.ofMillis(ahead) + " ahead of the last time known from this data");
        }
    }

    private void begin(long byMillis, String what) {
        doubt = new Doubt(byMillis, elapsedNanos.getAsLong());
        LOG.warn(
                "{}. For {}, nothing is deleted because of its age; then the clock is accepted. POST /clock with the root key"
                        + " accepts it at once.",
                what,
                Duration.ofMillis(holdMillis));
    }

    /** Compares the wall clock with the elapsed time. To be called about every second. */
    public synchronized void look() {
        long ahead = wall.millis() - millis();
        long suspended = uptimeAhead() - suspendedMillis;
        if (Math.abs(suspended) > STEP.toMillis() && Math.abs(ahead - suspended) <= STEP.toMillis()) {
            LOG.info("The machine was suspended for {}", Duration.ofMillis(suspended));
            advance(ahead);
        }
        suspendedMillis = uptimeAhead();
        ahead = wall.millis() - millis();
        setBack(ahead < -STEP.toMillis());
        boolean held = now.deletionLagMillis() > 0;
        Doubt known = doubt;
        if (ahead > STEP.toMillis()) {
            long by = ahead + now.deletionLagMillis();
            if (known == null || Math.abs(known.byMillis() - by) > STEP.toMillis()) {
                begin(by, "The clock was set " + Duration.ofMillis(ahead) + " ahead");
            }
        } else {
            if (ahead > 0) {
                advance(ahead);
            }
            if (!held && known != null) {
                doubt = null;
                LOG.warn("The clock is back at the expected time; old data is deleted again");
            }
        }
        known = doubt;
        // A wall clock that was set back shows that the time was wrong at the start.
        if (known != null && !setBack && millisSince(known.sinceNanos()) >= holdMillis) {
            believe();
        }
    }

    @GuardedBy("this")
    private void advance(long byMillis) {
        Reading before = now;
        now = new Reading(millis(before) + Math.max(0, byMillis), elapsedNanos.getAsLong(), before.deletionLagMillis());
    }

    @GuardedBy("this")
    private void setBack(boolean is) {
        if (is && !setBack) {
            LOG.warn("The clock was set back; until its next start, Parley uses the elapsed time");
        }
        setBack = is;
    }

    /** Accepts the wall clock: data that is old by it may be deleted. */
    public synchronized void believe() {
        if (doubt != null) {
            LOG.warn("The time {} is accepted; data that is old by it is deleted", wall.instant());
            now = new Reading(Math.max(millis(), wall.millis()), elapsedNanos.getAsLong(), 0);
            doubt = null;
        }
    }

    /** By how much the wall clock is ahead of the expected time while it is in doubt; otherwise 0. */
    public long doubtMillis() {
        Doubt known = doubt;
        return known == null ? 0 : known.byMillis();
    }

    /** Adds a meter that shows the doubt. */
    public void bind(MeterRegistry meters) {
        Gauge.builder("parley.clock.doubt", this, clock -> clock.doubtMillis() / 1_000.0)
                .baseUnit("seconds")
                .description(
                        "Seconds by which a clock in doubt is ahead of the expected time; meanwhile nothing is deleted because of"
                                + " its age")
                .register(meters);
    }
}
