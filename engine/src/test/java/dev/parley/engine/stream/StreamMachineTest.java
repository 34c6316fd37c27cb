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
import dev.parley.engine.stream.StreamCommand.Inherited;
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
import dev.parley.engine.stream.StreamOutcome.EarlierPlace;
import dev.parley.engine.stream.StreamOutcome.EpochNotFromZero;
import dev.parley.engine.stream.StreamOutcome.Existed;
import dev.parley.engine.stream.StreamOutcome.ForkTypeDiffers;
import dev.parley.engine.stream.StreamOutcome.Gone;
import dev.parley.engine.stream.StreamOutcome.NotFound;
import dev.parley.engine.stream.StreamOutcome.PinGranted;
import dev.parley.engine.stream.StreamOutcome.SeqGap;
import dev.parley.engine.stream.StreamOutcome.SeqRegressed;
import dev.parley.engine.stream.StreamOutcome.StaleEpoch;
import dev.parley.engine.stream.StreamOutcome.TailDiffers;
import dev.parley.engine.stream.StreamOutcome.TooManyForks;
import dev.parley.engine.stream.StreamOutcome.TypeDiffers;
import dev.parley.engine.stream.StreamOutcome.UnknownPlace;
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
        tx.show();
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

    private Appended appended(long tail) {
        return new Appended(id("s"), tail, false, -1, -1);
    }

    private long id(String path) {
        return state(path).id();
    }

    /** The place of a position, or null for the tail. */
    private @Nullable Place place(String path, long at) {
        return at < 0 ? null : at == 0 ? new Place.Start() : state(path).place(at);
    }

    private StreamOutcome pin(String path, String pinId, long at, long subOffset) {
        return apply(new Pin(path, now, pinId, "fork", place(path, at), subOffset));
    }

    /** Forks as the engine does: the source first. */
    private StreamOutcome fork(String source, String path, long at, long subOffset, Payload payload) {
        Place place = place(source, at);
        StreamOutcome granted =
                apply(new Pin(source, now, "pin of " + path, path, place, subOffset, streams.inherited(source, place)));
        if (!(granted instanceof PinGranted(Pinned pin))) {
            return granted;
        }
        Fork fork = new Fork(source, place, subOffset, pin);
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
        assertThat(append("more")).isEqualTo(new Closed(id("s"), 3));
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
                .isEqualTo(new Appended(id("s"), 2, true, -1, -1));
    }

    @Test
    void closedComesBeforeEveryOtherRefusal() {
        create(TEXT);
        append("x", null, "b");
        close("", null);
        assertThat(apply(new Append("s", now, JSON, messages("1"), false, null, "a")))
                .isEqualTo(new Closed(id("s"), 1));
        assertThat(append("x", new ProducerTag("p", 0, 7), null)).isEqualTo(new Closed(id("s"), 1));
    }

    @Test
    void closingAgainIsFineButNotWithData() {
        create(TEXT);
        assertThat(close("last", null)).isEqualTo(new Appended(id("s"), 4, true, -1, -1));
        assertThat(close("", null)).isEqualTo(new Appended(id("s"), 4, true, -1, -1));
        assertThat(close("last", null)).isEqualTo(new Closed(id("s"), 4));
    }

    @Test
    void streamSeqGrowsByteByByte() {
        create(TEXT);
        assertThat(append("1", null, "2")).isEqualTo(appended(1));
        assertThat(append("2", null, "10")).as("text, not numbers").isEqualTo(new SeqRegressed(id("s"), 1, "2"));
        assertThat(append("2", null, "2")).isEqualTo(new SeqRegressed(id("s"), 1, "2"));
        assertThat(append("2")).as("without one").isEqualTo(appended(2));
        assertThat(append("3", null, "é")).as("bytes are unsigned").isEqualTo(appended(3));
        assertThat(append("4", null, "z")).isEqualTo(new SeqRegressed(id("s"), 3, "é"));
    }

    // 5.2.1 Idempotent producers

    @Test
    void producersAppendOnceAndInOrder() {
        create(TEXT);
        assertThat(append("a", new ProducerTag("p", 5, 1), null)).isEqualTo(new SeqGap(0, 1));
        assertThat(append("a", new ProducerTag("p", 5, 0), null)).isEqualTo(new Appended(id("s"), 1, false, 5, 0));
        assertThat(append("a", new ProducerTag("p", 5, 0), null)).isEqualTo(new Duplicate(id("s"), 1, false, 5, 0));
        assertThat(append("b", new ProducerTag("p", 5, 1), null)).isEqualTo(new Appended(id("s"), 2, false, 5, 1));
        assertThat(append("a", new ProducerTag("p", 5, 0), null))
                .as("an older retry hears of the newest")
                .isEqualTo(new Duplicate(id("s"), 2, false, 5, 1));
        assertThat(append("d", new ProducerTag("p", 5, 3), null)).isEqualTo(new SeqGap(2, 3));
        assertThat(append("x", new ProducerTag("p", 4, 0), null)).isEqualTo(new StaleEpoch(5));
        assertThat(append("x", new ProducerTag("p", 6, 1), null)).isEqualTo(new EpochNotFromZero());
        assertThat(append("c", new ProducerTag("p", 6, 0), null)).isEqualTo(new Appended(id("s"), 3, false, 6, 0));
        assertThat(append("x", new ProducerTag("p", 5, 2), null)).as("a zombie").isEqualTo(new StaleEpoch(6));
        assertThat(append("q", new ProducerTag("q", 0, 0), null))
                .as("another")
                .isEqualTo(new Appended(id("s"), 4, false, 0, 0));
        assertThat(content("s")).isEqualTo("a|b|c|q");
    }

    @Test
    void aRefusedAppendLeavesTheProducerWhereItWas() {
        create(TEXT);
        append("a", new ProducerTag("p", 0, 0), "m");
        assertThat(append("b", new ProducerTag("p", 0, 1), "a")).isEqualTo(new SeqRegressed(id("s"), 1, "m"));
        assertThat(append("b", new ProducerTag("p", 0, 1), "n")).isEqualTo(new Appended(id("s"), 2, false, 0, 1));
    }

    private StreamOutcome append(
            String text, @Nullable ProducerTag producer, @Nullable Place expected, @Nullable String seq) {
        return apply(new Append("s", now, TEXT, bytes(text), false, producer, seq, expected));
    }

    @Test
    void anAppendMayDependOnWhereTheTailIs() {
        create(TEXT);
        ProducerTag first = new ProducerTag("p", 0, 0);
        Place start = new Place.Start();
        assertThat(append("ab", first, start, "a")).isEqualTo(new Appended(id("s"), 2, false, 0, 0));
        assertThat(append("ab", first, start, "a"))
                .as("the retry of what has landed")
                .isEqualTo(new Duplicate(id("s"), 2, false, 0, 0));
        assertThat(append("cd", new ProducerTag("p", 0, 1), start, "b")).isEqualTo(new TailDiffers(id("s"), 2));
        assertThat(append("cd", new ProducerTag("p", 0, 1), state("s").place(1), "b"))
                .as("inside an append")
                .isEqualTo(new TailDiffers(id("s"), 2));
        assertThat(append("cd", new ProducerTag("p", 0, 1), state("s").place(3), "b"))
                .isEqualTo(new UnknownPlace());
        assertThat(append("cd", new ProducerTag("p", 0, 1), state("s").place(2), "a"))
                .as("Stream-Seq counts as well")
                .isEqualTo(new SeqRegressed(id("s"), 2, "a"));
        assertThat(append("cd", new ProducerTag("p", 0, 1), state("s").place(2), "b"))
                .as("what was refused took nothing")
                .isEqualTo(new Appended(id("s"), 4, false, 0, 1));
        assertThat(content("s")).isEqualTo("ab|cd");
    }

    @Test
    void placesOfEarlierStreamsAtThePathAreToldFromOthers() {
        create(TEXT);
        append("abc");
        Place old = state("s").place(2);
        apply(new Create("other", now, TEXT, NONE, NONE, false, bytes("abc"), null));
        Place others = state("other").place(2);
        apply(new Delete("s", now));
        create(TEXT);
        append("abcdef");
        assertThat(old.in(state("s"))).isEqualTo(new Place.Earlier());
        assertThat(others.in(state("s"))).isEqualTo(new Place.Unknown());
        assertThat(new Place.Lapsed("s".hashCode()).in(state("s"))).isEqualTo(new Place.Earlier());
        assertThat(new Place.Lapsed("other".hashCode()).in(state("s"))).isEqualTo(new Place.Unknown());
        assertThat(new Place.Unnamed(id("s"), 2).in(state("s")))
                .as("from before offsets named incarnations, as is not this stream")
                .isEqualTo(new Place.Earlier());
        assertThat(new Place.Unnamed(id("s") + 1, 2).in(state("s"))).isEqualTo(new Place.At(2));
        assertThat(append("x", null, old, null)).isEqualTo(new EarlierPlace());
        assertThat(append("x", null, others, null)).isEqualTo(new UnknownPlace());
        assertThat(apply(new Pin("s", now, "pin", "fork", old, 0))).isEqualTo(new EarlierPlace());
        assertThat(apply(new Pin("s", now, "pin", "fork", others, 0))).isEqualTo(new UnknownPlace());
        assertThat(content("s")).isEqualTo("abcdef");
        assertThat(state("s").pins()).isZero();
    }

    @Test
    void aForkHasThePlacesOfItsAncestors() {
        create(TEXT);
        append("abc");
        append("def");
        fork("s", "child", 3, 0, bytes("x"));
        fork("child", "grandchild", NONE, 0, bytes("yz"));
        StreamState grandchild = state("grandchild");
        assertThat(grandchild.place(2)).isEqualTo(state("s").place(2));
        assertThat(grandchild.place(3)).isEqualTo(state("child").place(3));
        assertThat(grandchild.place(4).streamId()).isEqualTo(grandchild.id());
        for (Place same : List.of(state("s").place(3), state("child").place(3))) {
            assertThat(same.in(grandchild)).isEqualTo(new Place.At(3));
        }
        assertThat(state("s").place(5).in(grandchild)).as("past the branch").isEqualTo(new Place.Beyond(3));
        assertThat(grandchild.place(5).in(state("child"))).isEqualTo(new Place.Unknown());
        assertThat(fork("s", "child", 3, 0, bytes("x"))).as("the same again").isInstanceOf(Existed.class);

        // A fork at the very point where its source branched off: the source's own name of that point counts there as
        // well.
        apply(new Create("empty", now, null, NONE, NONE, false, Payload.empty(), forkOf("grandchild")));
        fork("empty", "twin", NONE, 0, Payload.empty());
        assertThat(state("empty").place(6).in(state("twin"))).isEqualTo(new Place.At(6));
    }

    private Fork forkOf(String source) {
        Pinned pin = ((PinGranted) apply(new Pin(source, now, "pin of empty", "empty", null, 0))).pin();
        return new Fork(source, null, 0, pin);
    }

    @Test
    void aRetryOfAnAcceptedAppendMeetsNoClosedStream() {
        create(TEXT);
        append("a", new ProducerTag("p", 0, 0), null);
        assertThat(close("b", new ProducerTag("p", 0, 1))).isEqualTo(new Appended(id("s"), 2, true, 0, 1));
        assertThat(close("b", new ProducerTag("p", 0, 1))).isEqualTo(new Duplicate(id("s"), 2, true, 0, 1));
        assertThat(append("a", new ProducerTag("p", 0, 0), null)).isEqualTo(new Duplicate(id("s"), 2, true, 0, 1));
        assertThat(append("c", new ProducerTag("p", 0, 2), null)).isEqualTo(new Closed(id("s"), 2));
        assertThat(close("", new ProducerTag("q", 0, 0))).isEqualTo(new Closed(id("s"), 2));
    }

    @Test
    void aNewStreamAtTheSamePathKnowsNoProducersOfTheOld() {
        create(TEXT);
        append("a", new ProducerTag("p", 3, 0), "z");
        apply(new Delete("s", now));
        create(TEXT);
        assertThat(append("a", new ProducerTag("p", 0, 0), "a")).isEqualTo(new Appended(id("s"), 1, false, 0, 0));
    }

    // 5.8 Text

    private void appendBytes(int... bytes) {
        byte[] payload = new byte[bytes.length];
        for (int i = 0; i < bytes.length; i++) {
            payload[i] = (byte) bytes[i];
        }
        apply(new Append("s", now, TEXT, Payload.ofBytes(payload), false, null, null));
        StreamState known = state("s");
        assertThat(Objects.requireNonNull(new Streams(store, 0).find("s")))
                .as("the same from the store")
                .isEqualTo(known);
    }

    @Test
    void anAppendThatEndsInsideACharacterIsHeldBackUntilTheNext() {
        create(TEXT);
        append("ab");
        appendBytes('c', 0xF0);
        assertThat(List.of(state("s").tail(), state("s").shown())).isEqualTo(List.of(4L, 2L));
        assertThat(content("s")).isEqualTo("ab");
        appendBytes(0x9F);
        appendBytes(0x8E);
        assertThat(content("s")).isEqualTo("ab");
        appendBytes(0x88, 'd');
        assertThat(state("s").shown()).isEqualTo(8);
        assertThat(String.join("", content("s").split("[|]")).length()).isGreaterThan(2);
        byte[] all = new byte[8];
        int at = 0;
        for (Entry entry : streams.read(state("s"), 0, 1_000)) {
            System.arraycopy(
                    entry.payload().bytes(), 0, all, at, entry.payload().bytes().length);
            at += entry.payload().bytes().length;
        }
        assertThat(new String(all, StandardCharsets.UTF_8)).isEqualTo("abc🎈d");
        assertThat(streams.read(state("s"), 0, 2).getLast().end()).isEqualTo(2);
        assertThat(streams.read(state("s"), 0, 3).getLast().end())
                .as("not between the parts of a character")
                .isEqualTo(2);
        assertThat(streams.read(state("s"), 2, 1).getLast().end()).isEqualTo(8);
    }

    @Test
    void closingShowsWhatIsThere() {
        create(TEXT);
        appendBytes('a', 0xC3);
        assertThat(state("s").shown()).isZero();
        close("", null);
        assertThat(state("s").shown()).isEqualTo(2);
        assertThat(streams.read(state("s"), 0, 10)).hasSize(1);
        assertThat(Objects.requireNonNull(new Streams(store, 0).find("s"))).isEqualTo(state("s"));
    }

    @Test
    void onlyTextInUtf8IsHeldBack() {
        for (String type : List.of("text/plain; charset=iso-8859-1", "application/octet-stream")) {
            apply(new Create(type, now, type, NONE, NONE, false, Payload.ofBytes(new byte[] {'a', (byte) 0xE9}), null));
            assertThat(state(type).shown()).as(type).isEqualTo(2);
        }
        apply(new Create(
                "s",
                now,
                "Text/Plain;charset=UTF-8",
                NONE,
                NONE,
                false,
                Payload.ofBytes(new byte[] {'a', (byte) 0xE9}),
                null));
        assertThat(state("s").shown()).isZero();
    }

    @Test
    void whatIsNeverACharacterIsNotHeldBackForEver() {
        create(TEXT);
        byte[] half = new byte[Utf8.MAX_HELD_BYTES / 2];
        half[half.length - 1] = (byte) 0xC3;
        for (int i = 1; i <= 5; i++) {
            apply(new Append("s", now, TEXT, Payload.ofBytes(half), false, null, null));
            assertThat(state("s").tail() - state("s").shown()).isLessThanOrEqualTo(Utf8.MAX_HELD_BYTES);
        }
        assertThat(state("s").shown()).isPositive();
        assertThat(streams.read(state("s"), 0, 1))
                .as("no more than that at once")
                .hasSizeLessThanOrEqualTo(3);
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
        Create create = create(null, askedTtl, askedEnd, false, new Fork("s", null, 0, pin));
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

    /** The entry may lie in another shard, at which the machine does not look. */
    @Test
    void aSubOffsetInInheritedDataNeedsTheFactThatTheSubmitterHasOfIt() {
        create(TEXT);
        append("abcdef");
        fork("s", "fork", 0, 6, bytes("!"));
        Place place = place("fork", 2);
        long source = id("s");
        assertThat(pinWith(place, new Inherited.Unknown())).isEqualTo(new StreamOutcome.EntryNeeded());
        assertThat(pinWith(place, new Inherited.Until(id("fork"), 2, 6)))
                .as("of another stream")
                .isEqualTo(new StreamOutcome.EntryNeeded());
        assertThat(pinWith(place, new Inherited.Until(source, 1, 6)))
                .as("of another place")
                .isEqualTo(new StreamOutcome.EntryNeeded());
        assertThat(pinWith(place, new Inherited.Until(source, 2, 3))).isEqualTo(new BeyondEntry());
        assertThat(pinWith(place, streams.inherited("fork", place))).isInstanceOf(PinGranted.class);
        assertThat(pinWith(place, null)).as("a command of format 1").isInstanceOf(PinGranted.class);
        assertThat(streams.inherited("fork", place("fork", 6)))
                .as("an entry of its own")
                .isEqualTo(new Inherited.Unknown());
    }

    private StreamOutcome pinWith(@Nullable Place place, @Nullable Inherited fact) {
        return apply(new Pin("fork", now, "pin", "grandchild", place, 2, fact));
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
                .isEqualTo(new Appended(id("fork"), 2, false, 0, 0));
        assertThat(content("fork")).isEqualTo("a|b");
        assertThat(content("s")).isEqualTo("a");
    }

    @Test
    void aForkHasTheTypeOfItsSource() {
        create(JSON);
        Pinned pin = ((PinGranted) pin("s", "pin", NONE, 0)).pin();
        Fork fork = new Fork("s", null, 0, pin);
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
        Pinned pin = new Pinned("pin", 3, TEXT, NONE, NONE, source, List.of(new Span(source, "s".hashCode(), 0, 3)));
        Place inherited = new Place.Named(source, "s".hashCode(), 1);
        List<StreamOutcome> outcomes = applyTogether(List.of(
                new Create("s", now, TEXT, NONE, NONE, false, bytes("abcd"), null),
                new Pin("s", now, "pin", "fork", new Place.Start(), 3),
                create(null, NONE, NONE, false, new Fork("s", new Place.Start(), 3, pin)),
                new Pin("fork", now, "other pin", "grandchild", inherited, 2),
                new Pin("fork", now, "third pin", "grandchild", inherited, 3)));
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
