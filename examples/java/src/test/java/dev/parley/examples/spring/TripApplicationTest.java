package dev.parley.examples.spring;

import static org.assertj.core.api.Assertions.assertThat;

import dev.parley.client.Credentials;
import dev.parley.client.ParleyClient;
import dev.parley.client.SharedServer;
import dev.parley.client.TestServer;
import dev.parley.client.agent.ClientSession;
import dev.parley.client.agent.Sent;
import dev.parley.conversation.Node;
import dev.parley.conversation.RunStatus;
import dev.parley.examples.Shop;
import dev.parley.examples.Talking;
import dev.parley.springai.autoconfigure.ParleyProperties;
import dev.parley.springai.testing.Answer;
import dev.parley.springai.testing.ScriptedChatModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.springframework.ai.chat.model.ChatModel;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** The application does what docs/java.md says, with a real server and a model that answers as it is told. */
@ExtendWith(SharedServer.class)
class TripApplicationTest {
    private static final Path PAGE = Path.of("..", "..", "docs", "java.md");

    /** Stands for the provider of a model. */
    @Configuration(proxyBeanMethods = false)
    static class Models {
        @Bean
        ChatModel model() {
            // region model
            return ScriptedChatModel.of(
                    Answer.begin().toolCall("c1", "find", "{\"city\":\"Bern\"}"),
                    Answer.begin().text("I take the ", "first one.").toolCall("c2", "book", "{\"id\":\"8:04\"}"),
                    Answer.begin().text("It is booked."));
            // endregion
        }
    }

    private final TestServer server;

    TripApplicationTest(TestServer server) {
        this.server = server;
    }

    @Test
    void aConnectionIsFoundAndBookedWhenAPersonApproves() throws Exception {
        String key = server.newKey();
        try (ConfigurableApplicationContext application = new SpringApplicationBuilder(
                                TripApplication.class, Models.class)
                        .run("--parley.url=" + server.uri(), "--parley.key=" + key);
                ParleyClient client = ParleyClient.of(server.uri(), Credentials.key(key));
                ClientSession ann = ClientSession.open(client, "trip")) {
            Sent sent = ann.send("A train to Bern, please");
            Node.Run asked = ann.awaitRun(sent, Duration.ofSeconds(30)).orElseThrow();
            assertThat(asked.status()).isEqualTo(RunStatus.SUSPENDED);
            Shop shop = application.getBean(Shop.class);
            assertThat(shop.bookings()).isEmpty();
            Talking.approveAll(ann, asked);
            assertThat(ann.awaitEnd(sent, Duration.ofSeconds(30)).orElseThrow().status())
                    .isEqualTo(RunStatus.COMPLETE);
            assertThat(shop.bookings()).containsValue("booked 8:04").hasSize(1);
        }
    }

    @Test
    void theDocumentNamesAllProperties() throws IOException {
        String page = Files.readString(PAGE);
        Stream<String> own = names(ParleyProperties.class, "parley.").filter(name -> !name.equals("parley.agent"));
        List<String> all = Stream.concat(own, names(ParleyProperties.Agent.class, "parley.agent."))
                .toList();
        assertThat(all).allSatisfy(name -> assertThat(page).contains("| `" + name + "` |"));
    }

    private static Stream<String> names(Class<? extends Record> properties, String prefix) {
        return Arrays.stream(properties.getRecordComponents())
                .map(part ->
                        prefix + part.getName().replaceAll("([A-Z])", "-$1").toLowerCase(java.util.Locale.ROOT));
    }
}
