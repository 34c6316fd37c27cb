package dev.parley.engine.subscription;

import static org.assertj.core.api.Assertions.assertThat;

import dev.parley.engine.subscription.SubscriptionCommand.Ack;
import dev.parley.engine.subscription.SubscriptionCommand.Acked;
import dev.parley.engine.subscription.SubscriptionCommand.AddStreams;
import dev.parley.engine.subscription.SubscriptionCommand.Claim;
import dev.parley.engine.subscription.SubscriptionCommand.Create;
import dev.parley.engine.subscription.SubscriptionCommand.Delete;
import dev.parley.engine.subscription.SubscriptionCommand.Delivered;
import dev.parley.engine.subscription.SubscriptionCommand.DeliveryFailed;
import dev.parley.engine.subscription.SubscriptionCommand.Expire;
import dev.parley.engine.subscription.SubscriptionCommand.Forget;
import dev.parley.engine.subscription.SubscriptionCommand.Gone;
import dev.parley.engine.subscription.SubscriptionCommand.Notice;
import dev.parley.engine.subscription.SubscriptionCommand.Release;
import dev.parley.engine.subscription.SubscriptionCommand.RemoveStream;
import dev.parley.engine.subscription.SubscriptionConfig.PullWake;
import dev.parley.engine.subscription.SubscriptionConfig.Target;
import dev.parley.engine.subscription.SubscriptionConfig.Webhook;
import dev.parley.engine.subscription.SubscriptionOutcome.AlreadyClaimed;
import dev.parley.engine.subscription.SubscriptionOutcome.Claimed;
import dev.parley.engine.subscription.SubscriptionOutcome.ConfigDiffers;
import dev.parley.engine.subscription.SubscriptionOutcome.Confirmed;
import dev.parley.engine.subscription.SubscriptionOutcome.Created;
import dev.parley.engine.subscription.SubscriptionOutcome.Done;
import dev.parley.engine.subscription.SubscriptionOutcome.Fenced;
import dev.parley.engine.subscription.SubscriptionOutcome.InvalidOffset;
import dev.parley.engine.subscription.SubscriptionOutcome.NoPendingWork;
import dev.parley.engine.subscription.SubscriptionOutcome.NotFound;
import dev.parley.engine.subscription.SubscriptionOutcome.NotPullWake;
import dev.parley.engine.subscription.SubscriptionOutcome.TooManyLinks;
import dev.parley.engine.subscription.SubscriptionState.Wake;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class SubscriptionMachineTest {
    private static final String ID = "sub";
    private static final String A = "events/a";
    private static final String B = "events/b";
    private static final long LEASE = 10_000;

    @TempDir
    @SuppressWarnings("NullAway.Init")
    private Path folder;

    @SuppressWarnings("NullAway.Init")
    private Ledger ledger;

    @BeforeEach
    void open() {
        ledger = new Ledger(folder);
    }

    @AfterEach
    void close() {
        ledger.close();
    }

    private static SubscriptionConfig config(Target target, @Nullable String pattern, String... streams) {
        return new SubscriptionConfig(target, pattern, List.of(streams), LEASE, null);
    }

    private SubscriptionOutcome create(SubscriptionConfig config, StreamTail... tails) {
        return ledger.apply(new Create(ID, 0, config, "http://here", null, List.of(tails)));
    }

    private void pullWake(StreamTail... tails) {
        assertThat(create(config(new PullWake("wakes"), "events/*"), tails)).isEqualTo(new Created());
    }

    private void webhook(StreamTail... tails) {
        assertThat(create(config(new Webhook("https://worker.example"), "events/*"), tails))
                .isEqualTo(new Created());
    }

    private static StreamTail tail(String path, long position) {
        return new StreamTail(path, 1, position);
    }

    private void notice(long time, String wakeId, StreamTail... tails) {
        ledger.apply(new Notice(ID, time, List.of(tails), wakeId));
    }

    private Ack ack(long time, long generation, String wakeId, boolean done, long to, StreamTail... tails) {
        return new Ack(ID, time, generation, wakeId, List.of(new Acked(A, to)), done, List.of(tails), "w-next");
    }

    private Wake wake() {
        return Objects.requireNonNull(ledger.state(ID).wake());
    }

    private long acked(String path) {
        return Objects.requireNonNull(ledger.get(ID).link(path)).acked();
    }

    @Test
    void isConfirmedByTheSameConfigurationOnly() {
        SubscriptionConfig config = config(new PullWake("wakes"), "events/*", "x", "y");
        create(config, tail("x", 3), tail("y", 0));
        assertThat(create(config(new PullWake("wakes"), "events/*", "y", "x", "y")))
                .isEqualTo(new Confirmed());
        assertThat(create(config(new PullWake("wakes"), "events/*", "x"))).isEqualTo(new ConfigDiffers());
        assertThat(create(config(new PullWake("other"), "events/*", "x", "y"))).isEqualTo(new ConfigDiffers());
        assertThat(ledger.state(ID).links()).isEqualTo(2);
    }

    @Test
    void beginsAtTheTailsOfWhatIsThere() {
        pullWake(tail(A, 7));
        notice(1, "w1", tail(A, 7));
        assertThat(ledger.state(ID).wake()).isNull();
        notice(1, "w1", tail(A, 8));
        assertThat(wake().stream()).isEqualTo(A);
        assertThat(acked(A)).isEqualTo(7);
    }

    @Test
    void discoversStreamsFromTheirStart() {
        webhook();
        notice(1, "w1", tail("elsewhere", 1), tail(A, 0));
        assertThat(ledger.get(ID).links()).containsExactly(new Link(A, 1, Link.START, false, true));
        assertThat(ledger.state(ID).wake()).isNull();
        notice(2, "w1", tail(B, 1));
        assertThat(wake()).isEqualTo(new Wake("w1", B, 2, false, null, 2 + LEASE));
        assertThat(ledger.state(ID).generation()).isEqualTo(1);
    }

    @Test
    void neverFollowsItsOwnWakeStream() {
        create(config(new PullWake("events/wakes"), "**"));
        notice(1, "w1", tail("events/wakes", 1));
        assertThat(ledger.get(ID).links()).isEmpty();
    }

    @Test
    void hasOneWakeAtATime() {
        pullWake();
        notice(1, "w1", tail(A, 1));
        notice(2, "w2", tail(A, 2), tail(B, 1));
        assertThat(wake().id()).isEqualTo("w1");
        assertThat(ledger.state(ID).generation()).isEqualTo(1);
    }

    @Test
    void isClaimedByOneWorker() {
        pullWake();
        notice(1, "w1", tail(A, 1));
        assertThat(ledger.apply(new Claim(ID, 5, "one", List.of(tail(A, 1)), "w2")))
                .isEqualTo(new Claimed("w1", 1));
        assertThat(wake().leaseUntil()).isEqualTo(5 + LEASE);
        assertThat(ledger.apply(new Claim(ID, 6, "two", List.of(tail(A, 1)), "w2")))
                .isEqualTo(new AlreadyClaimed("one", 1));
        // The lease is over, whether somebody has noticed or not.
        assertThat(ledger.apply(new Claim(ID, 5 + LEASE, "two", List.of(tail(A, 1)), "w2")))
                .isEqualTo(new Claimed("w2", 2));
        assertThat(ledger.apply(ack(6 + LEASE, 1, "w1", true, 1, tail(A, 1)))).isEqualTo(new Fenced());
        assertThat(acked(A)).isEqualTo(Link.START);
    }

    @Test
    void canBeClaimedBeforeAWakeIsIssued() {
        pullWake(tail(A, 0));
        assertThat(ledger.apply(new Claim(ID, 1, "one", List.of(), "w1"))).isEqualTo(new NoPendingWork());
        assertThat(ledger.apply(new Claim(ID, 1, "one", List.of(tail(A, 1)), "w1")))
                .isEqualTo(new Claimed("w1", 1));
        assertThat(wake().delivered()).isTrue();
    }

    @Test
    void aClaimOfNothingEndsTheWakeSoThatTheNextAppendMakesOne() {
        pullWake();
        notice(1, "w1", tail(A, 1));
        assertThat(ledger.apply(new Claim(ID, 2, "one", List.of(), "w2"))).isEqualTo(new NoPendingWork());
        notice(3, "w3", tail(A, 2));
        assertThat(wake().id()).isEqualTo("w3");
    }

    @Test
    void webhooksAreNotClaimed() {
        webhook();
        assertThat(ledger.apply(new Claim(ID, 1, "one", List.of(tail(A, 1)), "w1")))
                .isEqualTo(new NotPullWake());
    }

    @Test
    void anAckRenewsTheLeaseAndDoneGivesItBack() {
        webhook();
        notice(0, "w1", tail(A, 3));
        assertThat(ledger.apply(ack(LEASE - 1, 1, "w1", false, 2, tail(A, 3))))
                .isEqualTo(new SubscriptionOutcome.Acked(false));
        assertThat(wake().leaseUntil()).isEqualTo(2 * LEASE - 1);
        assertThat(acked(A)).isEqualTo(2);
        assertThat(ledger.apply(ack(LEASE, 1, "w1", true, 3, tail(A, 3))))
                .isEqualTo(new SubscriptionOutcome.Acked(false));
        assertThat(ledger.state(ID).wake()).isNull();
        assertThat(ledger.apply(ack(LEASE, 1, "w1", true, 3, tail(A, 3)))).isEqualTo(new Fenced());
    }

    @Test
    void whatIsLeftWakesAtOnce() {
        webhook();
        notice(0, "w1", tail(A, 3));
        assertThat(ledger.apply(ack(1, 1, "w1", true, 2, tail(A, 3)))).isEqualTo(new SubscriptionOutcome.Acked(true));
        assertThat(wake().id()).isEqualTo("w-next");
        assertThat(ledger.state(ID).generation()).isEqualTo(2);
    }

    @Test
    void anAckThatIsWrongMovesNothing() {
        webhook(tail(B, 5));
        notice(0, "w1", tail(A, 3));
        List<StreamTail> tails = List.of(tail(A, 3), tail(B, 5));
        for (Acked wrong : List.of(new Acked(B, 4), new Acked(B, 6), new Acked("events/unknown", 0))) {
            Ack ack = new Ack(ID, 1, 1, "w1", List.of(new Acked(A, 3), wrong), true, tails, "w2");
            assertThat(ledger.apply(ack)).isInstanceOf(InvalidOffset.class);
        }
        assertThat(acked(A)).isEqualTo(Link.START);
        assertThat(wake().id()).isEqualTo("w1");
    }

    @Test
    void anAckOfAStreamThatIsGoneDoesNotMoveTheCursorOfItsSuccessor() {
        webhook();
        notice(0, "w1", tail(A, 3));
        notice(1, "w2", new StreamTail(A, 2, 1));
        assertThat(ledger.apply(ack(2, 1, "w1", true, 3, tail(A, 3)))).isInstanceOf(InvalidOffset.class);
        assertThat(ledger.get(ID).link(A)).isEqualTo(new Link(A, 2, Link.START, false, true));
    }

    @Test
    void aReleasedWakeIsFollowedByAnother() {
        pullWake();
        notice(0, "w1", tail(A, 1));
        ledger.apply(new Claim(ID, 0, "one", List.of(tail(A, 1)), "w2"));
        assertThat(ledger.apply(new Release(ID, 1, 1, "w-other", List.of(tail(A, 1)), "w2")))
                .isEqualTo(new Fenced());
        assertThat(ledger.apply(new Release(ID, 1, 1, "w1", List.of(tail(A, 1)), "w2")))
                .isEqualTo(new Done());
        assertThat(wake()).isEqualTo(new Wake("w2", A, 1, false, null, SubscriptionState.NO_LEASE));
    }

    @Test
    void aLeaseEndsWhenItIsOverAndNotBefore() {
        webhook();
        notice(0, "w1", tail(A, 1));
        ledger.apply(new Delivered(ID, 1, "w1"));
        ledger.apply(new Expire(ID, LEASE - 1, "w1", 0, List.of(tail(A, 1)), "w2"));
        assertThat(wake().id()).isEqualTo("w1");
        ledger.apply(new Expire(ID, LEASE, "w1", 99_000, List.of(tail(A, 1)), "w2"));
        assertThat(wake().id()).isEqualTo("w2");
        assertThat(ledger.state(ID).attempts()).isZero();
    }

    @Test
    void failedDeliveriesKeepTheirSchedule() {
        webhook();
        notice(0, "w1", tail(A, 1));
        ledger.apply(new DeliveryFailed(ID, 1, "w1", 1_000));
        ledger.apply(new DeliveryFailed(ID, 1_000, "w1", LEASE + 5_000));
        assertThat(ledger.state(ID).attempts()).isEqualTo(2);
        ledger.apply(new Expire(ID, LEASE, "w1", 0, List.of(tail(A, 1)), "w2"));
        notice(LEASE + 1, "w2", tail(A, 2));
        assertThat(ledger.state(ID).wake())
                .as("no wake before the next attempt")
                .isNull();
        ledger.restart();
        assertThat(ledger.state(ID).nextAttemptAt()).isEqualTo(LEASE + 5_000);
        notice(LEASE + 5_000, "w2", tail(A, 2));
        assertThat(wake().id()).isEqualTo("w2");
        ledger.apply(new Delivered(ID, LEASE + 5_001, "w2"));
        assertThat(ledger.state(ID).attempts()).isZero();
    }

    @Test
    void aWebhookThatIsSilentForAWholeLeaseHasFailed() {
        webhook();
        notice(0, "w1", tail(A, 1));
        ledger.apply(new Expire(ID, LEASE, "w1", LEASE + 1_000, List.of(tail(A, 1)), "w2"));
        assertThat(ledger.state(ID).wake()).isNull();
        assertThat(ledger.state(ID).nextAttemptAt()).isEqualTo(LEASE + 1_000);
    }

    @Test
    void namedLinksComeAndGoBesideThePattern() {
        webhook(tail(A, 1));
        ledger.apply(new AddStreams(ID, 1, List.of(tail(A, 9), tail("manual", 4), new StreamTail("unborn", 0, 0))));
        assertThat(ledger.get(ID).links())
                .containsExactly(
                        new Link(A, 1, 1, true, true),
                        new Link("manual", 1, 4, true, false),
                        new Link("unborn", 0, 0, true, false));
        for (String path : List.of(A, "manual", "unborn", "never")) {
            assertThat(ledger.apply(new RemoveStream(ID, 2, path))).isEqualTo(new Done());
        }
        assertThat(ledger.get(ID).links()).containsExactly(new Link(A, 1, 1, false, true));
        assertThat(ledger.state(ID).links()).isEqualTo(1);
    }

    @Test
    void aNewStreamAtAnOldPathIsReadFromItsStart() {
        webhook(tail(A, 5));
        StreamTail second = new StreamTail(A, 2, 1);
        notice(1, "w1", second);
        assertThat(ledger.get(ID).link(A)).isEqualTo(new Link(A, 2, Link.START, false, true));
        assertThat(wake().id()).isEqualTo("w1");
        // Word of the old one comes late.
        ledger.apply(new Forget(ID, 2, List.of(new Gone(A, 1))));
        notice(2, "w2", tail(A, 9));
        assertThat(ledger.get(ID).link(A)).isEqualTo(new Link(A, 2, Link.START, false, true));
        ledger.apply(new Forget(ID, 2, List.of(new Gone(A, 2))));
        assertThat(ledger.get(ID).link(A)).isNull();
    }

    @Test
    void manyStreamsGoAtOnce() {
        StreamTail[] tails = new StreamTail[Upkeep.MAX_NOTICED + 1];
        for (int i = 0; i < tails.length; i++) {
            tails[i] = tail("events/" + i, 1);
        }
        webhook(tails);
        ledger.apply(new AddStreams(ID, 1, List.of(tails[0], tail("manual", 1))));
        Upkeep everythingGone = new Upkeep(path -> null);
        Set<String> paths = new HashSet<>();
        ledger.get(ID).links().forEach(link -> paths.add(link.path()));
        List<Gone> gone = everythingGone.gone(ledger.get(ID), paths);
        assertThat(gone).hasSize(Upkeep.MAX_NOTICED);
        ledger.apply(new Forget(ID, 2, gone));
        assertThat(ledger.get(ID).links()).extracting(Link::path).containsExactly(tails[0].path(), "manual");
        assertThat(ledger.state(ID).links()).isEqualTo(2);
    }

    @Test
    void linksAreBounded() {
        List<StreamTail> tails = new ArrayList<>();
        for (int i = 0; i < SubscriptionMachine.MAX_LINKS; i++) {
            tails.add(tail("events/" + i, 0));
        }
        webhook(tails.toArray(StreamTail[]::new));
        assertThat(ledger.apply(new AddStreams(ID, 1, List.of(tail("events/0", 0), tail("one/more", 0)))))
                .isEqualTo(new TooManyLinks(SubscriptionMachine.MAX_LINKS));
        notice(1, "w1", tail("events/new", 1));
        assertThat(ledger.state(ID).links()).isEqualTo(SubscriptionMachine.MAX_LINKS);
        ledger.restart();
        assertThat(ledger.get(ID).links()).hasSize(SubscriptionMachine.MAX_LINKS);
    }

    @Test
    void nothingOutlivesADelete() {
        webhook(tail(A, 5));
        notice(0, "w1", tail(A, 6));
        long first = ledger.state(ID).incarnation();
        assertThat(ledger.apply(new Delete(ID, 1))).isEqualTo(new Done());
        assertThat(ledger.apply(new Delete(ID, 1))).isEqualTo(new NotFound());
        assertThat(ledger.apply(ack(1, 1, "w1", true, 6, tail(A, 6)))).isEqualTo(new NotFound());
        webhook();
        assertThat(ledger.state(ID).incarnation()).isGreaterThan(first);
        ledger.restart();
        assertThat(ledger.get(ID).links()).isEmpty();
        assertThat(ledger.state(ID).generation()).isZero();
    }
}
