package dev.parley.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.parley.client.SessionOptions.Mode;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** Messages get reactions, and shared objects change. */
@ExtendWith(SharedServer.class)
class AnnotationsTest {
    private final TestServer server;

    AnnotationsTest(TestServer server) {
        this.server = server;
    }

    @Test
    void reactionsAreDeliveredListedAndSummedUp() throws Exception {
        try (ParleyClient client = server.client()) {
            Session session = client.session(
                    "reactions",
                    SessionOptions.DEFAULT.withModes(
                            Mode.PUBLISH, Mode.SUBSCRIBE, Mode.ANNOTATION_PUBLISH, Mode.ANNOTATION_SUBSCRIBE));
            List<Annotation> annotations = new CopyOnWriteArrayList<>();
            List<Message> messages = new CopyOnWriteArrayList<>();
            session.annotations().onChange(annotations::add);
            session.onMessage(messages::add);
            session.attach();
            String serial = session.publish("n", "a");
            NewAnnotation like = NewAnnotation.of("reactions:distinct.v1", "like");
            String annotation = session.annotations().publish(serial, like);
            assertThat(session.annotations().of(serial).items())
                    .extracting(Annotation::serial)
                    .containsExactly(annotation);
            await().until(() -> annotations.size() == 1 && messages.size() == 2);
            assertThat(messages.get(1).action()).isEqualTo(Message.Action.SUMMARY);
            assertThat(String.valueOf(messages.get(1).summary()))
                    .contains("\"like\"")
                    .contains("tester");
            session.annotations().delete(serial, like);
            await().until(() -> annotations.size() == 2);
            assertThat(annotations.get(1).action()).isEqualTo(Annotation.Action.DELETE);
            assertThat(annotations.get(1).name()).isEqualTo("like");
        }
    }

    @Test
    void objectsAreMadeSetCountedAndRead() throws Exception {
        try (ParleyClient client = server.client()) {
            Session session =
                    client.session("objects", SessionOptions.DEFAULT.withModes(Mode.OBJECT_SUBSCRIBE, Mode.SUBSCRIBE));
            List<ObjectChange> changes = new CopyOnWriteArrayList<>();
            session.objects().onChange(changes::add);
            session.attach();
            SharedObjects objects = session.objects();
            objects.set("", "title", Wire.MAPPER.valueToTree("Trip"));
            List<String> votes = new CopyOnWriteArrayList<>();
            objects.watch("votes", value -> votes.add(String.valueOf(value)));
            String counter = objects.createCounter("votes", 1);
            objects.increment("votes", 2);
            objects.createMap("places");
            objects.set("places", "first", Wire.object().put("city", "Oslo"));
            objects.set("places", "second", Wire.MAPPER.valueToTree(true));
            objects.remove("places", "second");

            assertThat(objects.get("title").asString()).isEqualTo("Trip");
            assertThat(objects.get("votes").asDouble()).isEqualTo(3);
            assertThat(objects.get("").path("places").has("second")).isFalse();
            await().until(() -> votes.get(votes.size() - 1).equals("3"));
            assertThat(votes).startsWith("null").isSubsetOf("null", "1", "3");
            await().until(() -> changes.stream().anyMatch(change -> change.action() == ObjectChange.Action.MAP_REMOVE));
            assertThat(changes)
                    .anySatisfy(change -> {
                        assertThat(change.objectId()).isEqualTo(counter);
                        assertThat(change.action()).isEqualTo(ObjectChange.Action.COUNTER_INC);
                        assertThat(change.amount()).isEqualTo(2);
                    })
                    .anySatisfy(change -> {
                        assertThat(change.key()).isEqualTo("title");
                        assertThat(String.valueOf(change.value())).contains("Trip");
                    });
        }
    }
}
