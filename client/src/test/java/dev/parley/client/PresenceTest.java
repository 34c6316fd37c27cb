package dev.parley.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** Who is there: members come, change, go, and come back after a loss. */
@ExtendWith(SharedServer.class)
class PresenceTest {
    private final TestServer server;

    PresenceTest(TestServer server) {
        this.server = server;
    }

    private static List<String> seen(List<PresenceEvent> events) {
        return events.stream()
                .map(event -> event.action() + " " + event.clientId() + " " + event.text())
                .toList();
    }

    @Test
    void membersEnterUpdateAndLeave() throws Exception {
        String key = server.newKey();
        ClientOptions.Builder options = TestServer.options(server.uri(), key);
        try (ParleyClient ada = ParleyClient.of(options.clientId("ada").build());
                ParleyClient bob = ParleyClient.of(options.clientId("bob").build())) {
            ada.session("room").attach();
            ada.session("room").presence().enter(Data.of("early"));
            List<PresenceEvent> events = new CopyOnWriteArrayList<>();
            Session room = bob.session("room");
            room.presence().onChange(events::add);
            room.attach();
            assertThat(seen(room.presence().get())).containsExactly("PRESENT ada early");
            await().until(() -> seen(events).equals(List.of("PRESENT ada early")));

            ada.session("room").presence().update(Data.of("busy"));
            room.presence().enter(null);
            ada.session("room").presence().leave();
            await().until(() -> events.size() == 4);
            assertThat(seen(events))
                    .containsExactly("PRESENT ada early", "UPDATE ada busy", "ENTER bob null", "LEAVE ada null");
            assertThat(room.presence().get())
                    .extracting(PresenceEvent::clientId)
                    .containsExactly("bob");
            assertThat(ada.session("elsewhere").presence().get()).isEmpty();
            assertThat(ada.session("room").presence().history().items()).hasSize(4);
        }
    }

    @Test
    void aMemberEntersAgainThatWasGoneForTooLong() throws Exception {
        String key = server.newKey();
        try (var proxy = new CuttingProxy(server);
                ParleyClient watcher = ParleyClient.of(TestServer.options(server.uri(), key)
                        .clientId("watcher")
                        .build());
                ParleyClient member = ParleyClient.of(TestServer.options(proxy.uri(), key)
                        .clientId("ada")
                        .presenceGrace(Duration.ofMillis(300))
                        .build())) {
            List<PresenceEvent> events = new CopyOnWriteArrayList<>();
            watcher.session("room").presence().onChange(events::add);
            watcher.session("room").attach();
            member.session("room").attach();
            member.session("room").presence().enter(Data.of("first"));
            member.session("room").presence().update(Data.of("here"));
            await().until(() -> events.size() == 2);

            proxy.down();
            await().atMost(Duration.ofSeconds(30)).until(() -> seen(events).contains("LEAVE ada here"));
            proxy.up();
            await().atMost(Duration.ofSeconds(30)).until(() -> seen(events).contains("ENTER ada here"));
            await().until(() -> seen(watcher.session("room").presence().get()).equals(List.of("PRESENT ada here")));
        }
    }

    @Test
    void aMemberThatIsBackInTimeHasNeverBeenAway() throws Exception {
        String key = server.newKey();
        try (var proxy = new CuttingProxy(server);
                ParleyClient watcher = ParleyClient.of(TestServer.options(server.uri(), key)
                        .clientId("watcher")
                        .build());
                ParleyClient member = ParleyClient.of(
                        TestServer.options(proxy.uri(), key).clientId("ada").build())) {
            List<PresenceEvent> events = new CopyOnWriteArrayList<>();
            watcher.session("room").presence().onChange(events::add);
            watcher.session("room").attach();
            member.session("room").attach();
            member.session("room").presence().enter(Data.of("here"));
            proxy.cut();
            member.session("room").publish("n", "back");
            member.session("room").presence().update(Data.of("still here"));
            await().until(() -> events.size() == 2);
            assertThat(seen(events)).containsExactly("ENTER ada here", "UPDATE ada still here");
        }
    }
}
