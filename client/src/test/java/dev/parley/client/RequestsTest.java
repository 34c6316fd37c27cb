package dev.parley.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.parley.client.SessionRequest.Decision;
import dev.parley.client.SessionRequest.Status;
import dev.parley.client.SessionRequest.Verdict;
import dev.parley.client.SessionRequest.WhenDue;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.JsonNodeFactory;

/** People are asked something, and decide; with a real server. */
@ExtendWith(SharedServer.class)
class RequestsTest {
    private final TestServer server;
    private final String key;

    RequestsTest(TestServer server) throws Exception {
        this.server = server;
        this.key = server.newKey();
    }

    private ParleyClient client(String clientId) {
        return ParleyClient.of(
                TestServer.options(server.uri(), key).clientId(clientId).build());
    }

    private static void isRefused(int code, Runnable call) {
        assertThatThrownBy(call::run)
                .isInstanceOfSatisfying(
                        ParleyException.class, e -> assertThat(e.code()).isEqualTo(code));
    }

    @Test
    void theFirstAnswerCountsAndTheSecondIsTold() {
        try (ParleyClient agent = client("agent");
                ParleyClient eve = client("eve");
                ParleyClient zoe = client("zoe")) {
            var asked = JsonMapper.shared().readTree("{\"amount\":120}");
            var less = JsonMapper.shared().readTree("{\"amount\":100}");
            NewRequest refund =
                    NewRequest.approval("Refund", asked).withId("refund-7").withQuorum(1, "eve", "zoe");
            SessionRequest open = agent.session("trip").requests().ask(refund);
            assertThat(open.isOpen()).isTrue();
            assertThat(open.arguments()).isEqualTo(asked);
            assertThat(open.by()).isEqualTo("agent");
            assertThat(agent.session("trip").requests().ask(refund)).isEqualTo(open);
            isRefused(40983, () -> agent.session("trip").requests().approve("refund-7", null));

            SessionRequest approved = eve.session("trip").requests().approve("refund-7", "the customer is right", less);
            assertThat(approved.status()).isEqualTo(Status.APPROVED);
            assertThat(approved.closedAt()).isNotNull();
            Decision decision = approved.decisions().get(0);
            assertThat(decision.verdict()).isEqualTo(Verdict.APPROVE);
            assertThat(decision.clientId()).isEqualTo("eve");
            assertThat(decision.comment()).isEqualTo("the customer is right");
            assertThat(decision.answer()).isEqualTo(less);
            assertThatThrownBy(() -> zoe.session("trip").requests().deny("refund-7", null))
                    .isInstanceOf(ParleyException.Refused.class)
                    .hasMessageContaining("eve");
            assertThat(agent.session("trip").requests().get("refund-7")).isEqualTo(approved);
        }
    }

    @Test
    void severalApproveAndQuestionsAreAnswered() {
        try (ParleyClient agent = client("agent");
                ParleyClient eve = client("eve");
                ParleyClient zoe = client("zoe")) {
            SessionRequests asking = agent.session("trip").requests();
            String both =
                    asking.ask(NewRequest.approval("Both", null).withQuorum(2)).id();
            assertThat(eve.session("trip").requests().approve(both, null).isOpen())
                    .isTrue();
            assertThat(zoe.session("trip").requests().approve(both, null).status())
                    .isEqualTo(Status.APPROVED);
            String where = asking.ask(NewRequest.question("Where to?")).id();
            var rome = JsonNodeFactory.instance.stringNode("Rome");
            SessionRequest answered = eve.session("trip").requests().answer(where, rome);
            assertThat(answered.status()).isEqualTo(Status.ANSWERED);
            assertThat(answered.decisions().get(0).answer()).isEqualTo(rome);
            String dated = asking.ask(NewRequest.approval("Soon", null)
                            .withDue(Instant.now().plusSeconds(3_600), WhenDue.APPROVE))
                    .id();
            assertThat(eve.session("trip").requests().deny(dated, "no").status())
                    .isEqualTo(Status.DENIED);
            isRefused(40982, () -> zoe.session("trip").requests().approve(dated, null));
        }
    }

    @Test
    void whoHasARoleOrMayDoSomethingIsAsked() {
        try (ParleyClient agent = client("agent");
                ParleyClient eve = client("eve")) {
            SessionRequests asking = agent.session("roles").requests();
            SessionRequest boss =
                    asking.ask(NewRequest.question("Who?").withId("boss").withRoles("boss", "ch\u00ef\ud83d\ude00f"));
            assertThat(boss.roles()).containsExactly("boss", "ch\u00ef\ud83d\ude00f");
            assertThat(boss.clientIds()).isEmpty();
            var answer = JsonNodeFactory.instance.stringNode("me");
            isRefused(40983, () -> eve.session("roles").requests().answer("boss", answer));

            NewRequest either = NewRequest.question("And?")
                    .withId("either")
                    .withQuorum(1, "zoe")
                    .withCapability("control");
            SessionRequest open = asking.ask(either);
            assertThat(open.capability()).isEqualTo("control");
            assertThat(open.clientIds()).containsExactly("zoe");
            assertThat(eve.session("roles").requests().answer("either", answer).status())
                    .isEqualTo(Status.ANSWERED);
        }
    }

    @Test
    void openRequestsOfAllSessionsAreListedPageByPage() {
        try (ParleyClient agent = client("agent");
                ParleyClient eve = client("eve")) {
            List<String> ids = new ArrayList<>();
            for (int i = 0; i < 120; i++) {
                NewRequest request = NewRequest.question("Number " + i).withId("q" + i);
                agent.session("room-" + i % 3).requests().ask(i % 2 == 0 ? request : request.withQuorum(1, "zoe"));
                if (i % 2 == 0) {
                    ids.add("q" + i);
                }
            }
            List<String> listed = new ArrayList<>();
            for (Page<SessionRequest> page = eve.openRequests("room-", "eve"); page != null; page = page.next()) {
                page.items().forEach(request -> listed.add(request.id()));
            }
            assertThat(listed).containsExactlyInAnyOrderElementsOf(ids);
            List<String> inOne = new ArrayList<>();
            for (Page<SessionRequest> page = eve.session("room-0").requests().list();
                    page != null;
                    page = page.next()) {
                page.items().forEach(request -> inOne.add(request.id()));
            }
            assertThat(inOne).hasSize(40).doesNotHaveDuplicates();
        }
    }
}
