package dev.parley.examples;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.parley.client.Message;
import dev.parley.client.Operation;
import dev.parley.client.ParleyClient;
import dev.parley.client.ParleyException;
import dev.parley.client.Session;
import dev.parley.client.SessionEvent;
import dev.parley.client.SharedServer;
import dev.parley.client.TestServer;
import io.ably.lib.realtime.AblyRealtime;
import io.ably.lib.realtime.ConnectionState;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** The examples of sessions and streams do what docs/java.md says, with a real server. */
@ExtendWith(SharedServer.class)
class ClientExamplesTest {
    private final TestServer server;

    ClientExamplesTest(TestServer server) {
        this.server = server;
    }

    private static List<String> texts(List<Message> messages) {
        return messages.stream()
                .map(message -> Objects.requireNonNull(message.text()))
                .toList();
    }

    @Test
    void aMessageGrows() throws Exception {
        String key = server.newKey();
        assertThat(Printed.by(() -> FirstConnection.main(server.uri().toString(), key)))
                .isEqualTo("Once upon a time\n");
    }

    @Test
    void aTokenIsForOneSession() throws Exception {
        try (Scene scene = new Scene(server);
                ParleyClient ann = Tokens.connect(server.uri(), () -> Tokens.issue(scene.client("backend"), "ann"))) {
            ann.session("trip").publish("hello", "Hello");
            assertThat(ann.connection().clientId()).isEqualTo("ann");
            assertThatThrownBy(() -> ann.session("other").publish("hello", "Hello"))
                    .isInstanceOf(ParleyException.AccessDenied.class);
        }
    }

    @Test
    void whatIsStoredAndWhatComesIsOneSequence() throws Exception {
        try (Scene scene = new Scene(server)) {
            Session writer = scene.client("writer").session("trip");
            IntStream.range(0, 3).forEach(i -> writer.publish("n", "old " + i));
            List<Message> seen = new CopyOnWriteArrayList<>();
            Session session = Following.tail(scene.client("ann"), seen::add);
            writer.publish("n", "new");
            await().until(() -> seen.size() == 4);
            assertThat(texts(seen)).containsExactly("old 0", "old 1", "old 2", "new");

            List<Message> stored = new CopyOnWriteArrayList<>();
            Following.all(session, stored::add);
            assertThat(texts(stored)).containsExactly("old 0", "old 1", "old 2");
            assertThat(Printed.by(() -> Following.listenFor(session, () -> {
                        // Listeners are called in the order in which they were added.
                        var afterwards = new CountDownLatch(1);
                        session.onMessage(message -> afterwards.countDown());
                        writer.publish("n", "printed");
                        await().until(() -> afterwards.getCount() == 0);
                    })))
                    .isEqualTo("printed\n");
        }
    }

    @Test
    void anotherProcessGoesOn() throws Exception {
        try (Scene scene = new Scene(server)) {
            Session writer = scene.client("writer").session("trip");
            List<Message> first = new CopyOnWriteArrayList<>();
            Session session = Following.goOn(scene.client("ann"), null, first::add);
            String one = writer.publish("n", "one");
            await().until(() -> one.equals(session.position()));
            assertThat(texts(first)).containsExactly("one");
            String position = session.position();
            writer.publish("n", "two");

            List<Message> second = new CopyOnWriteArrayList<>();
            Following.goOn(scene.client("ann"), position, second::add);
            writer.publish("n", "three");
            await().until(() -> second.size() == 2);
            assertThat(texts(second)).containsExactly("two", "three");
        }
    }

    @Test
    void aSubscriberTakesOneEventAtATime() throws Exception {
        try (Scene scene = new Scene(server)) {
            Session writer = scene.client("writer").session("trip");
            Session session = scene.client("ann").session("trip");
            List<SessionEvent> seen = new CopyOnWriteArrayList<>();
            session.events().subscribe(new Following.OneByOne(seen::add));
            session.attach();
            IntStream.range(0, 10).forEach(i -> writer.publish("n", "text " + i));
            await().until(() -> seen.size() == 10);
            assertThat(seen).allMatch(Message.class::isInstance);
        }
    }

    @Test
    void aStreamIsReadToItsEnd() throws Exception {
        try (Scene scene = new Scene(server)) {
            StreamsDoor.write(scene.client("writer"));
            assertThat(StreamsDoor.read(scene.client("reader"))).isEqualTo("compiling\ntesting\n");
        }
    }

    @Test
    void whatIsRefusedIsNotTriedAgain() throws Exception {
        try (Scene scene = new Scene(server)) {
            Session session = scene.client("writer").session("trip");
            String serial = session.publish("answer", "Once");
            assertThat(Errors.append(session, serial, " upon")).isTrue();
            assertThat(session.message(serial).text()).isEqualTo("Once upon");
            session.delete(serial, Operation.NONE);
            assertThatThrownBy(() -> Errors.append(session, serial, " a time"))
                    .isInstanceOf(ParleyException.AccessDenied.class);
        }
    }

    @Test
    void ablysClientConnects() throws Exception {
        AblyRealtime client = AblyClient.connect("127.0.0.1", server.port(), server.newKey());
        try {
            await().until(() -> client.connection.state == ConnectionState.connected);
        } finally {
            client.close();
        }
    }
}
