package dev.parley.server.realtime;

import static dev.parley.server.realtime.RealtimeClient.ACK;
import static dev.parley.server.realtime.RealtimeClient.ATTACHED;
import static dev.parley.server.realtime.RealtimeClient.CLOSED;
import static dev.parley.server.realtime.RealtimeClient.DETACHED;
import static dev.parley.server.realtime.RealtimeClient.MESSAGE;
import static dev.parley.server.realtime.RealtimeClient.NACK;
import static dev.parley.server.realtime.RealtimeClient.PRESENCE;
import static dev.parley.server.realtime.RealtimeClient.SYNC;
import static dev.parley.server.realtime.RealtimeServer.WITH_KEY;
import static org.assertj.core.api.Assertions.assertThat;

import dev.parley.server.wire.Flags;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/** What a client is sent when it attaches, and in which order. */
@Timeout(120)
class AttachTest {
    private static final String ENTER = "2";
    private static final String LEAVE = "3";

    @TempDir
    private Path folder;

    private RealtimeServer server() throws IOException {
        return new RealtimeServer(folder, Map.of());
    }

    private static RealtimeClient connect(RealtimeServer server, String clientId) throws InterruptedException {
        return server.connected(WITH_KEY + "&clientId=" + clientId);
    }

    private static JsonNode attach(RealtimeClient client, String details) throws InterruptedException {
        client.send("{'action':10,'channel':'c'" + details + "}");
        return client.next(ATTACHED);
    }

    private static void presence(RealtimeClient client, int msgSerial, String action, String data)
            throws InterruptedException {
        client.send("{'action':14,'channel':'c','msgSerial':%d,'presence':[{'action':%s,'data':'%s'}]}"
                .formatted(msgSerial, action, data));
        client.next(ACK);
    }

    private static boolean has(JsonNode attached, long flag) {
        return (attached.path("flags").longValue() & flag) != 0;
    }

    private static List<String> events(JsonNode frame) {
        List<String> events = new ArrayList<>();
        frame.path("presence")
                .forEach(event -> events.add(event.path("clientId").stringValue() + " "
                        + event.path("action").intValue()));
        return events;
    }

    /** Else clients take no notice of the events: they know the outcome already, and nobody hears of them. */
    @Test
    void whatWasMissedComesBeforeTheMembers() throws Exception {
        try (var server = server()) {
            var bob = connect(server, "bob");
            presence(bob, 0, ENTER, "");
            var watcher = connect(server, "watcher");
            String place = attach(watcher, "").path("channelSerial").stringValue();
            watcher.next(SYNC);
            watcher.cut();
            var ann = connect(server, "ann");
            presence(ann, 0, ENTER, "");
            presence(bob, 1, LEAVE, "");

            var back = connect(server, "watcher");
            JsonNode attached = attach(back, ",'channelSerial':'" + place + "'");

            assertThat(has(attached, Flags.RESUMED)).isTrue();
            assertThat(has(attached, Flags.HAS_PRESENCE)).isTrue();
            JsonNode missed = back.next();
            assertThat(missed.path("action").intValue()).isEqualTo(PRESENCE);
            assertThat(events(missed)).containsExactly("ann 2", "bob 3");
            JsonNode sync = back.next();
            assertThat(sync.path("action").intValue()).isEqualTo(SYNC);
            assertThat(events(sync)).containsExactly("ann 1");
            assertThat(sync.path("channelSerial").stringValue()).endsWith(":");
        }
    }

    /** A client that is told of no members takes the set for complete at once, and knows nobody until the rest comes. */
    @Test
    void whoMissedThatAllHaveLeftIsToldSoBeforeTheEmptySet() throws Exception {
        try (var server = server()) {
            var bob = connect(server, "bob");
            presence(bob, 0, ENTER, "");
            var watcher = connect(server, "watcher");
            String place = attach(watcher, "").path("channelSerial").stringValue();
            watcher.next(SYNC);
            watcher.cut();
            presence(bob, 1, LEAVE, "");

            var back = connect(server, "watcher");
            JsonNode attached = attach(back, ",'channelSerial':'" + place + "'");

            assertThat(has(attached, Flags.HAS_PRESENCE)).isTrue();
            assertThat(events(back.next())).containsExactly("bob 3");
            JsonNode sync = back.next();
            assertThat(sync.path("action").intValue()).isEqualTo(SYNC);
            assertThat(sync.path("presence")).isEmpty();
        }
    }

    @Test
    void manyLargeMembersComeInManyFrames() throws Exception {
        try (var server = server()) {
            int count = 20;
            for (int i = 0; i < count; i++) {
                presence(connect(server, "client%02d".formatted(i)), 0, ENTER, "d".repeat(30_000));
            }
            var watcher = connect(server, "watcher");
            attach(watcher, "");

            List<String> members = new ArrayList<>();
            JsonNode sync;
            do {
                sync = watcher.next(SYNC);
                assertThat(sync.path("presence")).hasSizeBetween(1, 2);
                members.addAll(events(sync));
            } while (!sync.path("channelSerial").stringValue().endsWith(":"));
            assertThat(members).hasSize(count).doesNotHaveDuplicates();
        }
    }

    @ParameterizedTest
    @CsvSource({"100,100,false", "101,100,true", "2m,100,true", "50,50,false", "1,1,false"})
    void aRewindThatEndsAtItsLimitSaysSo(String rewind, int expected, boolean cut) throws Exception {
        try (var server = server()) {
            var writer = connect(server, "writer");
            int count = 110;
            for (int i = 0; i < count; i++) {
                writer.send("{'action':15,'channel':'c','msgSerial':%d,'messages':[{'data':'%d'}]}".formatted(i, i));
            }
            for (int acked = 0; acked < count; ) {
                acked += writer.next(ACK).path("count").intValue();
            }
            var reader = connect(server, "reader");

            JsonNode attached = attach(reader, ",'params':{'rewind':'" + rewind + "'}");

            assertThat(has(attached, Flags.HAS_BACKLOG)).isTrue();
            assertThat(attached.path("error").path("code").asInt(0)).isEqualTo(cut ? 90005 : 0);
            assertThat(messages(reader, expected))
                    .containsExactlyElementsOf(IntStream.range(count - expected, count)
                            .mapToObj(Integer::toString)
                            .toList());
        }
    }

    private static List<String> messages(RealtimeClient reader, int count) throws InterruptedException {
        List<String> found = new ArrayList<>();
        while (found.size() < count) {
            reader.next(MESSAGE)
                    .path("messages")
                    .forEach(message -> found.add(message.path("data").stringValue()));
        }
        return found;
    }

    @Test
    void aRewindThatHasTooManyBytesEndsBeforeAndSaysSo() throws Exception {
        try (var server = new RealtimeServer(folder, Map.of("realtime.message-bytes", "262144"))) {
            var writer = connect(server, "writer");
            int count = 45;
            for (int i = 0; i < count; i++) {
                writer.send("{'action':15,'channel':'c','msgSerial':%d,'messages':[{'data':'%d %s'}]}"
                        .formatted(i, i, "d".repeat(200_000)));
            }
            for (int acked = 0; acked < count; ) {
                acked += writer.next(ACK).path("count").intValue();
            }
            var reader = connect(server, "reader");

            JsonNode attached = attach(reader, ",'params':{'rewind':'100'}");

            assertThat(attached.path("error").path("code").intValue()).isEqualTo(90005);
            int first = firstNumberOf(messages(reader, 1).getFirst());
            assertThat(first).isBetween(1, 10);
            assertThat(messages(reader, count - 1 - first)).hasSize(count - 1 - first);
        }
    }

    /** The number that a text begins with. */
    private static int firstNumberOf(String text) {
        return Integer.parseInt(text.substring(0, text.indexOf(' ')));
    }

    /** Clients publish without waiting for ATTACHED, and expect to hear of it. */
    @Test
    void whatIsPublishedBehindAnAttachComesBehindTheAttachPoint() throws Exception {
        try (var server = server()) {
            for (int round = 0; round < 4; round++) {
                var client = connect(server, "ann");
                for (int i = 0; i < 100; i++) {
                    client.send("{'action':10,'channel':'c%d'}".formatted(i));
                    client.send("{'action':15,'channel':'c%d','msgSerial':%d,'messages':[{'data':'%d'}]}"
                            .formatted(i, i, round));
                }
                List<String> heard = new ArrayList<>();
                long acknowledged = 0;
                int attached = 0;
                while (acknowledged < 100 || attached < 100 || heard.size() < 100) {
                    JsonNode frame = client.next();
                    String channel = frame.path("channel").stringValue("");
                    switch (frame.path("action").intValue()) {
                        case ACK -> acknowledged += frame.path("count").intValue();
                        case ATTACHED -> attached++;
                        case MESSAGE -> heard.add(channel);
                        default -> {}
                    }
                }
                assertThat(heard).hasSize(100).doesNotHaveDuplicates();
                client.cut();
            }
        }
    }

    /** The same for the session that is attached under another name. */
    @Test
    void aChannelWithParametersHearsWhatIsPublishedBehindItsAttach() throws Exception {
        try (var server = server()) {
            var client = connect(server, "ann");
            for (int i = 0; i < 100; i++) {
                client.send("{'action':10,'channel':'[?appendMode=full]c%d'}".formatted(i));
                client.send("{'action':15,'channel':'c%d','msgSerial':%d,'messages':[{'data':'x'}]}".formatted(i, i));
            }
            for (int i = 0; i < 100; i++) {
                client.next(MESSAGE);
            }
        }
    }

    @Test
    void aModeThatIsNotWantedCountsForWhatComesBehindTheAttach() throws Exception {
        try (var server = server()) {
            var client = connect(server, "ann");
            client.send("{'action':10,'channel':'c','flags':%d}".formatted(Flags.SUBSCRIBE));
            client.send("{'action':15,'channel':'c','msgSerial':0,'messages':[{'data':'x'}]}");
            assertThat(client.next(NACK).path("error").path("code").intValue()).isEqualTo(40165);
        }
    }

    /** Its client may never hear of them, but what it has sent is done. */
    @Test
    void whatIsPublishedBetweenAttachAndCloseIsKept() throws Exception {
        try (var server = server()) {
            var client = connect(server, "ann");
            for (int i = 0; i < 50; i++) {
                client.send("{'action':10,'channel':'c%d'}".formatted(i));
                client.send("{'action':15,'channel':'c%d','msgSerial':%d,'messages':[{'data':'x'}]}".formatted(i, i));
            }
            client.send("{'action':7}");
            client.next(CLOSED);
            var later = connect(server, "bob");
            for (int i = 0; i < 50; i++) {
                later.send("{'action':10,'channel':'c%d','params':{'rewind':'1'}}".formatted(i));
                later.next(MESSAGE);
            }
        }
    }

    @Test
    void aClientThatDetachesAndAttachesAtOnceIsAttachedAgain() throws Exception {
        try (var server = server()) {
            var client = connect(server, "ann");
            attach(client, "");
            for (int i = 0; i < 50; i++) {
                presence(client, i, ENTER, "");
                client.send("{'action':12,'channel':'c'}");
                client.send("{'action':10,'channel':'c'}");
                client.next(DETACHED);
                client.next(ATTACHED);
            }
        }
    }

    /** Else the client knows the member from the set already, takes no notice of the event, and nobody hears of it. */
    @Test
    void whoEntersWhileTheMembersAreReadIsAnnouncedBeforeTheyAreSent() throws Exception {
        try (var server = server()) {
            var bob = connect(server, "bob");
            for (int i = 0; i < 100; i++) {
                bob.send("{'action':14,'channel':'c%d','msgSerial':%d,'presence':[{'action':2}]}".formatted(i, i));
            }
            for (long acknowledged = 0; acknowledged < 100; ) {
                acknowledged += bob.next(ACK).path("count").intValue();
            }
            var ann = connect(server, "ann");
            for (int i = 0; i < 100; i++) {
                ann.send("{'action':10,'channel':'c%d'}".formatted(i));
                ann.send("{'action':14,'channel':'c%d','msgSerial':%d,'presence':[{'action':2}]}".formatted(i, i));
            }
            Set<String> announced = new HashSet<>();
            Set<String> synced = new HashSet<>();
            while (announced.size() < 100 || synced.size() < 100) {
                JsonNode frame = ann.next();
                String channel = frame.path("channel").stringValue("");
                switch (frame.path("action").intValue()) {
                    case PRESENCE -> announced.add(channel);
                    case SYNC -> {
                        synced.add(channel);
                        assertThat(events(frame).contains("ann 1") && !announced.contains(channel))
                                .as("ann is a member before she has entered")
                                .isFalse();
                    }
                    default -> {}
                }
            }
        }
    }

    /** More than half of a page, so that each message comes in a frame of its own. */
    private static final String LARGE = "d".repeat(40_000);

    private static void publishLarge(RealtimeClient writer, int msgSerial, String name) throws InterruptedException {
        writer.send(("{'action':15,'channel':'c','msgSerial':%d,'messages':[{'name':'%s','data':'%d %s',"
                        + "'extras':{'ai':{'transport':{'input-codec-message-id':'input%d'}}}}]}")
                .formatted(msgSerial, name, msgSerial, LARGE, msgSerial));
        writer.next(ACK);
    }

    /**
     * Attaches, and is cut after so many frames of its backlog. Comes back at its place again and again, and is cut after
     * each frame, until the backlog and one later message have come.
     *
     * @return the numbers of the messages, as they came
     */
    private static List<Integer> cutAgainAndAgain(RealtimeServer server, String details, int before, Runnable away)
            throws InterruptedException {
        List<Integer> heard = new ArrayList<>();
        var client = connect(server, "reader");
        JsonNode frame = attach(client, details);
        assertThat(has(frame, Flags.HAS_BACKLOG)).isTrue();
        for (int i = 0; i < before; i++) {
            frame = client.next(MESSAGE);
            heard.add(numberOf(frame));
        }
        client.cut();
        away.run();
        String place = frame.path("channelSerial").stringValue();
        while (heard.isEmpty() || heard.getLast() != LAST) {
            client = connect(server, "reader");
            frame = attach(client, details + ",'channelSerial':'" + place + "'");
            assertThat(has(frame, Flags.RESUMED)).isTrue();
            assertThat(frame.path("channelSerial").stringValue()).startsWith(place.substring(0, ATTACH_POINT_CHARS));
            frame = client.next(MESSAGE);
            heard.add(numberOf(frame));
            place = frame.path("channelSerial").stringValue();
            client.cut();
        }
        // Whoever has everything is at a place like any other.
        assertThat(place).matches("[0-9]{14}-[0-9]{7}");
        return heard;
    }

    private static int numberOf(JsonNode frame) {
        assertThat(frame.path("messages")).hasSize(1);
        return firstNumberOf(frame.path("messages").path(0).path("data").stringValue());
    }

    private static final int ATTACH_POINT_CHARS = 22;

    /** The number of the message that is published while the client is away. */
    private static final int LAST = 5;

    private static Runnable publishLast(RealtimeClient writer) {
        return () -> {
            try {
                publishLarge(writer, LAST, "last");
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        };
    }

    /**
     * What a reader hears that is cut again and again within what it is sent when it attaches.
     *
     * @param cancels which of the messages before are cancels
     */
    private List<Integer> heard(Set<Integer> cancels, String details, int frames) throws Exception {
        try (var server = server()) {
            var writer = connect(server, "writer");
            for (int i = 0; i < LAST; i++) {
                publishLarge(writer, i, cancels.contains(i) ? "ai-cancel" : "message");
            }
            return cutAgainAndAgain(server, details, frames, publishLast(writer));
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2, 3, 4, 5})
    void whoIsCutWithinARewindGetsTheRest(int frames) throws Exception {
        assertThat(heard(Set.of(), ",'params':{'rewind':'5'}", frames)).containsExactly(0, 1, 2, 3, 4, LAST);
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2, 3, 4, 5})
    void whoIsCutWithinCancelsGetsTheRest(int frames) throws Exception {
        assertThat(heard(Set.of(0, 1, 2, 3, 4), "", frames)).containsExactly(0, 1, 2, 3, 4, LAST);
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2, 3, 4})
    void whoIsCutBetweenCancelsAndRewindGetsBoth(int frames) throws Exception {
        assertThat(heard(Set.of(0, 2, 4), ",'params':{'rewind':'2'}", frames)).containsExactly(0, 2, 3, 4, LAST);
    }

    /** The new token of a client makes the server attach it again, too. */
    @Test
    void whoAttachesAgainWithinARewindGetsTheRest() throws Exception {
        try (var server = server()) {
            var writer = connect(server, "writer");
            for (int i = 0; i < LAST; i++) {
                publishLarge(writer, i, "message");
            }
            var reader = connect(server, "reader");
            for (String params : List.of("'rewind':'5'", "'rewind':'5','appendMode':'full'", "'rewind':'5'")) {
                reader.send("{'action':10,'channel':'c','params':{%s}}".formatted(params));
            }
            for (int i = 0; i < LAST; i++) {
                assertThat(numberOf(reader.next(MESSAGE))).isEqualTo(i);
            }
        }
    }

    /** A place is only what a client says. */
    @Test
    void aPlaceThatNobodyHandedOutGivesNoMoreThanARewind() throws Exception {
        try (var server = server()) {
            var writer = connect(server, "writer");
            int count = 110;
            for (int i = 0; i < count; i++) {
                writer.send("{'action':15,'channel':'c','msgSerial':%d,'messages':[{'data':'%d'}]}".formatted(i, i));
            }
            for (int acked = 0; acked < count; ) {
                acked += writer.next(ACK).path("count").intValue();
            }
            String place = attach(writer, "").path("channelSerial").stringValue();
            var reader = connect(server, "reader");

            JsonNode attached = attach(reader, ",'channelSerial':'%sr00000000000000-0000000'".formatted(place));

            assertThat(attached.path("error").path("code").intValue()).isEqualTo(90005);
            assertThat(messages(reader, 100)).startsWith("10");

            var other = connect(server, "other");
            attached = attach(other, ",'channelSerial':'%sr%s1'".formatted(place, place));
            assertThat(attached.path("error").path("code").intValue()).isEqualTo(90003);
            assertThat(has(attached, Flags.RESUMED)).isFalse();
        }
    }
}
