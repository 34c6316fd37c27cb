package dev.parley.engine.stream;

import static org.assertj.core.api.Assertions.assertThat;

import dev.parley.engine.store.SimulatedStore;
import dev.parley.engine.store.Store.Change;
import dev.parley.engine.store.Store.Table;
import dev.parley.engine.store.StoreTx;
import dev.parley.engine.stream.StreamCommand.Append;
import dev.parley.engine.stream.StreamCommand.Create;
import dev.parley.engine.stream.StreamCommand.Delete;
import dev.parley.engine.stream.StreamCommand.Expire;
import dev.parley.engine.stream.StreamCommand.Fork;
import dev.parley.engine.stream.StreamCommand.Pin;
import dev.parley.engine.stream.StreamCommand.Pinned;
import dev.parley.engine.stream.StreamCommand.Span;
import dev.parley.engine.stream.StreamCommand.Touch;
import dev.parley.engine.stream.StreamCommand.Unpin;
import dev.parley.engine.stream.StreamOutcome.Appended;
import dev.parley.engine.stream.StreamOutcome.BeyondEntry;
import dev.parley.engine.stream.StreamOutcome.BeyondTail;
import dev.parley.engine.stream.StreamOutcome.Closed;
import dev.parley.engine.stream.StreamOutcome.ConfigDiffers;
import dev.parley.engine.stream.StreamOutcome.Created;
import dev.parley.engine.stream.StreamOutcome.Done;
import dev.parley.engine.stream.StreamOutcome.Duplicate;
import dev.parley.engine.stream.StreamOutcome.EpochNotFromZero;
import dev.parley.engine.stream.StreamOutcome.Existed;
import dev.parley.engine.stream.StreamOutcome.ForkTypeDiffers;
import dev.parley.engine.stream.StreamOutcome.Gone;
import dev.parley.engine.stream.StreamOutcome.NotFound;
import dev.parley.engine.stream.StreamOutcome.PinGranted;
import dev.parley.engine.stream.StreamOutcome.SeqGap;
import dev.parley.engine.stream.StreamOutcome.SeqRegressed;
import dev.parley.engine.stream.StreamOutcome.StaleEpoch;
import dev.parley.engine.stream.StreamOutcome.TooManyForks;
import dev.parley.engine.stream.StreamOutcome.TypeDiffers;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The protocol's rules, one by one. Numbers in names of groups are sections of the protocol. */
class StreamMachineTest {
    private static final long NONE = StreamCommand.NONE;
    private static final String TEXT = "text/plain";
    private static final String JSON = "application/json";

    private final SimulatedStore store = new SimulatedStore();
    private final Streams streams = new Streams(store, 3);
    private long position = 64;
    private long now = 1_000_000;

    private StreamOutcome apply(StreamCommand<?> command) {
        return applyTogether(List.of(command)).getFirst();
    }

    /** Applies the commands in one batch. */
    private List<StreamOutcome> applyTogether(List<StreamCommand<?>> commands) {
        StoreTx rows = new StoreTx(store);
        StreamTx tx = new StreamTx(streams, rows);
        List<StreamOutcome> outcomes = new ArrayList<>();
        for (StreamCommand<?> command : commands) {
            position += 64;
            outcomes.add(StreamMachine.apply(command, position, tx));
        }
        rows.commit();
        tx.publish();
        return outcomes;
    }

    private Create create(@Nullable String type, long ttl, long expiresAt, boolean closed, @Nullable Fork fork) {
        return new Create(fork == null ? "s" : "fork", now, type, ttl, expiresAt, closed, Payload.empty(), fork);
    }

    private StreamOutcome create(String type) {
        return apply(create(type, NONE, NONE, false, null));
    }

    private StreamOutcome append(String text) {
        return append(text, null, null);
    }

    private StreamOutcome append(String text, @Nullable ProducerTag producer, @Nullable String seq) {
        return apply(new Append("s", now, TEXT, bytes(text), false, producer, seq));
    }

    private StreamOutcome close(String text, @Nullable ProducerTag producer) {
        return apply(new Append("s", now, TEXT, bytes(text), true, producer, null));
    }

    private static Payload bytes(String text) {
        return Payload.ofBytes(text.getBytes(StandardCharsets.UTF_8));
    }

    private static Payload messages(String... messages) {
        return Payload.ofMessages(
                String.join(",", messages).getBytes(StandardCharsets.UTF_8),
                List.of(messages).stream().mapToInt(String::length).toArray());
    }

    private static Appended appended(long tail) {
        return new Appended(tail, false, -1, -1);
    }

    private StreamOutcome pin(String path, String pinId, long at, long subOffset) {
        return apply(new Pin(path, now, pinId, "fork", at, subOffset));
    }

    /** Forks as the engine does: the source first. */
    private StreamOutcome fork(String source, String path, long at, long subOffset, Payload payload) {
        StreamOutcome granted = apply(new Pin(source, now, "pin of " + path, path, at, subOffset));
        if (!(granted instanceof PinGranted(Pinned pin))) {
            return granted;
        }
        Fork fork = new Fork(source, at, subOffset, pin);
        return apply(new Create(path, now, null, NONE, NONE, false, payload, fork));
    }

    private StreamState state(String path) {
        return Objects.requireNonNull(streams.find(path));
    }

    private String content(String path) {
        return streams.read(state(path), 0, Long.MAX_VALUE).stream()
                .map(entry -> new String(entry.payload().bytes(), StandardCharsets.UTF_8))
                .collect(Collectors.joining("|"));
    }

    // 5.1 Create

    @Test
    void aCreateIsConfirmedByTheSameConfigurationOnly() {
        assertThat(apply(create("Text/Plain; charset=utf-8", 60, NONE, false, null)))
                .isInstanceOf(Created.class);
        assertThat(apply(create(TEXT, 60, NONE, false, null)))
                .as("case and parameters do not count")
                .isInstanceOf(Existed.class);
        assertThat(apply(create(JSON, 60, NONE, false, null))).isInstanceOf(ConfigDiffers.class);
        assertThat(apply(create(null, 60, NONE, false, null))).isInstanceOf(ConfigDiffers.class);
        assertThat(apply(create(TEXT, 61, NONE, false, null))).isInstanceOf(ConfigDiffers.class);
        assertThat(apply(create(TEXT, NONE, NONE, false, null))).isInstanceOf(ConfigDiffers.class);
        assertThat(apply(create(TEXT, 60, now + 5, false, null))).isInstanceOf(ConfigDiffers.class);
        assertThat(apply(create(TEXT, 60, NONE, true, null))).isInstanceOf(ConfigDiffers.class);
        close("", null);
        assertThat(apply(create(TEXT, 60, NONE, false, null))).isInstanceOf(ConfigDiffers.class);
        assertThat(apply(create(TEXT, 60, NONE, true, null))).isInstanceOf(Existed.class);
        assertThat(state("s").contentType()).as("as it was given first").isEqualTo("Text/Plain; charset=utf-8");
    }

    @Test
    void aStreamWithoutTypeIsBytes() {
        assertThat(apply(create(null, NONE, NONE, false, null))).isInstanceOf(Created.class);
        assertThat(state("s").contentType()).isEqualTo("application/octet-stream");
        assertThat(create("application/octet-stream")).isInstanceOf(Existed.class);
    }

    @Test
    void aStreamMayBeBornClosedWithItsWholeContent() {
        apply(new Create("s", now, TEXT, NONE, NONE, true, bytes("all"), null));
        assertThat(content("s")).isEqualTo("all");
        assertThat(append("more")).isEqualTo(new Closed(3));
    }

    // 5.2 Append and 5.3 Close

    @Test
    void anAppendNeedsItsStreamAndItsType() {
        assertThat(append("x")).isEqualTo(new NotFound());
        create(JSON);
        assertThat(append("x")).isEqualTo(new TypeDiffers(JSON));
        assertThat(apply(new Append("s", now, JSON, bytes("x"), false, null, null)))
                .as("not cut into messages")
                .isEqualTo(new TypeDiffers(JSON));
        assertThat(apply(new Append("s", now, JSON + ";v=1", messages("1", "22"), false, null, null)))
                .isEqualTo(appended(2));
        assertThat(apply(new Append("s", now, null, messages("3"), false, null, null)))
                .isEqualTo(new TypeDiffers(JSON));
        assertThat(apply(new Append("s", now, TEXT, Payload.empty(), true, null, null)))
                .as("a close without data needs no type")
                .isEqualTo(new Appended(2, true, -1, -1));
    }

    @Test
    void closedComesBeforeEveryOtherRefusal() {
        create(TEXT);
        append("x", null, "b");
        close("", null);
        assertThat(apply(new Append("s", now, JSON, messages("1"), false, null, "a")))
                .isEqualTo(new Closed(1));
        assertThat(append("x", new ProducerTag("p", 0, 7), null)).isEqualTo(new Closed(1));
    }

    @Test
    void closingAgainIsFineButNotWithData() {
        create(TEXT);
        assertThat(close("last", null)).isEqualTo(new Appended(4, true, -1, -1));
        assertThat(close("", null)).isEqualTo(new Appended(4, true, -1, -1));
        assertThat(close("last", null)).isEqualTo(new Closed(4));
    }

    @Test
    void streamSeqGrowsByteByByte() {
        create(TEXT);
        assertThat(append("1", null, "2")).isEqualTo(appended(1));
        assertThat(append("2", null, "10")).as("text, not numbers").isEqualTo(new SeqRegressed("2"));
        assertThat(append("2", null, "2")).isEqualTo(new SeqRegressed("2"));
        assertThat(append("2")).as("without one").isEqualTo(appended(2));
        assertThat(append("3", null, "é")).as("bytes are unsigned").isEqualTo(appended(3));
        assertThat(append("4", null, "z")).isEqualTo(new SeqRegressed("é"));
    }

    // 5.2.1 Idempotent producers

    @Test
    void producersAppendOnceAndInOrder() {
        create(TEXT);
        assertThat(append("a", new ProducerTag("p", 5, 1), null)).isEqualTo(new SeqGap(0, 1));
        assertThat(append("a", new ProducerTag("p", 5, 0), null)).isEqualTo(new Appended(1, false, 5, 0));
        assertThat(append("a", new ProducerTag("p", 5, 0), null)).isEqualTo(new Duplicate(1, false, 5, 0));
        assertThat(append("b", new ProducerTag("p", 5, 1), null)).isEqualTo(new Appended(2, false, 5, 1));
        assertThat(append("a", new ProducerTag("p", 5, 0), null))
                .as("an older retry hears of the newest")
                .isEqualTo(new Duplicate(2, false, 5, 1));
        assertThat(append("d", new ProducerTag("p", 5, 3), null)).isEqualTo(new SeqGap(2, 3));
        assertThat(append("x", new ProducerTag("p", 4, 0), null)).isEqualTo(new StaleEpoch(5));
        assertThat(append("x", new ProducerTag("p", 6, 1), null)).isEqualTo(new EpochNotFromZero());
        assertThat(append("c", new ProducerTag("p", 6, 0), null)).isEqualTo(new Appended(3, false, 6, 0));
        assertThat(append("x", new ProducerTag("p", 5, 2), null)).as("a zombie").isEqualTo(new StaleEpoch(6));
        assertThat(append("q", new ProducerTag("q", 0, 0), null)).as("another").isEqualTo(new Appended(4, false, 0, 0));
        assertThat(content("s")).isEqualTo("a|b|c|q");
    }

    @Test
    void aRefusedAppendLeavesTheProducerWhereItWas() {
        create(TEXT);
        append("a", new ProducerTag("p", 0, 0), "m");
        assertThat(append("b", new ProducerTag("p", 0, 1), "a")).isEqualTo(new SeqRegressed("m"));
        assertThat(append("b", new ProducerTag("p", 0, 1), "n")).isEqualTo(new Appended(2, false, 0, 1));
    }

    @Test
    void aRetryOfAnAcceptedAppendMeetsNoClosedStream() {
        create(TEXT);
        append("a", new ProducerTag("p", 0, 0), null);
        assertThat(close("b", new ProducerTag("p", 0, 1))).isEqualTo(new Appended(2, true, 0, 1));
        assertThat(close("b", new ProducerTag("p", 0, 1))).isEqualTo(new Duplicate(2, true, 0, 1));
        assertThat(append("a", new ProducerTag("p", 0, 0), null)).isEqualTo(new Duplicate(2, true, 0, 1));
        assertThat(append("c", new ProducerTag("p", 0, 2), null)).isEqualTo(new Closed(2));
        assertThat(close("", new ProducerTag("q", 0, 0))).isEqualTo(new Closed(2));
    }

    @Test
    void aNewStreamAtTheSamePathKnowsNoProducersOfTheOld() {
        create(TEXT);
        append("a", new ProducerTag("p", 3, 0), "z");
        apply(new Delete("s", now));
        create(TEXT);
        assertThat(append("a", new ProducerTag("p", 0, 0), "a")).isEqualTo(new Appended(1, false, 0, 0));
    }

    // 5.1 Lifetimes

    @Test
    void aSlidingLifetimeIsRenewedByReadsAndWrites() {
        apply(create(TEXT, 50, NONE, false, null));
        now += 49;
        append("a");
        now += 49;
        assertThat(apply(new Touch("s", now))).isEqualTo(new Done());
        now += 49;
        assertThat(append("a", new ProducerTag("p", 0, 1), null)).as("refused").isInstanceOf(SeqGap.class);
        now += 1;
        assertThat(apply(new Touch("s", now))).isEqualTo(new NotFound());
        assertThat(append("b")).isEqualTo(new NotFound());
        assertThat(apply(new Delete("s", now))).isEqualTo(new NotFound());
        assertThat(create(TEXT)).as("the path is free").isInstanceOf(Created.class);
        assertThat(content("s")).isEmpty();
    }

    @Test
    void aSlidingLifetimeIsCountedToA64thAndNeverShortened() {
        apply(create(TEXT, 6400, NONE, false, null));
        assertThat(state("s").deadline()).isEqualTo(now + 6500);
        now += 100;
        apply(new Touch("s", now));
        assertThat(state("s").accessedAt()).as("too little to write down").isEqualTo(now - 100);
        now += 1;
        apply(new Touch("s", now));
        assertThat(state("s").deadline()).isEqualTo(now + 6500);
    }

    @Test
    void anAbsoluteLifetimeIsNotRenewed() {
        apply(create(TEXT, NONE, now + 50, false, null));
        now += 49;
        assertThat(append("a")).isEqualTo(appended(1));
        now += 1;
        assertThat(append("b")).isEqualTo(new NotFound());
    }

    @Test
    void onlyEntriesThatThereAreAreRemoved() {
        create(TEXT);
        apply(new Delete("s", now));
        assertThat(removesEntries()).isFalse();
        create(TEXT);
        append("x");
        apply(new Delete("s", now));
        assertThat(removesEntries()).isTrue();
        applyTogether(List.of(
                create(TEXT, NONE, NONE, false, null),
                new Append("s", now, TEXT, bytes("x"), false, null, null),
                new Delete("s", now)));
        assertThat(removesEntries()).isTrue();
    }

    /** Whether the last batch did. */
    private boolean removesEntries() {
        return store.batches().getLast().stream()
                .anyMatch(change -> change instanceof Change.RemoveRange range && range.table() == Table.ENTRIES);
    }

    @Test
    void aStreamThatIsDeletedIsNotWaitedFor() {
        long century = 100L * 365 * 24 * 60 * 60 * 1000;
        for (Create create :
                List.of(create(TEXT, century, NONE, false, null), create(TEXT, NONE, now + century, false, null))) {
            apply(create);
            now += century / 10;
            apply(new Touch("s", now));
            assertThat(streams.due(Long.MAX_VALUE - 1, 10)).hasSize(1);
            apply(new Delete("s", now));
            assertThat(streams.due(Long.MAX_VALUE - 1, 10)).isEmpty();
        }
        applyTogether(List.of(create(TEXT, century, NONE, false, null), new Delete("s", now)));
        assertThat(streams.due(Long.MAX_VALUE - 1, 10)).isEmpty();
    }

    @Test
    void expiryFollowsTheLastAccess() {
        apply(create(TEXT, 50, NONE, false, null));
        now += 40;
        append("a");
        assertThat(streams.due(now, 10)).isEmpty();
        now += 10;
        Expire due = streams.due(now, 10).getFirst();
        assertThat(apply(due)).isEqualTo(new Done());
        assertThat(content("s")).as("it was used meanwhile").isEqualTo("a");
        assertThat(streams.due(now, 10)).isEmpty();
        now += 40;
        apply(streams.due(now, 10).getFirst());
        assertThat(streams.find("s")).isNull();
        assertThat(streams.due(Long.MAX_VALUE - 1, 10)).isEmpty();
        create(TEXT);
        apply(due);
        assertThat(streams.find("s")).as("a newer stream is not meant").isNotNull();
    }

    // 4.2 Forks

    /** The table of 4.2: what a fork gets from its source and from what was asked for. */
    @ParameterizedTest
    @CsvSource({
        "-1,   -1, -1,  -1, -1,  -1",
        "-1,   -1, 30,  -1, 30,  -1",
        "-1,   -1, -1, 900, -1, 900",
        "50,   -1, -1,  -1, 50,  -1",
        "50,   -1, 30,  -1, 30,  -1",
        "50,   -1, -1, 900, -1, 900",
        "-1,  800, -1,  -1, -1, 800",
        "-1,  800, 30,  -1, 30,  -1",
        "-1,  800, -1, 900, -1, 900",
    })
    void forksLiveAsLongAs(long sourceTtl, long sourceEnd, long askedTtl, long askedEnd, long ttl, long end) {
        now = 0;
        apply(create(TEXT, sourceTtl, sourceEnd, false, null));
        Pinned pin = ((PinGranted) pin("s", "pin", NONE, 0)).pin();
        Create create = create(null, askedTtl, askedEnd, false, new Fork("s", NONE, 0, pin));
        assertThat(apply(create)).isInstanceOf(Created.class);
        assertThat(List.of(state("fork").ttlMillis(), state("fork").expiresAt()))
                .isEqualTo(List.of(ttl, end));
        assertThat(apply(create)).as("a retry").isInstanceOf(Existed.class);
    }

    @Test
    void aForkBranchesOffWhereItIsTold() {
        create(TEXT);
        append("abc");
        append("def");
        assertThat(fork("s", "tail", NONE, 0, bytes("!"))).isInstanceOf(Created.class);
        assertThat(fork("s", "start", 0, 0, Payload.empty())).isInstanceOf(Created.class);
        assertThat(fork("s", "seam", 3, 0, bytes("!"))).isInstanceOf(Created.class);
        assertThat(fork("s", "inside", 3, 2, bytes("!"))).isInstanceOf(Created.class);
        assertThat(fork("s", "whole entry", 3, 3, bytes("!"))).isInstanceOf(Created.class);
        assertThat(fork("s", "too far", 0, 4, Payload.empty())).isEqualTo(new BeyondEntry());
        assertThat(fork("s", "behind", 7, 0, Payload.empty())).isEqualTo(new BeyondTail(6));
        assertThat(fork("s", "past the tail", NONE, 1, Payload.empty())).isEqualTo(new BeyondEntry());
        append("ghi");
        assertThat(content("tail")).isEqualTo("abc|def|!");
        assertThat(content("start")).isEmpty();
        assertThat(content("seam")).isEqualTo("abc|!");
        assertThat(content("inside")).isEqualTo("abc|de|!");
        assertThat(content("whole entry")).isEqualTo("abc|def|!");
    }

    @Test
    void inJsonASubOffsetCountsMessages() {
        create(JSON);
        apply(new Append("s", now, JSON, messages("10", "20", "30"), false, null, null));
        assertThat(fork("s", "two", 0, 2, messages("99"))).isInstanceOf(Created.class);
        assertThat(content("two")).isEqualTo("10,20|99");
        assertThat(fork("two", "deeper", 1, 1, Payload.empty())).isInstanceOf(Created.class);
        assertThat(content("deeper")).isEqualTo("10,20");
        assertThat(fork("two", "too far", 1, 2, Payload.empty()))
                .as("the inherited entry ends where the fork begins")
                .isEqualTo(new BeyondEntry());
    }

    @Test
    void aForkIsItsOwnStream() {
        create(TEXT);
        append("a", new ProducerTag("p", 4, 0), "z");
        close("", null);
        fork("s", "fork", NONE, 0, Payload.empty());
        assertThat(state("fork").closed()).isFalse();
        assertThat(apply(new Append("fork", now, TEXT, bytes("b"), false, new ProducerTag("p", 0, 0), "a")))
                .as("neither producers nor Stream-Seq are inherited")
                .isEqualTo(new Appended(2, false, 0, 0));
        assertThat(content("fork")).isEqualTo("a|b");
        assertThat(content("s")).isEqualTo("a");
    }

    @Test
    void aForkHasTheTypeOfItsSource() {
        create(JSON);
        Pinned pin = ((PinGranted) pin("s", "pin", NONE, 0)).pin();
        Fork fork = new Fork("s", NONE, 0, pin);
        assertThat(apply(create(TEXT, NONE, NONE, false, fork))).isEqualTo(new ForkTypeDiffers(JSON));
        assertThat(apply(new Create("fork", now, null, NONE, NONE, false, bytes("raw"), fork)))
                .isEqualTo(new ForkTypeDiffers(JSON));
        assertThat(apply(create(JSON, NONE, NONE, false, fork))).isInstanceOf(Created.class);
    }

    @Test
    void aDeletedSourceStaysForItsForksOutOfSight() {
        create(TEXT);
        append("abc");
        fork("s", "child", NONE, 0, bytes("d"));
        fork("child", "grandchild", NONE, 0, bytes("e"));
        assertThat(apply(new Delete("s", now))).isEqualTo(new Done());
        assertThat(append("x")).isEqualTo(new Gone());
        assertThat(create(TEXT)).isEqualTo(new Gone());
        assertThat(apply(new Delete("s", now))).isEqualTo(new Gone());
        assertThat(pin("s", "other", 0, 0)).isEqualTo(new Gone());
        assertThat(apply(new Touch("s", now))).isEqualTo(new NotFound());
        assertThat(content("grandchild")).isEqualTo("abc|d|e");

        apply(new Delete("child", now));
        apply(new Delete("grandchild", now));
        settle();
        assertThat(streams.find("child")).isNull();
        assertThat(streams.find("s")).isNull();
        assertThat(create(TEXT)).isInstanceOf(Created.class);
    }

    /** Gives back what gone forks hold, as the engine does. */
    private void settle() {
        for (List<ForkRelease> left = streams.releases(); !left.isEmpty(); left = streams.releases()) {
            for (ForkRelease release : left) {
                apply(new Unpin(release.sourcePath(), now, release.sourceId(), release.pinId()));
                apply(new StreamCommand.Settle(release.forkPath(), now, release.note()));
            }
        }
    }

    @Test
    void aPinIsTakenAndGivenBackOnce() {
        create(TEXT);
        pin("s", "pin", NONE, 0);
        pin("s", "pin", NONE, 0);
        assertThat(state("s").pins()).isEqualTo(1);
        assertThat(streams.orphanedPins()).hasSize(1);
        Unpin unpin = new Unpin("s", now, state("s").id(), "pin");
        assertThat(apply(unpin)).isEqualTo(new Done());
        assertThat(apply(unpin)).isEqualTo(new NotFound());
        assertThat(state("s").pins()).isZero();
    }

    /** Replay makes large batches of what were small ones. */
    @Test
    void aBatchSeesItsOwnEntriesInheritedOnesToo() {
        long source = position + 64;
        Pinned pin = new Pinned("pin", 3, TEXT, NONE, NONE, source, List.of(new Span(source, 0, 3)));
        List<StreamOutcome> outcomes = applyTogether(List.of(
                new Create("s", now, TEXT, NONE, NONE, false, bytes("abcd"), null),
                new Pin("s", now, "pin", "fork", 0, 3),
                create(null, NONE, NONE, false, new Fork("s", 0, 3, pin)),
                new Pin("fork", now, "other pin", "grandchild", 1, 2),
                new Pin("fork", now, "third pin", "grandchild", 1, 3)));
        assertThat(outcomes.get(1)).isEqualTo(new PinGranted(pin));
        assertThat(outcomes.get(3)).isInstanceOf(PinGranted.class);
        assertThat(outcomes.get(4)).isEqualTo(new BeyondEntry());
    }

    @Test
    void forksOfForksHaveALimit() {
        create(TEXT);
        append("x");
        String source = "s";
        for (int depth = 1; depth < StreamMachine.MAX_LINEAGE; depth++) {
            assertThat(fork(source, "f" + depth, NONE, 0, bytes("x"))).isInstanceOf(Created.class);
            source = "f" + depth;
        }
        assertThat(state(source).tail()).isEqualTo(StreamMachine.MAX_LINEAGE);
        assertThat(fork(source, "last", NONE, 0, bytes("x"))).isInstanceOf(Created.class);
        assertThat(fork("last", "one more", NONE, 0, bytes("x")))
                .isEqualTo(new TooManyForks(StreamMachine.MAX_LINEAGE));
    }

    @Test
    void payloadsAreCutAtUnits() {
        Payload messages = messages("1", "22", "333");
        assertThat(messages.slice(0, 3)).isSameAs(messages);
        assertThat(messages.slice(1, 3)).isEqualTo(messages("22", "333"));
        assertThat(messages.slice(0, 1)).isEqualTo(messages("1"));
        assertThat(messages.slice(2, 2)).isEqualTo(Payload.empty());
        assertThat(bytes("abc").slice(1, 2)).isEqualTo(bytes("b"));
        assertThat(bytes("1,22").equals(messages("1", "22"))).isFalse();
    }
}
