package dev.parley.engine.session.machine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.parley.engine.session.Agent;
import dev.parley.engine.session.Attribute.OpenRequest;
import dev.parley.engine.session.Body;
import dev.parley.engine.session.Data;
import dev.parley.engine.session.RunNote;
import dev.parley.engine.session.RunTexts;
import dev.parley.engine.session.SessionCommand.Ask;
import dev.parley.engine.session.SessionCommand.Decide;
import dev.parley.engine.session.SessionCommand.ExpireRequest;
import dev.parley.engine.session.SessionCommand.MessageOp;
import dev.parley.engine.session.SessionCommand.MessageOp.Create;
import dev.parley.engine.session.SessionCommand.NameAgents;
import dev.parley.engine.session.SessionCommand.Publish;
import dev.parley.engine.session.SessionCommand.Remove;
import dev.parley.engine.session.SessionCommand.RemoveEmpty;
import dev.parley.engine.session.SessionCommand.Sender;
import dev.parley.engine.session.SessionCommand.Trim;
import dev.parley.engine.session.SessionOutcome;
import dev.parley.engine.session.SessionOutcome.Accepted;
import dev.parley.engine.session.SessionOutcome.AlreadyDecided;
import dev.parley.engine.session.SessionOutcome.NoSuchRequest;
import dev.parley.engine.session.SessionOutcome.NotAsked;
import dev.parley.engine.session.SessionOutcome.OtherRequest;
import dev.parley.engine.session.SessionOutcome.TooManyRequests;
import dev.parley.engine.session.SessionRequest;
import dev.parley.engine.session.SessionRequest.Decision;
import dev.parley.engine.session.SessionRequest.Kind;
import dev.parley.engine.session.SessionRequest.Status;
import dev.parley.engine.session.SessionRequest.Terms;
import dev.parley.engine.session.SessionRequest.Verdict;
import dev.parley.engine.session.SessionRequest.WhenDue;
import dev.parley.engine.session.Wake;
import dev.parley.engine.session.request.RequestMachine;
import dev.parley.engine.store.Store.Table;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** What people are asked, and whose answer counts. */
class RequestRulesTest extends SessionFixture {
    private static final RunTexts.Notice NOTICE = new RunTexts.Notice("asked", "became ", " at ", "", null);

    private static Terms terms(Kind kind, List<String> clientIds, int quorum, long due, WhenDue whenDue) {
        return new Terms(kind, "pay", "bot", null, null, null, "{\"sum\":5}", clientIds, quorum, due, whenDue, NOTICE);
    }

    private static Terms approval() {
        return terms(Kind.APPROVAL, List.of(), 1, 0, WhenDue.EXPIRE);
    }

    private SessionOutcome ask(String id, Terms terms) {
        return apply(new Ask(NAME, now, id, terms, text("asks " + id)));
    }

    private static Decision by(@Nullable String clientId, Verdict verdict, String id, long time) {
        return new Decision(id, verdict, clientId, "app.key", time, null, null, null, null);
    }

    private SessionOutcome decide(String id, @Nullable String clientId, Verdict verdict) {
        Decision decision = by(clientId, verdict, clientId + " " + verdict, now);
        Create answer = new Create(null, false, clientId, null, text("answer of " + clientId), false);
        return apply(
                new Decide(NAME, now, id, decision, text(clientId + " says " + verdict), List.of(answer), List.of()));
    }

    private SessionRequest request(String id) {
        return Objects.requireNonNull(sessions.requests().find(state(), id));
    }

    private List<String> texts() {
        return sessions.messages().list(state(), ALL, 100, PAGE_BYTES).stream()
                .map(SessionFixture::data)
                .toList();
    }

    /** An agent begins a run and calls a tool. */
    private void call(String run, String call, String arguments) {
        apply(new Publish(
                NAME,
                now,
                null,
                List.of(new Create(null, false, "bot", "c1", text(arguments), false)),
                List.of(new RunNote.Active(run, null, true), new RunNote.Called(0, run, call, "pay"))));
    }

    private SessionOutcome asks(String run, String call, String id) {
        return apply(new Publish(
                NAME,
                now,
                null,
                List.of(new Create(null, false, "bot", "c1", text("may I?"), false)),
                List.of(new RunNote.Asked(0, id, run, "m1", call))));
    }

    private Publish answer(String run, String call, String clientId, boolean approved, @Nullable String id) {
        List<MessageOp> message =
                List.of(new Create(id, id != null, clientId, "c2", text(clientId + " " + approved), false));
        return new Publish(
                NAME, now, null, message, List.of(new RunNote.Decided(0, run, call, approved, "app.key", "well")));
    }

    @Test
    void theFirstAnswerCounts() {
        ask("r1", approval());
        assertThat(request("r1").status()).isEqualTo(Status.OPEN);
        assertThat(decide("r1", "ann", Verdict.APPROVE)).isInstanceOf(Accepted.class);
        SessionRequest decided = request("r1");
        assertThat(decided.status()).isEqualTo(Status.APPROVED);
        assertThat(decided.closed()).isEqualTo(state().last());
        assertThat(decide("r1", "ben", Verdict.DENY)).isEqualTo(new AlreadyDecided(decided));
        assertThat(texts())
                .containsExactly("asks r1", "ann says APPROVE", "became approved at " + now, "answer of ann");
        assertThat(decide("none", "ann", Verdict.APPROVE)).isEqualTo(new NoSuchRequest("none"));
        assertThat(sessions.requests().countOpen(NAME)).isZero();
    }

    @Test
    void whatIsSentAgainHasItsOutcomeAgain() {
        SessionOutcome asked = ask("r1", approval());
        assertThat(ask("r1", approval())).isEqualTo(asked);
        assertThat(ask("r1", terms(Kind.QUESTION, List.of(), 1, 0, WhenDue.EXPIRE)))
                .isEqualTo(new OtherRequest("r1"));
        SessionOutcome first = decide("r1", "ann", Verdict.APPROVE);
        assertThat(decide("r1", "ann", Verdict.APPROVE)).isEqualTo(first);
        assertThat(ask("r1", approval())).isEqualTo(asked);
        assertThat(texts()).hasSize(4);
    }

    @Test
    void onlyWhoIsAskedMayAnswer() {
        ask("r1", terms(Kind.APPROVAL, List.of("ann"), 1, 0, WhenDue.EXPIRE));
        assertThat(decide("r1", "ben", Verdict.APPROVE)).isEqualTo(new NotAsked("r1"));
        assertThat(decide("r1", null, Verdict.APPROVE)).isEqualTo(new NotAsked("r1"));
        assertThat(decide("r1", "ann", Verdict.ANSWER)).isEqualTo(new NotAsked("r1"));
        assertThat(decide("r1", "ann", Verdict.DENY)).isInstanceOf(Accepted.class);
        assertThat(request("r1").status()).isEqualTo(Status.DENIED);
        ask("r2", terms(Kind.QUESTION, List.of(), 1, 0, WhenDue.EXPIRE));
        assertThat(decide("r2", "ann", Verdict.APPROVE)).isEqualTo(new NotAsked("r2"));
        assertThat(decide("r2", null, Verdict.ANSWER)).isInstanceOf(Accepted.class);
        assertThat(request("r2").status()).isEqualTo(Status.ANSWERED);
    }

    @Test
    void aRequestMayNeedSeveral() {
        ask("r1", terms(Kind.APPROVAL, List.of(), 2, 0, WhenDue.EXPIRE));
        decide("r1", "ann", Verdict.APPROVE);
        assertThat(request("r1").status()).isEqualTo(Status.OPEN);
        Decision again = by("ann", Verdict.APPROVE, "another", now);
        assertThat(apply(new Decide(NAME, now, "r1", again, text("again"), List.of(), List.of())))
                .isEqualTo(new AlreadyDecided(request("r1")));
        decide("r1", "ben", Verdict.APPROVE);
        assertThat(request("r1").status()).isEqualTo(Status.APPROVED);
        assertThat(request("r1").decisions()).extracting(Decision::clientId).containsExactly("ann", "ben");
        assertThat(texts()).doesNotContain("answer of ann").endsWith("became approved at " + now, "answer of ben");
        // One denial is enough.
        ask("r2", terms(Kind.APPROVAL, List.of(), 3, 0, WhenDue.EXPIRE));
        decide("r2", "ann", Verdict.APPROVE);
        decide("r2", "ben", Verdict.DENY);
        assertThat(request("r2").status()).isEqualTo(Status.DENIED);
    }

    @Test
    void itsTimeDecidesAndNotWhenSomebodyNotices() {
        ask("r1", terms(Kind.APPROVAL, List.of(), 1, now + 10, WhenDue.EXPIRE));
        ask("r2", terms(Kind.APPROVAL, List.of(), 1, now + 10, WhenDue.APPROVE));
        ask("r3", terms(Kind.APPROVAL, List.of(), 1, now + 10, WhenDue.DENY));
        ask("r4", terms(Kind.APPROVAL, List.of(), 1, now + 10, WhenDue.DENY));
        assertThat(sessions.requests().due(now + 9, 10)).isEmpty();
        now += 9;
        assertThat(decide("r4", "ann", Verdict.APPROVE)).isInstanceOf(Accepted.class);
        now++;
        assertThat(decide("r2", "ann", Verdict.DENY))
                .isEqualTo(new AlreadyDecided(request("r2").closed(Status.APPROVED, 0)));
        assertThat(request("r2").isOpen()).isTrue();
        var due = sessions.requests().due(now, 10);
        assertThat(due).hasSize(3);
        due.forEach(this::apply);
        due.forEach(this::apply);
        assertThat(List.of("r1", "r2", "r3", "r4"))
                .extracting(id -> request(id).status())
                .containsExactly(Status.EXPIRED, Status.APPROVED, Status.DENIED, Status.APPROVED);
        assertThat(rows(Table.DUE)).isZero();
        assertThat(texts()).filteredOn(text -> text.startsWith("became ")).hasSize(4);
        // Also for who was slower than it, although by the own clock in time.
        now -= 5;
        assertThat(decide("r1", "ann", Verdict.APPROVE)).isEqualTo(new AlreadyDecided(request("r1")));
    }

    @Test
    void aToolsApprovalIsRecognised() {
        call("run", "call", "{\"sum\":5}");
        asks("run", "call", "r1");
        SessionRequest asked = request("r1");
        assertThat(asked.terms().arguments()).isEqualTo("{\"sum\":5}");
        assertThat(asked.terms().title()).isEqualTo("pay");
        assertThat(asked.terms().by()).isEqualTo("bot");
        assertThat(asked.terms().messageId()).isEqualTo("m1");
        Publish first = answer("run", "call", "ann", true, "first:0");
        SessionOutcome accepted = apply(first);
        long at = positions(accepted).getFirst();
        assertThat(request("r1").status()).isEqualTo(Status.APPROVED);
        assertThat(request("r1").closed()).isEqualTo(at);
        assertThat(request("r1").decisions())
                .containsExactly(
                        new Decision("first:0", Verdict.APPROVE, "ann", "app.key", now, "c2", null, "well", null));
        var late = new AlreadyDecided(request("r1"));
        assertThat(apply(answer("run", "call", "ben", false, null))).isEqualTo(late);
        assertThat(apply(answer("run", "call", "ann", true, "second:0"))).isEqualTo(late);
        // What was accepted and is sent again has its outcome again.
        assertThat(apply(first)).isEqualTo(accepted);
        assertThat(texts()).containsExactly("{\"sum\":5}", "may I?", "ann true");
        // Asked again for the same, nothing begins anew; for something else under the same id, it does.
        asks("run", "call", "r1");
        assertThat(request("r1").status()).isEqualTo(Status.APPROVED);
        asks("run", "other", "r1");
        assertThat(request("r1").status()).isEqualTo(Status.OPEN);
    }

    @Test
    void ofTwoAnswersAtOnceOneIsInTheLog() {
        call("run", "call", "{}");
        asks("run", "call", "r1");
        var outcomes = applyTogether(List.of(
                new Publish(
                        NAME,
                        now,
                        new Sender("c2", 0, 1),
                        answer("run", "call", "ann", true, null).messages(),
                        answer("run", "call", "ann", true, null).runs()),
                answer("run", "call", "ben", false, null)));
        assertThat(outcomes.getFirst()).isInstanceOf(Accepted.class);
        assertThat(outcomes.getLast()).isEqualTo(new AlreadyDecided(request("r1")));
        Publish both = answer("run", "call", "ann", true, null);
        assertThat(texts()).containsExactly("{}", "may I?", "ann true");
        asks("run", "call", "r2");
        var twice = new Publish(
                NAME,
                now,
                null,
                List.of(both.messages().getFirst(), both.messages().getFirst()),
                List.of(
                        new RunNote.Decided(0, "run", "call", true, "app.key", null),
                        new RunNote.Decided(1, "run", "call", false, "app.key", null)));
        assertThat(apply(twice)).isEqualTo(new NotAsked("r2"));
        assertThat(request("r2").isOpen()).isTrue();
    }

    @Test
    void whatNeedsSeveralIsNotAnsweredByOneMessage() {
        var terms = new Terms(
                Kind.APPROVAL, "pay", "bot", "run", "m1", "call", "{}", List.of(), 2, 0, WhenDue.EXPIRE, NOTICE);
        call("run", "call", "{}");
        ask("r1", terms);
        // The stricter terms stay.
        asks("run", "call", "r2");
        assertThat(sessions.requests().find(state(), "r2")).isNull();
        assertThat(apply(answer("run", "call", "ann", true, null))).isEqualTo(new NotAsked("r1"));
        assertThat(texts()).doesNotContain("ann true");
        decide("r1", "ann", Verdict.APPROVE);
        decide("r1", "ben", Verdict.APPROVE);
        assertThat(texts()).endsWith("answer of ben");
    }

    private static Terms ofCall(long due, WhenDue whenDue, List<String> clientIds, List<String> grants) {
        var answer =
                new SessionRequest.DueAnswer(text("in time"), new RunNote.Said(0, "event", "run", false, List.of()));
        return new Terms(
                Kind.APPROVAL,
                "pay",
                "bot",
                "run",
                "m1",
                "call",
                "{}",
                clientIds,
                1,
                due,
                whenDue,
                NOTICE,
                answer,
                grants);
    }

    @Test
    void whoeverHasARightMayAnswerOnEachWay() {
        call("run", "call", "{}");
        ask("r1", ofCall(0, WhenDue.EXPIRE, List.of("ann"), List.of("role:chef", "capability:control")));
        Publish byMessage = answer("run", "call", "ben", true, null);
        assertThat(apply(byMessage)).isEqualTo(new NotAsked("r1"));
        assertThat(apply(withRights(byMessage, "role:cook"))).isEqualTo(new NotAsked("r1"));
        Decision decision = by("ben", Verdict.DENY, "d", now);
        assertThat(apply(new Decide(NAME, now, "r1", decision, List.of("role:cook"), text("no"), List.of(), List.of())))
                .isEqualTo(new NotAsked("r1"));
        assertThat(request("r1").isOpen()).isTrue();
        assertThat(apply(withRights(byMessage, "role:cook", "capability:control")))
                .isInstanceOf(Accepted.class);
        assertThat(request("r1").status()).isEqualTo(Status.APPROVED);

        ask("r2", ofCall(0, WhenDue.EXPIRE, List.of("ann"), List.of("role:chef")));
        assertThat(apply(new Decide(NAME, now, "r2", decision, List.of("role:chef"), text("no"), List.of(), List.of())))
                .isInstanceOf(Accepted.class);
        ask("r3", ofCall(0, WhenDue.EXPIRE, List.of("ann"), List.of("role:chef")));
        assertThat(decide("r3", "ann", Verdict.APPROVE))
                .as("who is named needs no right")
                .isInstanceOf(Accepted.class);
    }

    private static Publish withRights(Publish c, String... grants) {
        RunNote.Decided n = (RunNote.Decided) c.runs().getFirst();
        return new Publish(
                c.session(),
                c.time(),
                c.sender(),
                c.messages(),
                List.of(new RunNote.Decided(
                        n.message(), n.runId(), n.toolCallId(), n.approved(), n.key(), n.comment(), List.of(grants))));
    }

    @Test
    void whatNobodyDecidesInTimeIsAnsweredOnce() {
        call("run", "call", "{}");
        ask("r1", ofCall(now + 10, WhenDue.DENY, List.of(), List.of()));
        apply(new ExpireRequest(NAME, now + 9, "r1"));
        assertThat(texts()).doesNotContain("in time");
        now += 10;
        assertThat(apply(answer("run", "call", "ann", true, null)))
                .as("it is too late, although it is not closed yet")
                .isInstanceOf(AlreadyDecided.class);
        apply(new ExpireRequest(NAME, now, "r1"));
        apply(new ExpireRequest(NAME, now, "r1"));
        assertThat(texts()).endsWith("became denied at " + now, "in time").containsOnlyOnce("in time");
        assertThat(request("r1").status()).isEqualTo(Status.DENIED);
        assertThat(apply(answer("run", "call", "ann", true, null))).isEqualTo(new AlreadyDecided(request("r1")));

        // What somebody decides has that answer, and no other one.
        ask("r2", ofCall(now + 10, WhenDue.DENY, List.of(), List.of()));
        decide("r2", "ann", Verdict.APPROVE);
        apply(new ExpireRequest(NAME, now + 10, "r2"));
        ask("r3", ofCall(now + 10, WhenDue.DENY, List.of(), List.of()));
        apply(new Publish(NAME, now, null, List.of(), List.of(new RunNote.Ended("run"))));
        apply(new ExpireRequest(NAME, now + 10, "r3"));
        assertThat(texts()).containsOnlyOnce("in time");
    }

    @Test
    void aRequestEndsWithItsRun() {
        call("run", "call", "{}");
        call("run", "call2", "{}");
        asks("run", "call", "r1");
        var terms = new Terms(
                Kind.QUESTION, "", null, "run", null, null, null, List.of(), 1, now + 50, WhenDue.EXPIRE, NOTICE);
        ask("r2", terms);
        ask("r3", approval());
        apply(new Publish(NAME, now, null, List.of(), List.of(new RunNote.Ended("run"))));
        assertThat(List.of("r1", "r2", "r3"))
                .extracting(id -> request(id).status())
                .containsExactly(Status.WITHDRAWN, Status.WITHDRAWN, Status.OPEN);
        assertThat(texts()).endsWith("became withdrawn at " + now);
        assertThat(apply(answer("run", "call", "ann", true, null))).isEqualTo(new AlreadyDecided(request("r1")));
        assertThat(rows(Table.DUE)).isZero();
        // Three requests, two of them closed, and the call that one of them was about.
        assertThat(rows(Table.ASKED)).isEqualTo(6);
    }

    @Test
    void anAnswerToWhatNobodyHasAskedIsAMessageLikeOthers() {
        call("run", "call", "{}");
        assertThat(apply(answer("run", "call", "ann", true, null))).isInstanceOf(Accepted.class);
        assertThat(apply(answer("run", "call", "ben", false, null))).isInstanceOf(Accepted.class);
    }

    @Test
    void retentionKeepsWhatIsOpen() {
        ask("r1", approval());
        ask("r2", approval());
        decide("r2", "ann", Verdict.DENY);
        apply(new Trim(NAME, now, Long.MAX_VALUE));
        apply(new RemoveEmpty(NAME, now));
        assertThat(request("r1").isOpen()).isTrue();
        assertThat(sessions.requests().find(state(), "r2")).isNull();
        assertThat(decide("r1", "ann", Verdict.APPROVE)).isInstanceOf(Accepted.class);
        apply(new Trim(NAME, now, Long.MAX_VALUE));
        apply(new RemoveEmpty(NAME, now));
        assertThat(sessions.find(NAME)).isNull();
        assertThat(List.of(rows(Table.ASKED), rows(Table.INBOX), rows(Table.DUE)))
                .containsExactly(0, 0, 0);
    }

    /** Agents that are woken by nothing that is said. */
    private void name(String... agents) {
        apply(new NameAgents(
                NAME,
                now,
                Stream.of(agents)
                        .map(id -> new Agent(
                                id, null, null, Agent.Trigger.INVOCATION, List.of(), 0, false, NOTICE, NOTICE))
                        .toList(),
                List.of()));
    }

    private Map<String, List<String>> woken() {
        return sessions.wakes().of(state()).stream()
                .collect(Collectors.toMap(
                        Wake::agentId,
                        wake -> wake.order().inputs().stream()
                                .map(Wake.Input::eventId)
                                .toList()));
    }

    @Test
    void whoHasAskedIsWokenByTheAnswerOnce() {
        name("bot", "other");
        ask("r1", terms(Kind.APPROVAL, List.of(), 2, 0, WhenDue.EXPIRE));
        decide("r1", "ann", Verdict.APPROVE);
        assertThat(woken()).isEmpty();
        decide("r1", "ben", Verdict.APPROVE);
        decide("r1", "ben", Verdict.APPROVE);
        decide("r1", "cid", Verdict.DENY);
        assertThat(woken()).isEqualTo(Map.of("bot", List.of("r1")));
        ask("r2", terms(Kind.QUESTION, List.of(), 1, now + 10, WhenDue.EXPIRE));
        apply(new ExpireRequest(NAME, now + 9, "r2"));
        apply(new ExpireRequest(NAME, now + 10, "r2"));
        apply(new ExpireRequest(NAME, now + 10, "r2"));
        assertThat(woken()).isEqualTo(Map.of("bot", List.of("r1", "r2")));
    }

    @Test
    void aDecisionThatNoMessageTellsOfWakesWhoHasAsked() {
        name("bot");
        call("run", "call", "{}");
        asks("run", "call", "r1");
        var silent =
                new Decide(NAME, now, "r1", by("ann", Verdict.APPROVE, "d1", now), text("-"), List.of(), List.of());
        assertThat(apply(silent)).isInstanceOf(Accepted.class);
        assertThat(woken()).isEqualTo(Map.of("bot", List.of("r1")));
        List<Wake> first = sessions.wakes().of(state());
        // Sent again, it wakes nobody again.
        apply(silent);
        assertThat(sessions.wakes().of(state())).isEqualTo(first);
    }

    @Test
    void anAnswerThatIsAnInputWakesWhoWorksAtTheRunAndNobodyTwice() {
        name("bot", "other");
        call("run", "call", "{}");
        asks("run", "call", "r1");
        Create input = new Create(null, false, "ann", null, text("approved"), false);
        apply(new Decide(
                NAME,
                now,
                "r1",
                by("ann", Verdict.APPROVE, "d1", now),
                text("unused"),
                List.of(input),
                List.of(new RunNote.Said(0, "event", "run", false, List.of()))));
        assertThat(woken()).isEqualTo(Map.of("bot", List.of("event")));
    }

    @Test
    void nothingIsLeftOfASessionThatWasRemoved() {
        ask("r1", terms(Kind.ESCALATION, List.of(), 1, now + 10, WhenDue.EXPIRE));
        ask("r2", approval());
        decide("r2", "ann", Verdict.DENY);
        call("run", "call", "{}");
        asks("run", "call", "r3");
        assertThat(sessions.index().names("app", new OpenRequest(), "ro", "", 10))
                .containsExactly(NAME.name());
        apply(new Remove(NAME, now));
        assertThat(List.of(rows(Table.ASKED), rows(Table.INBOX), rows(Table.DUE)))
                .containsExactly(0, 0, 0);
    }

    @Test
    void onlySoManyAreOpenAndOnlySoManyAreKept() {
        for (int i = 0; i < RequestMachine.MAX_OPEN; i++) {
            ask("open" + i, approval());
        }
        assertThat(ask("more", approval())).isEqualTo(new TooManyRequests(RequestMachine.MAX_OPEN));
        call("run", "call", "{}");
        assertThat(asks("run", "call", "r1")).isInstanceOf(Accepted.class);
        assertThat(sessions.requests().find(state(), "r1")).isNull();
        for (int i = 0; i < RequestMachine.MAX_CLOSED + 1; i++) {
            decide(i == 0 ? "open0" : "r" + i, "ann", Verdict.APPROVE);
            ask("r" + (i + 1), approval());
        }
        assertThat(sessions.requests().find(state(), "open0")).isNull();
        assertThat(request("r1").status()).isEqualTo(Status.APPROVED);
        assertThat(rows(Table.INBOX)).isEqualTo(RequestMachine.MAX_OPEN + RequestMachine.MAX_CLOSED);
    }

    @Test
    void theArgumentsAreThoseAtTheTimeOfTheRequest() {
        List<Long> at = positions(apply(new Publish(
                NAME,
                now,
                null,
                List.of(new Create(null, false, "ann", "c1", new Body(null, Data.of("{\"sum\""), null, null), false)),
                List.of(new RunNote.Active("run", null, true), new RunNote.Called(0, "run", "call", "pay")))));
        publish(append(at.getFirst(), ":5}"));
        asks("run", "call", "r1");
        publish(append(at.getFirst(), " and more"));
        assertThat(request("r1").terms().arguments()).isEqualTo("{\"sum\":5}");
    }

    @Test
    void aClaimedClientIdIsNotWhoIsAsked() {
        for (String id : List.of("named", "open")) {
            List<String> asked = id.equals("named") ? List.of("ann") : List.of();
            var terms = new Terms(Kind.APPROVAL, "", null, null, null, null, null, asked, 1, 0, WhenDue.EXPIRE, null);
            assertThat(apply(new Ask(NAME, now, id, terms, text("asks")))).isInstanceOf(Accepted.class);
        }
        var claimed = new Decision("d", Verdict.APPROVE, "ann", "", now, null, null, null, null);
        assertThat(apply(new Decide(NAME, now, "named", claimed, text("decides"), List.of(), List.of())))
                .isEqualTo(new NotAsked("named"));
        assertThat(apply(new Decide(NAME, now, "open", claimed, text("decides"), List.of(), List.of())))
                .isInstanceOf(Accepted.class);
    }
}
