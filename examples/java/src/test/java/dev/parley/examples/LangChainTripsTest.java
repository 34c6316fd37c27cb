package dev.parley.examples;

import static org.assertj.core.api.Assertions.assertThat;

import dev.langchain4j.data.message.SystemMessage;
import dev.parley.client.SharedServer;
import dev.parley.client.TestServer;
import dev.parley.client.agent.ClientSession;
import dev.parley.client.agent.Sent;
import dev.parley.conversation.Node;
import dev.parley.conversation.RunStatus;
import dev.parley.langchain4j.testing.Answer;
import dev.parley.langchain4j.testing.ScriptedChatModel;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** The example with LangChain4j does what docs/java.md says, with a real server and a model that answers as it is told. */
@ExtendWith(SharedServer.class)
class LangChainTripsTest {
    private final TestServer server;

    LangChainTripsTest(TestServer server) {
        this.server = server;
    }

    @Test
    void aConnectionIsFoundAndBookedWhenAPersonApproves() throws Exception {
        // region model
        ScriptedChatModel model = ScriptedChatModel.of(
                Answer.begin().thinking("Which trains are there?").toolCall("c1", "find", "{\"city\":\"Bern\"}"),
                Answer.begin().text("I take the ", "first one.").toolCall("c2", "book", "{\"id\":\"8:04\"}"),
                Answer.begin().text("It is booked."));
        // endregion
        var shop = new Shop();
        try (Scene scene = new Scene(server);
                ClientSession ann = scene.person()) {
            scene.serve((client, shutdown) -> LangChainTrips.serve(client, model, shop, shutdown));
            Sent sent = ann.send("A train to Bern, please");
            Node.Run asked = ann.awaitRun(sent, Duration.ofSeconds(30)).orElseThrow();
            assertThat(asked.status()).isEqualTo(RunStatus.SUSPENDED);
            assertThat(shop.bookings()).isEmpty();
            Talking.approveAll(ann, asked);
            Node.Run run = ann.awaitEnd(sent, Duration.ofSeconds(30)).orElseThrow();
            assertThat(run.status()).isEqualTo(RunStatus.COMPLETE);
            assertThat(shop.bookings()).containsValue("booked 8:04").hasSize(1);
            assertThat(model.requests().get(0).messages())
                    .first()
                    .isEqualTo(SystemMessage.from("You plan trips by train."));
        }
    }
}
