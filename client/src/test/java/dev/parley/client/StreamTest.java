package dev.parley.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.net.ServerSocket;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executors;
import java.util.concurrent.Flow;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import tools.jackson.databind.JsonNode;

/** Streams are created, written by producers, read, followed, closed and deleted. */
@ExtendWith(SharedServer.class)
class StreamTest {
    private final TestServer server;

    StreamTest(TestServer server) {
        this.server = server;
    }

    private ParleyClient client() {
        return ParleyClient.of(ClientOptions.builder(server.uri()).build());
    }

    private static String freshPath() {
        return "test/" + UUID.randomUUID() + "/ä b";
    }

    private static JsonNode number(int n) {
        return Wire.object().put("n", n);
    }

    @Test
    void isCreatedWrittenReadClosedAndDeleted() {
        try (ParleyClient client = client()) {
            Stream stream = client.stream(freshPath());
            StreamInfo created = stream.create(StreamOptions.JSON.withLifetime(Duration.ofMinutes(5)));
            assertThat(stream.create(StreamOptions.JSON.withLifetime(Duration.ofMinutes(5))))
                    .isEqualTo(created);
            assertThatThrownBy(() -> stream.create(StreamOptions.TEXT))
                    .isInstanceOfSatisfying(ParleyException.Refused.class, refused -> {
                        assertThat(refused.statusCode()).isEqualTo(409);
                        assertThat(refused.reason()).isEqualTo("CONFIG_DIFFERS");
                        assertThat(refused.retryHelps()).isFalse();
                    });
            String middle = stream.append(number(1));
            stream.append(number(2));
            Chunk all = stream.read(Stream.START);
            assertThat(all.messages()).containsExactly(number(1), number(2));
            assertThat(all.upToDate()).isTrue();
            assertThat(stream.read(middle).messages()).containsExactly(number(2));
            assertThat(stream.info().tail()).isEqualTo(all.next());
            stream.close();
            assertThat(stream.info().closed()).isTrue();
            assertThat(stream.read(Stream.START).ended()).isTrue();
            assertThatThrownBy(() -> stream.append(number(3)))
                    .isInstanceOfSatisfying(
                            ParleyException.Refused.class,
                            refused -> assertThat(refused.reason()).isEqualTo("STREAM_CLOSED"));
            assertThat(stream.delete()).isTrue();
            assertThat(stream.delete()).isFalse();
            assertThatThrownBy(stream::info).isInstanceOf(ParleyException.Refused.class);
        }
    }

    @Test
    void aReaderFollowsUntilTheStreamIsClosed() throws Exception {
        try (ParleyClient client = client();
                var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            Stream stream = client.stream(freshPath());
            stream.create(StreamOptions.TEXT);
            Producer producer = stream.producer("writer");
            producer.append("before ");
            var following = threads.submit(() -> {
                StringBuilder text = new StringBuilder();
                StreamReader reader = stream.follow(Stream.START);
                for (Chunk chunk = reader.next(); chunk != null; chunk = reader.next()) {
                    text.append(chunk.text());
                }
                return text.toString();
            });
            for (int i = 0; i < 20; i++) {
                producer.append(i + " ");
            }
            producer.appendAndClose(StreamOptions.TEXT.contentType(), Stream.bytes("end"));
            assertThat(following.get()).startsWith("before 0 1 ").endsWith(" 19 end");
        }
    }

    @Test
    void aSubscriberGetsChunksAndTheEnd() throws Exception {
        try (ParleyClient client = client()) {
            Stream stream = client.stream(freshPath());
            stream.create(StreamOptions.JSON);
            List<JsonNode> messages = new CopyOnWriteArrayList<>();
            var ended = new CompletableFuture<Boolean>();
            stream.chunks(Stream.START).subscribe(new Flow.Subscriber<>() {
                private Flow.Subscription subscription = new NoSubscription();

                @Override
                public void onSubscribe(Flow.Subscription given) {
                    subscription = given;
                    given.request(1);
                }

                @Override
                public void onNext(Chunk chunk) {
                    messages.addAll(chunk.messages());
                    subscription.request(1);
                }

                @Override
                public void onError(Throwable error) {
                    ended.completeExceptionally(error);
                }

                @Override
                public void onComplete() {
                    ended.complete(true);
                }
            });
            IntStream.range(0, 50).forEach(i -> stream.append(number(i)));
            stream.close();
            assertThat(ended.get()).isTrue();
            assertThat(messages)
                    .containsExactlyElementsOf(
                            IntStream.range(0, 50).mapToObj(StreamTest::number).toList());
        }
    }

    private static final class NoSubscription implements Flow.Subscription {
        @Override
        public void request(long count) {
            throw new IllegalStateException("there is no subscription yet");
        }

        @Override
        public void cancel() {
            throw new IllegalStateException("there is no subscription yet");
        }
    }

    @Test
    void aProducersRetryHasOneEffect() throws Exception {
        try (var proxy = new CuttingProxy(server);
                ParleyClient direct = client();
                ParleyClient cut =
                        ParleyClient.of(ClientOptions.builder(proxy.uri()).build());
                var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            String path = freshPath();
            direct.stream(path).create(StreamOptions.JSON);
            Producer producer = cut.stream(path).producer("writer");
            producer.append(number(0));
            List<JsonNode> expected = new ArrayList<>(List.of(number(0)));
            for (int i = 1; i <= 5; i++) {
                int n = i;
                proxy.loseAnswers();
                var appending = threads.submit(() -> producer.append(number(n)));
                // It is stored, and the producer does not know; it tries again.
                await().until(() ->
                        direct.stream(path).read(Stream.START).messages().contains(number(n)));
                proxy.up();
                assertThat(appending.get()).isEqualTo(direct.stream(path).info().tail());
                expected.add(number(n));
            }
            assertThat(direct.stream(path).read(Stream.START).messages()).isEqualTo(expected);
        }
    }

    @Test
    void aNewProducerTakesOverFromAnEarlierOne() {
        try (ParleyClient client = client()) {
            Stream stream = client.stream(freshPath());
            stream.create(StreamOptions.JSON);
            Producer early = stream.producer("writer");
            early.append(number(1));
            Producer late = stream.producer("writer", early.epoch() + 1_000_000);
            late.append(number(2));
            assertThatThrownBy(() -> early.append(number(3)))
                    .isInstanceOfSatisfying(
                            ParleyException.AccessDenied.class,
                            denied -> assertThat(denied.reason()).isEqualTo("STALE_EPOCH"));
            // The clock of this process is behind that of the last one.
            Producer next = stream.producer("writer");
            next.append(number(4));
            assertThat(next.epoch()).isEqualTo(late.epoch() + 1);
            assertThat(stream.read(Stream.START).messages()).containsExactly(number(1), number(2), number(4));
        }
    }

    @Test
    void anAppendWithoutAProducerHasAnUnknownOutcomeIfTheAnswerIsLost() throws Exception {
        try (var proxy = new CuttingProxy(server);
                ParleyClient direct = client();
                ParleyClient cut =
                        ParleyClient.of(ClientOptions.builder(proxy.uri()).build())) {
            String path = freshPath();
            direct.stream(path).create(StreamOptions.JSON);
            proxy.loseAnswers();
            assertThatThrownBy(() -> cut.stream(path).append(number(1)))
                    .isInstanceOf(ParleyException.OutcomeUnknown.class);
        }
    }

    /** Otherwise the new data would be taken for a repetition of the data before. */
    @Test
    void anAppendThatFailedIsNotMistakenForAnotherInTheSameArray() throws Exception {
        int free;
        try (ServerSocket socket = new ServerSocket(0)) {
            free = socket.getLocalPort();
        }
        var options = ClientOptions.builder(URI.create("http://127.0.0.1:" + free))
                .requestTimeout(Duration.ofMillis(200))
                .build();
        try (ParleyClient client = ParleyClient.of(options)) {
            Producer producer = client.stream("s").producer("p");
            byte[] buffer = {1};
            assertThatThrownBy(() -> producer.append("application/octet-stream", buffer))
                    .isInstanceOf(ParleyException.class);
            assertThatThrownBy(() -> producer.appendAndClose("application/octet-stream", buffer))
                    .isInstanceOf(IllegalStateException.class);
            buffer[0] = 2;
            assertThatThrownBy(() -> producer.append("application/octet-stream", buffer))
                    .isInstanceOf(IllegalStateException.class);
        }
    }

    @Test
    void aSubscriberThatFailsIsToldAndGetsNoMore() {
        try (ParleyClient client = client()) {
            Stream stream = client.stream(freshPath());
            stream.create(StreamOptions.TEXT);
            stream.append(StreamOptions.TEXT.contentType(), new byte[] {'a'});
            CompletableFuture<Throwable> failure = new CompletableFuture<>();
            IllegalStateException error = new IllegalStateException("for the test");
            stream.chunks(Stream.START).subscribe(new Flow.Subscriber<>() {
                @Override
                public void onSubscribe(Flow.Subscription given) {
                    given.request(Long.MAX_VALUE);
                }

                @Override
                public void onNext(Chunk chunk) {
                    throw error;
                }

                @Override
                public void onError(Throwable why) {
                    failure.complete(why);
                }

                @Override
                public void onComplete() {
                    failure.completeExceptionally(new AssertionError("It has ended."));
                }
            });
            await().untilAsserted(() -> assertThat(failure).isCompletedWithValue(error));
        }
    }
}
