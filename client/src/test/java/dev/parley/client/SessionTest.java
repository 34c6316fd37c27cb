package dev.parley.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Flow;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** What is published in a session is delivered, stored, changed and refused. */
@ExtendWith(SharedServer.class)
class SessionTest {
    private final TestServer server;

    SessionTest(TestServer server) {
        this.server = server;
    }

    @Test
    void deliversWhatIsPublishedInOrder() throws Exception {
        try (ParleyClient client = server.client()) {
            Session session = client.session("s");
            List<Message> delivered = new CopyOnWriteArrayList<>();
            session.onMessage(delivered::add);
            session.attach();
            List<String> serials = session.publish(NewMessage.of("a", "one"), NewMessage.of("a", "two"));
            serials = new ArrayList<>(serials);
            serials.add(session.publish("a", "three"));

            await().until(() -> delivered.size() == 3);
            assertThat(delivered).extracting(Message::text).containsExactly("one", "two", "three");
            assertThat(delivered).extracting(Message::serial).containsExactlyElementsOf(serials);
            assertThat(delivered.get(0).clientId()).isEqualTo("tester");
            assertThat(delivered.get(0).action()).isEqualTo(Message.Action.CREATE);
            assertThat(session.state()).isEqualTo(Session.State.ATTACHED);
        }
    }

    @Test
    void carriesTextBytesJsonAndExtras() throws Exception {
        try (ParleyClient client = server.client()) {
            Session session = client.session("kinds of data [1]/ä");
            List<Message> delivered = new CopyOnWriteArrayList<>();
            session.onMessage(delivered::add);
            session.attach();
            byte[] bytes = {0, -1, 127, 10};
            var json = Wire.object().put("k", 1.5).put("t", "\u2028\ud83d\ude00");
            var extras = Wire.object();
            extras.putObject("headers").put("h", "v");
            session.publish(
                    NewMessage.of("text", "\ud83d\ude00\n\u0000"),
                    NewMessage.of("bytes", Data.of(bytes)),
                    NewMessage.of("json", Data.of(json)).withExtras(extras),
                    NewMessage.of("nothing", (Data) null));

            await().until(() -> delivered.size() == 4);
            List<Message> stored = session.history(HistoryQuery.FORWARDS).items();
            for (List<Message> messages : List.of(delivered, stored)) {
                assertThat(messages)
                        .extracting(Message::data)
                        .containsExactly(Data.of("\ud83d\ude00\n\u0000"), Data.of(bytes), Data.of(json), null);
                assertThat(messages.get(2).extras()).isEqualTo(extras);
            }
        }
    }

    @Test
    void appendsUpdatesAndDeletes() throws Exception {
        try (ParleyClient client = server.client()) {
            Session session = client.session("growing");
            List<Message> delivered = new CopyOnWriteArrayList<>();
            session.onMessage(delivered::add);
            session.attach();
            String serial = session.publish("answer", "A");
            List<CompletableFuture<?>> appends = new ArrayList<>();
            for (String token : List.of("B", "C", "D")) {
                appends.add(session.appendAsync(serial, NewMessage.of(null, token)));
            }
            CompletableFuture.allOf(appends.toArray(CompletableFuture[]::new)).join();
            assertThat(session.message(serial).text()).isEqualTo("ABCD");

            String version = session.update(serial, NewMessage.of(null, "new"), new Operation(null, "typo", null));
            Message updated = session.message(serial);
            assertThat(updated.text()).isEqualTo("new");
            assertThat(updated.versionSerial()).isEqualTo(version);
            assertThat(updated.version())
                    .isNotNull()
                    .extracting(Version::description)
                    .isEqualTo("typo");
            session.delete(serial, Operation.NONE);
            await().until(() -> delivered.get(delivered.size() - 1).action() == Message.Action.DELETE);
            assertThat(grown(delivered)).isEqualTo("ABCD");
            assertThat(session.versions(serial).items()).hasSizeGreaterThanOrEqualTo(3);
        }
    }

    /** The text of the message before it was updated. */
    private static String grown(List<Message> deliveries) {
        StringBuilder text = new StringBuilder();
        for (Message delivery : deliveries) {
            if (delivery.action() == Message.Action.APPEND || delivery.action() == Message.Action.CREATE) {
                text.append(delivery.text());
            }
        }
        return text.toString();
    }

    @Test
    void pagesTheHistoryUpToTheAttachPoint() throws Exception {
        try (ParleyClient client = server.client()) {
            Session session = client.session("paged");
            IntStream.range(0, 25).forEach(i -> session.publish("n", Integer.toString(i)));
            List<Message> live = new CopyOnWriteArrayList<>();
            session.onMessage(live::add);
            session.attach();
            IntStream.range(25, 30).forEach(i -> session.publish("n", Integer.toString(i)));
            await().until(() -> live.size() == 5);

            List<String> before = new ArrayList<>();
            Page<Message> page =
                    session.history(HistoryQuery.FORWARDS.withLimit(10).upToAttach());
            while (page != null) {
                page.items().forEach(message -> before.add(String.valueOf(message.text())));
                page = page.next();
            }
            assertThat(before)
                    .containsExactlyElementsOf(
                            IntStream.range(0, 25).mapToObj(Integer::toString).toList());
            assertThat(session.history().items().get(0).text()).isEqualTo("29");
        }
    }

    @Test
    void rewindsAndContinuesAtAPosition() throws Exception {
        try (ParleyClient client = server.client()) {
            Session first = client.session("places");
            first.attach();
            IntStream.range(0, 5).forEach(i -> first.publish("n", Integer.toString(i)));
            List<String> rewound = new CopyOnWriteArrayList<>();
            ClientOptions options = client.options();
            try (ParleyClient late = ParleyClient.of(options)) {
                Session session = late.session("places", SessionOptions.DEFAULT.withRewind(2));
                session.onMessage(message -> rewound.add(String.valueOf(message.text())));
                session.attach();
                await().until(() -> rewound.size() == 2);
                assertThat(rewound).containsExactly("3", "4");
            }
            String fifth = first.publish("n", "5");
            await().until(() -> fifth.equals(first.position()));
            String place = first.position();
            first.publish("n", "6");
            List<String> continued = new CopyOnWriteArrayList<>();
            try (ParleyClient other = ParleyClient.of(options)) {
                Session session = other.session("places", SessionOptions.DEFAULT.withFrom(place));
                session.onMessage(message -> continued.add(String.valueOf(message.text())));
                session.attach();
                session.publish("n", "7");
                await().until(() -> continued.contains("7"));
                assertThat(continued).endsWith("6", "7").doesNotContain("4");
            }
        }
    }

    @Test
    void publishesAMessageWithAnIdOnce() throws Exception {
        try (ParleyClient client = server.client()) {
            Session session = client.session("ids");
            NewMessage message = NewMessage.of("n", "once").withId("mine:0");
            assertThat(session.publish(message)).isEqualTo(session.publish(message));
            assertThat(session.history().items()).hasSize(1);
        }
    }

    @Test
    void refusalsSayWhatIsWrongAndWhetherToTryAgain() throws Exception {
        try (ParleyClient client = server.client()) {
            Session session = client.session("refusals");
            assertThatThrownBy(() -> session.publish("big", "x".repeat(70_000)))
                    .isInstanceOfSatisfying(ParleyException.Refused.class, refused -> {
                        assertThat(refused.code()).isEqualTo(40009);
                        assertThat(refused.statusCode()).isEqualTo(413);
                        assertThat(refused.retryHelps()).isFalse();
                    });
            assertThatThrownBy(() -> session.message("00000000000001-0000001"))
                    .isInstanceOfSatisfying(
                            ParleyException.Refused.class,
                            refused -> assertThat(refused.statusCode()).isEqualTo(404));
            assertThat(session.publish("small", "x")).isNotEmpty();

            String token = client.requestToken(
                    "reader",
                    null,
                    Wire.object().set("refusals", Wire.MAPPER.createArrayNode().add("subscribe")));
            ClientOptions.Builder options = ClientOptions.builder(server.uri()).credentials(Credentials.token(token));
            try (ParleyClient reader = ParleyClient.of(options.build())) {
                assertThatThrownBy(() -> reader.session("refusals").publish("a", "b"))
                        .isInstanceOfSatisfying(
                                ParleyException.AccessDenied.class,
                                denied -> assertThat(denied.code()).isEqualTo(40160));
                assertThatThrownBy(() -> reader.session("others").attach())
                        .isInstanceOf(ParleyException.AccessDenied.class);
                assertThat(reader.session("others").state()).isEqualTo(Session.State.FAILED);
                reader.session("refusals").attach();
            }
        }
    }

    @Test
    void subscribersGetWhatTheyRequestAndNoMore() throws Exception {
        var subscriber = new Counting();
        try (ParleyClient client = server.client()) {
            Session session = client.session("flow");
            session.events().subscribe(subscriber);
            session.attach();
            IntStream.range(0, 10).forEach(i -> session.publish("n", Integer.toString(i)));
            await().until(() -> session.attachment().inbox().size() == 10);
            assertThat(subscriber.texts).isEmpty();
            subscriber.request(3);
            await().until(() -> session.attachment().inbox().size() == 7);
            assertThat(subscriber.texts).containsExactly("0", "1", "2");
            subscriber.request(Long.MAX_VALUE);
            await().until(() -> subscriber.texts.size() == 10);
        }
        await().until(() -> subscriber.completed);
    }

    private static final class Counting implements Flow.Subscriber<SessionEvent> {
        final List<String> texts = new CopyOnWriteArrayList<>();
        volatile boolean completed;
        private volatile Flow.@Nullable Subscription subscription;

        void request(long count) {
            var current = subscription;
            if (current != null) {
                current.request(count);
            }
        }

        @Override
        public void onSubscribe(Flow.Subscription given) {
            subscription = given;
        }

        @Override
        public void onNext(SessionEvent event) {
            if (event instanceof Message message) {
                texts.add(String.valueOf(message.text()));
            }
        }

        @Override
        public void onError(Throwable error) {
            throw new AssertionError(error);
        }

        @Override
        public void onComplete() {
            completed = true;
        }
    }

    @Test
    void aListenerThatFailsDoesNotStopTheSession() throws Exception {
        try (ParleyClient client = server.client()) {
            Session session = client.session("failing");
            List<String> texts = new CopyOnWriteArrayList<>();
            try (Registration failing = session.onMessage(message -> {
                throw new IllegalStateException("as the test wants it");
            })) {
                session.onMessage(message -> texts.add(String.valueOf(message.text())));
                session.attach();
                session.publish("n", "a");
                await().until(() -> texts.equals(List.of("a")));
                assertThat(failing).isNotNull();
            }
        }
    }

    @Test
    void detachesAndAttachesAgain() throws Exception {
        try (ParleyClient client = server.client()) {
            Session session = client.session("again");
            List<String> texts = new CopyOnWriteArrayList<>();
            session.onMessage(message -> texts.add(String.valueOf(message.text())));
            session.attach();
            session.publish("n", "a");
            await().until(() -> texts.contains("a"));
            session.detach();
            session.publish("n", "b");
            session.attach();
            session.publish("n", "c");
            await().until(() -> texts.contains("c"));
            assertThat(texts).containsExactly("a", "c");
        }
    }

    @Test
    void whoAttachesWhileTheSessionIsBeingDetachedIsAttachedInTheEnd() throws Exception {
        try (ParleyClient client = server.client()) {
            Session session = client.session("detached-and-attached");
            session.attach();
            var gone = session.detachAsync();
            session.attach();
            gone.join();
            assertThat(session.state()).isEqualTo(Session.State.ATTACHED);
        }
    }
}
