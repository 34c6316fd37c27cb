package dev.parley.engine.session.machine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.parley.engine.session.Agent;
import dev.parley.engine.session.Agent.Trigger;
import dev.parley.engine.session.Body;
import dev.parley.engine.session.Control.Mode;
import dev.parley.engine.session.ControlTexts;
import dev.parley.engine.session.Data;
import dev.parley.engine.session.Inherited;
import dev.parley.engine.session.PresenceEntry;
import dev.parley.engine.session.Run;
import dev.parley.engine.session.RunNote;
import dev.parley.engine.session.RunTexts;
import dev.parley.engine.session.RunTexts.Notice;
import dev.parley.engine.session.SessionCommand;
import dev.parley.engine.session.SessionCommand.ChangeControl;
import dev.parley.engine.session.SessionCommand.ChangePresence;
import dev.parley.engine.session.SessionCommand.ClaimWake;
import dev.parley.engine.session.SessionCommand.ExpireWake;
import dev.parley.engine.session.SessionCommand.InvokeAgent;
import dev.parley.engine.session.SessionCommand.Leave;
import dev.parley.engine.session.SessionCommand.MessageOp.Create;
import dev.parley.engine.session.SessionCommand.NameAgents;
import dev.parley.engine.session.SessionCommand.PresenceOp;
import dev.parley.engine.session.SessionCommand.Publish;
import dev.parley.engine.session.SessionCommand.Remove;
import dev.parley.engine.session.SessionCommand.RemoveEmpty;
import dev.parley.engine.session.SessionCommand.SettleWake;
import dev.parley.engine.session.SessionCommand.Settlement;
import dev.parley.engine.session.SessionCommand.Speak;
import dev.parley.engine.session.SessionCommand.Trim;
import dev.parley.engine.session.SessionCommand.WithAgents;
import dev.parley.engine.session.SessionName;
import dev.parley.engine.session.SessionOutcome;
import dev.parley.engine.session.SessionOutcome.Claimed;
import dev.parley.engine.session.SessionOutcome.Done;
import dev.parley.engine.session.SessionOutcome.NoSuchAgent;
import dev.parley.engine.session.SessionOutcome.NotHeld;
import dev.parley.engine.session.SessionOutcome.NothingToDo;
import dev.parley.engine.session.SessionOutcome.TooManyAgents;
import dev.parley.engine.session.SessionOutcome.Woken;
import dev.parley.engine.session.Wake;
import dev.parley.engine.session.wake.WakeMachine;
import dev.parley.engine.session.wake.Wakes;
import dev.parley.engine.session.wake.Wakes.Delivery;
import dev.parley.engine.store.Store.Table;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Which agents are woken by what is said, and who does what they have to do. */
class WakeRulesTest extends SessionFixture {
    private static final long LEASE = 30_000;
    private static final Notice GAVE_UP = new Notice("wake", "gave up ", " at ", "", null);
    private static final Notice LOOP = new Notice("wake", "stopped after ", " at ", "", null);

    private int said;

    private static Agent agent(String id, Trigger trigger, boolean called, long debounce, String... patterns) {
        return new Agent(
                id,
                null,
                called ? new Agent.Endpoint("https://" + id, null) : null,
                trigger,
                List.of(patterns),
                debounce,
                false,
                GAVE_UP,
                LOOP);
    }

    private void name(Agent... agents) {
        assertThat(apply(new NameAgents(NAME, now, List.of(agents), List.of()))).isEqualTo(new Done());
    }

    private Publish saying(String author, @Nullable String run, boolean steers, String... mentions) {
        int event = ++said;
        return new Publish(
                NAME,
                now,
                null,
                List.of(new Create("m" + event, true, author, "c1", text("said"), false)),
                List.of(new RunNote.Said(0, "e" + event, run, steers, List.of(mentions))));
    }

    /** Returns the position. */
    private long say(String author, String... mentions) {
        return positions(apply(saying(author, null, true, mentions))).getFirst();
    }

    private List<String> woken() {
        return sessions.wakes().of(state()).stream().map(Wake::agentId).toList();
    }

    private SessionOutcome claim(String agent) {
        return apply(new ClaimWake(NAME, now, agent, "worker", now + LEASE));
    }

    private Wake claimed(String agent) {
        return ((Claimed) claim(agent)).wake();
    }

    private SessionOutcome settle(Wake wake, Settlement settlement, long until) {
        return apply(new SettleWake(NAME, now, wake.agentId(), wake.id(), wake.epoch(), settlement, until));
    }

    private Wake wakeOf(String agent) {
        return Objects.requireNonNull(sessions.wakes().of(state(), agent));
    }

    private List<String> texts() {
        return sessions.messages().list(state(), ALL, 100, PAGE_BYTES).stream()
                .map(SessionFixture::data)
                .toList();
    }

    @Test
    void triggersSayWhoIsWoken() {
        name(
                agent("all", Trigger.ALL, false, 0),
                agent("hand", Trigger.INVOCATION, false, 0, "@hand"),
                agent("named", Trigger.MENTION, false, 0, "@named", "@n*"),
                agent("users", Trigger.USER_MESSAGES, false, 0, "@users"));
        say("ann");
        assertThat(woken()).containsExactly("all", "users");
        woken().forEach(agent -> settle(claimed(agent), Settlement.DONE, 0));
        say("ann", "@nobody", "@hand");
        assertThat(woken()).containsExactly("all", "named", "users");
        woken().forEach(agent -> settle(claimed(agent), Settlement.DONE, 0));
        // Agents wake only those who want it, and never themselves.
        say("users");
        assertThat(woken()).containsExactly("all");
        say("all", "@users", "@named", "@all");
        assertThat(woken()).containsExactly("all", "named", "users");
        assertThat(apply(new InvokeAgent(NAME, now, "hand", "e9"))).isInstanceOf(Woken.class);
        assertThat(apply(new InvokeAgent(NAME, now, "other", "e9"))).isEqualTo(new NoSuchAgent("other"));
        assertThat(claimed("hand").order().newest().eventId()).isEqualTo("e9");
    }

    @Test
    void whatIsSaidAgainOrRefusedWakesNobody() {
        name(agent("bot", Trigger.ALL, false, 0));
        Publish request = saying("ann", null, true);
        apply(request);
        settle(claimed("bot"), Settlement.DONE, 0);
        apply(request);
        assertThat(woken()).isEmpty();
    }

    @Test
    void anAnswerToARunWakesItsAgentAndASteerNobody() {
        name(agent("bot", Trigger.INVOCATION, false, 0), agent("users", Trigger.USER_MESSAGES, false, 0));
        apply(new Publish(
                NAME,
                now,
                null,
                List.of(new Create(null, false, "bot", "c9", text("begin"), false)),
                List.of(new RunNote.Active("run", null, true))));
        apply(saying("ann", "run", true));
        assertThat(woken()).isEmpty();
        apply(saying("ann", "run", false));
        assertThat(woken()).containsExactly("bot");
        settle(claimed("bot"), Settlement.DONE, 0);
        apply(new Publish(NAME, now, null, List.of(), List.of(new RunNote.Suspended("run"))));
        apply(saying("ann", "run", true));
        assertThat(woken()).containsExactly("bot");
        // Of a run that is over, nobody knows whose it was.
        settle(claimed("bot"), Settlement.DONE, 0);
        apply(new Publish(NAME, now, null, List.of(), List.of(new RunNote.Ended("run"))));
        apply(saying("ann", "run", false));
        assertThat(woken()).containsExactly("users");
    }

    @Test
    void whatComesBeforeAnybodyHasTheWakeIsAPartOfIt() {
        name(agent("bot", Trigger.ALL, false, 0));
        long first = say("ann");
        long second = say("ben");
        Wake wake = claimed("bot");
        assertThat(wake.order().since()).isEqualTo(first);
        assertThat(wake.order().newest()).isEqualTo(new Wake.Input("e2", second));
        assertThat(wake.order().inputs()).hasSize(2);
        // What comes later is another one, and only one.
        say("ann");
        long fourth = say("ann");
        assertThat(claim("bot")).isEqualTo(new NothingToDo());
        assertThat(settle(wake, Settlement.DONE, 0)).isEqualTo(new Done());
        Wake next = claimed("bot");
        assertThat(next.id()).isNotEqualTo(wake.id());
        assertThat(next.order().newest().position()).isEqualTo(fourth);
        settle(next, Settlement.DONE, 0);
        assertThat(woken()).isEmpty();
        assertThat(rows(Table.WAKE_TIMES)).isZero();
    }

    @Test
    void aWakeNamesTheNewestOfManyInputs() {
        name(agent("bot", Trigger.ALL, false, 0));
        long first = say("ann");
        for (int i = 0; i < Wake.MAX_INPUTS; i++) {
            say("ann");
        }
        assertThat(wakeOf("bot").order().inputs()).hasSize(Wake.MAX_INPUTS);
        assertThat(wakeOf("bot").order().since()).isEqualTo(first);
        assertThat(wakeOf("bot").order().newest().eventId()).isEqualTo("e" + (Wake.MAX_INPUTS + 1));
    }

    @Test
    void oneHasTheWakeAndOnlyTheLastOneSettlesIt() {
        name(agent("bot", Trigger.ALL, false, 0));
        say("ann");
        Wake first = claimed("bot");
        for (int i = 0; i < 9; i++) {
            assertThat(claim("bot")).isEqualTo(new NothingToDo());
        }
        now += LEASE - 1;
        assertThat(settle(first, Settlement.EXTEND, now + LEASE)).isEqualTo(new Done());
        now += LEASE - 1;
        assertThat(sessions.wakes().expiries(now, 10)).isEmpty();
        now += 1;
        sessions.wakes().expiries(now, 10).forEach(this::apply);
        assertThat(claim("bot")).isEqualTo(new NothingToDo());
        assertThat(settle(first, Settlement.EXTEND, now + LEASE)).isEqualTo(new NotHeld(first.id()));
        now += Wake.backoffMillis(0);
        Wake second = claimed("bot");
        assertThat(second.id()).isEqualTo(first.id());
        assertThat(second.epoch()).isGreaterThan(first.epoch());
        assertThat(settle(first, Settlement.DONE, 0)).isEqualTo(new NotHeld(first.id()));
        assertThat(settle(second, Settlement.RELEASE, now + 5)).isEqualTo(new Done());
        assertThat(claim("bot")).isEqualTo(new NothingToDo());
        now += 5;
        assertThat(claimed("bot").attempts()).isEqualTo(2);
    }

    @Test
    void whatIsDoneIsDoneAlsoIfItTookTooLong() {
        name(agent("bot", Trigger.ALL, false, 0));
        say("ann");
        Wake wake = claimed("bot");
        now += LEASE;
        apply(new ExpireWake(NAME, now, "bot"));
        assertThat(settle(wake, Settlement.DONE, 0)).isEqualTo(new Done());
        assertThat(woken()).isEmpty();
        assertThat(settle(wake, Settlement.DONE, 0)).isEqualTo(new NotHeld(wake.id()));
    }

    @Test
    void aWakeThatNobodyDoesIsGivenUpInWords() {
        name(agent("bot", Trigger.ALL, true, 0));
        say("ann");
        String id = wakeOf("bot").id();
        for (int attempt = 1; attempt <= Wake.MAX_ATTEMPTS; attempt++) {
            assertThat(sessions.wakes().deliveries(Agent.Way.CALLED, now, 10))
                    .containsExactly(new Delivery(NAME, "bot"));
            Wake wake = claimed("bot");
            assertThat(sessions.wakes().deliveries(Agent.Way.CALLED, now, 10)).isEmpty();
            settle(wake, Settlement.RELEASE, now);
        }
        assertThat(woken()).isEmpty();
        assertThat(texts()).endsWith("gave up " + id + " at " + now);
        // What has come meanwhile is tried nevertheless.
        say("ann");
        Wake wake = claimed("bot");
        say("ann");
        settle(wake, Settlement.GIVE_UP, 0);
        assertThat(texts()).endsWith("gave up " + wake.id() + " at " + now);
        assertThat(wakeOf("bot").attempts()).isZero();
        now += Wake.MAX_AGE_MILLIS - 1;
        assertThat(sessions.wakes().expiries(now, 10)).isEmpty();
        apply(new ExpireWake(NAME, now, "bot"));
        assertThat(woken()).hasSize(1);
        now += 1;
        sessions.wakes().expiries(now, 10).forEach(this::apply);
        assertThat(woken()).isEmpty();
        assertThat(rows(Table.WAKE_TIMES)).isZero();
    }

    @Test
    void anAgentIsWokenWhenNothingMoreIsSaidForAWhile() {
        name(agent("bot", Trigger.ALL, true, 100));
        say("ann");
        long first = now;
        now += 99;
        assertThat(claim("bot")).isEqualTo(new NothingToDo());
        say("ann");
        now += 99;
        assertThat(sessions.wakes().deliveries(Agent.Way.CALLED, now, 10)).isEmpty();
        now += 1;
        assertThat(sessions.wakes().deliveries(Agent.Way.CALLED, now, 10)).hasSize(1);
        while (now < first + 600) {
            say("ann");
            now += 50;
        }
        // However much is said.
        assertThat(wakeOf("bot").order().dueAt()).isEqualTo(first + 500);
    }

    @Test
    void agentsDoNotTalkToEachOtherForEver() {
        name(agent("a", Trigger.ALL, false, 0), agent("b", Trigger.ALL, false, 0));
        say("ann");
        settle(claimed("a"), Settlement.DONE, 0);
        settle(claimed("b"), Settlement.DONE, 0);
        int turns = 0;
        for (String speaker = "a"; turns < 100; speaker = speaker.equals("a") ? "b" : "a") {
            say(speaker);
            if (woken().isEmpty()) {
                break;
            }
            turns++;
            settle(claimed(woken().getFirst()), Settlement.DONE, 0);
        }
        assertThat(turns).isEqualTo(WakeMachine.MAX_TURNS);
        say("a");
        assertThat(texts()).filteredOn(text -> text.startsWith("stopped")).hasSize(1);
        say("ann");
        assertThat(woken()).containsExactly("a", "b");
    }

    @Test
    void wakesRestWhileAPersonHasTheControl() {
        name(agent("bot", Trigger.ALL, true, 0), agent("busy", Trigger.ALL, true, 0));
        say("ann");
        Wake busy = claimed("busy");
        control(Mode.PERSON);
        say("ann");
        assertThat(claim("bot")).isEqualTo(new NothingToDo());
        assertThat(sessions.wakes().deliveries(Agent.Way.CALLED, Long.MAX_VALUE / 2, 10))
                .isEmpty();
        settle(busy, Settlement.RELEASE, now);
        assertThat(rows(Table.WAKE_TIMES)).isZero();
        now += 2 * Wake.MAX_AGE_MILLIS;
        control(Mode.AGENT);
        assertThat(sessions.wakes().expiries(now, 10)).isEmpty();
        assertThat(sessions.wakes().deliveries(Agent.Way.CALLED, now, 10)).hasSize(2);
        assertThat(claimed("bot").order().inputs()).hasSize(2);
    }

    private void control(Mode mode) {
        var notice = new Notice("control", "", "", "", null);
        apply(new ChangeControl(
                NAME, now, mode, "ann", false, 0, false, text("control"), new ControlTexts(List.of(), notice, notice)));
    }

    @Test
    void aSessionNamesSoManyAgentsAndNoMore() {
        List<Agent> agents = new ArrayList<>();
        for (int i = 0; i < WakeMachine.MAX_AGENTS; i++) {
            agents.add(agent("a" + i, Trigger.ALL, false, 0));
        }
        name(agents.toArray(Agent[]::new));
        var one = agent("more", Trigger.ALL, false, 0);
        assertThat(apply(new NameAgents(NAME, now, List.of(one), List.of())))
                .isEqualTo(new TooManyAgents(WakeMachine.MAX_AGENTS));
        assertThat(apply(new NameAgents(NAME, now, List.of(one), List.of("a1"))))
                .isEqualTo(new Done());
        say("ann");
        assertThat(woken()).hasSize(WakeMachine.MAX_AGENTS).contains("more").doesNotContain("a1");
        List<String> ids = sessions.wakes().of(state()).stream().map(Wake::id).toList();
        assertThat(ids).doesNotHaveDuplicates();
    }

    @Test
    void anAgentThatIsNoLongerNamedHasNothingToDo() {
        name(agent("bot", Trigger.ALL, true, 0));
        say("ann");
        Wake wake = claimed("bot");
        // Named anew, it comes for the wake itself.
        name(agent("bot", Trigger.ALL, false, 0));
        settle(wake, Settlement.RELEASE, now);
        assertThat(sessions.wakes().deliveries(Agent.Way.CALLED, now, 10)).isEmpty();
        apply(new NameAgents(NAME, now, List.of(), List.of("bot", "other")));
        assertThat(List.of(rows(Table.AGENTS), rows(Table.WAKES), rows(Table.WAKE_TIMES)))
                .containsExactly(0, 0, 0);
        assertThat(claim("bot")).isEqualTo(new NothingToDo());
    }

    @Test
    void nothingIsLeftOfASessionThatWasRemoved() {
        assertThat(claim("bot")).isEqualTo(new NothingToDo());
        name(agent("a", Trigger.ALL, true, 0), agent("b", Trigger.ALL, false, 0));
        apply(new RemoveEmpty(NAME, now));
        assertThat(sessions.find(NAME)).isNotNull();
        say("a");
        claimed("b");
        apply(new Remove(NAME, now));
        assertThat(List.of(rows(Table.AGENTS), rows(Table.WAKES), rows(Table.WAKE_TIMES)))
                .containsExactly(0, 0, 0);
    }

    /** Applies a command that brings what the namespace names. */
    private SessionOutcome apply(long revision, List<Agent> named, SessionCommand<?> command) {
        return apply(with(new Inherited(revision, named), command));
    }

    private static <O extends SessionOutcome> WithAgents<O> with(Inherited inherited, SessionCommand<O> command) {
        return new WithAgents<>(inherited, command);
    }

    @Test
    void whatANamespaceNamesIsWokenAlsoInASessionThatIsMadeByIt() {
        List<Agent> named =
                List.of(agent("bot", Trigger.ALL, false, 0), agent("users", Trigger.USER_MESSAGES, true, 0));
        apply(1, named, saying("ann", null, true));
        assertThat(woken()).containsExactly("bot", "users");
        assertThat(sessions.wakes().agents(state())).isEqualTo(named);
        // What the session has been told once, it knows.
        woken().forEach(agent -> settle(claimed(agent), Settlement.DONE, 0));
        say("bot", "@nobody");
        assertThat(woken()).isEmpty();
        say("ann");
        assertThat(woken()).containsExactly("bot", "users");
    }

    @Test
    void aRefusedCommandMakesNoSessionOfWhatItBrings() {
        List<Agent> named = List.of(agent("bot", Trigger.ALL, false, 0));
        assertThat(apply(1, named, new InvokeAgent(NAME, now, "bot", "e1"))).isEqualTo(new NoSuchAgent("bot"));
        assertThat(sessions.find(NAME)).isNull();
        assertThat(rows(Table.INHERITED)).isZero();
        name(agent("own", Trigger.INVOCATION, false, 0));
        assertThat(apply(1, named, new InvokeAgent(NAME, now, "bot", "e1"))).isInstanceOf(Woken.class);
    }

    @Test
    void aSessionsOwnAgentCountsAndTheOtherIsBackWhenItIsNamedNoLonger() {
        List<Agent> named = List.of(agent("bot", Trigger.ALL, true, 0));
        apply(1, named, saying("ann", null, true));
        assertThat(sessions.wakes().deliveries(Agent.Way.CALLED, now, 10)).hasSize(1);
        apply(1, named, new NameAgents(NAME, now, List.of(agent("bot", Trigger.INVOCATION, false, 0)), List.of()));
        assertThat(sessions.wakes().deliveries(Agent.Way.CALLED, now, 10))
                .as("what it has to do it now comes for itself")
                .isEmpty();
        settle(claimed("bot"), Settlement.DONE, 0);
        apply(1, named, saying("ann", null, true));
        assertThat(woken()).isEmpty();
        // What the namespace says meanwhile changes nothing.
        apply(2, List.of(agent("bot", Trigger.MENTION, true, 0, "@bot")), saying("ann", null, true, "@bot"));
        assertThat(woken()).isEmpty();
        apply(new NameAgents(NAME, now, List.of(), List.of("bot")));
        say("ann", "@bot");
        assertThat(woken()).containsExactly("bot");
        assertThat(sessions.wakes().deliveries(Agent.Way.CALLED, now, 10)).hasSize(1);
    }

    @Test
    void anAgentThatItsNamespaceNamesNoLongerHasNothingToDo() {
        List<Agent> named = List.of(agent("bot", Trigger.ALL, false, 0), agent("kept", Trigger.ALL, false, 0));
        apply(1, named, saying("ann", null, true));
        Wake wake = claimed("bot");
        assertThat(apply(
                        2,
                        List.of(named.getLast()),
                        new SettleWake(NAME, now, "bot", wake.id(), wake.epoch(), Settlement.EXTEND, now + LEASE)))
                .isEqualTo(new NotHeld(wake.id()));
        assertThat(woken()).containsExactly("kept");
        // Who is told of something older keeps what is newer.
        assertThat(apply(1, named, new ClaimWake(NAME, now, "bot", "worker", now + LEASE)))
                .isEqualTo(new NothingToDo());
        assertThat(sessions.wakes().agents(state())).containsExactly(named.getLast());
        apply(3, List.of(), new ExpireWake(NAME, now, "kept"));
        assertThat(List.of(rows(Table.WAKES), rows(Table.WAKE_TIMES))).containsExactly(0, 0);
    }

    @Test
    void aSessionAndItsNamespaceNameAsManyAgentsAsEachMay() {
        List<Agent> own = new ArrayList<>();
        List<Agent> named = new ArrayList<>();
        for (int i = 0; i < WakeMachine.MAX_AGENTS; i++) {
            own.add(agent("a" + i, Trigger.ALL, false, 0));
            named.add(agent("b" + i, Trigger.ALL, false, 0));
        }
        apply(1, named, new NameAgents(NAME, now, own, List.of()));
        apply(1, named, saying("ann", null, true));
        assertThat(woken()).hasSize(2 * WakeMachine.MAX_AGENTS);
        apply(new NameAgents(NAME, now, List.of(), own.stream().map(Agent::id).toList()));
        woken().forEach(agent -> settle(claimed(agent), Settlement.DONE, 0));
        apply(new Remove(NAME, now));
        assertThat(List.of(rows(Table.INHERITED), rows(Table.WAKES), rows(Table.AGENTS)))
                .containsExactly(0, 0, 0);
    }

    @Test
    void whatASessionKnowsOfItsNamespaceDoesNotKeepIt() {
        apply(1, List.of(agent("bot", Trigger.INVOCATION, false, 0)), saying("ann", null, true));
        apply(new Trim(NAME, now, state().last()));
        apply(new RemoveEmpty(NAME, now));
        assertThat(sessions.find(NAME)).isNull();
        assertThat(rows(Table.INHERITED)).isZero();
    }

    private List<SessionName> claimable(String agent) {
        return sessions.wakes().claimable(NAME.app(), agent, Wakes.Place.FIRST, 10).stream()
                .map(Wakes.Claimable::session)
                .toList();
    }

    @Test
    void whatMayBeClaimedIsFoundInAllSessionsByHowLongItIsDue() {
        var other = new SessionName(NAME.app(), NAME.name() + "😀");
        var named =
                new Inherited(1, List.of(agent("bot", Trigger.ALL, false, 0), agent("slow", Trigger.ALL, true, 500)));
        Publish said = saying("ann", null, true);
        apply(with(named, new Publish(other, now, null, said.messages(), said.runs())));
        now += 1;
        apply(with(named, saying("ann", null, true)));
        assertThat(claimable("bot")).containsExactly(other, NAME);
        assertThat(claimable("slow")).containsExactly(other, NAME);
        assertThat(claimable("bo")).isEmpty();
        assertThat(sessions.wakes().claimable("elsewhere", "bot", Wakes.Place.FIRST, 10))
                .isEmpty();
        Wake wake = claimed("bot");
        assertThat(claimable("bot")).containsExactly(other);
        settle(wake, Settlement.RELEASE, now - 1);
        assertThat(claimable("bot"))
                .as("in the order of ids, if they are due since then")
                .hasSize(2);
        apply(new Remove(other, now));
        assertThat(claimable("bot")).containsExactly(NAME);
        settle(claimed("bot"), Settlement.DONE, 0);
        assertThat(claimable("bot")).isEmpty();
    }

    private static Agent shy(Agent agent) {
        return new Agent(
                agent.id(),
                agent.name(),
                agent.endpoint(),
                agent.trigger(),
                agent.patterns(),
                agent.debounceMillis(),
                true,
                agent.gaveUp(),
                agent.loopEnded());
    }

    private void present(PresenceEntry.Action action, String clientId) {
        var event = new PresenceOp(action, "p" + ++said, clientId, text("here"));
        apply(new ChangePresence(NAME, now, null, "c-" + clientId, List.of(event), 10));
    }

    @Test
    void aWakeWaitsWhileNobodyWatchesAndGoesOnWhenSomebodyIsBack() {
        name(shy(agent("bot", Trigger.ALL, true, 0)), agent("other", Trigger.INVOCATION, false, 0));
        say("ann");
        assertThat(claim("bot")).isEqualTo(new NothingToDo());
        assertThat(sessions.wakes().deliveries(Agent.Way.CALLED, now, 10)).isEmpty();
        assertThat(claimable("bot")).isEmpty();
        // Agents are no audience.
        present(PresenceEntry.Action.ENTER, "other");
        present(PresenceEntry.Action.ENTER, "bot");
        assertThat(claim("bot")).isEqualTo(new NothingToDo());
        now += Wake.MAX_AGE_MILLIS;
        assertThat(sessions.wakes().expiries(now, 10)).isEmpty();
        present(PresenceEntry.Action.ENTER, "ann");
        assertThat(sessions.wakes().deliveries(Agent.Way.CALLED, now, 10)).hasSize(1);
        assertThat(claimable("bot")).containsExactly(NAME);
        assertThat(sessions.wakes().expiries(now + Wake.MAX_AGE_MILLIS - 1, 10))
                .as("it waits from now on")
                .isEmpty();
        Wake wake = claimed("bot");
        // Whoever has it goes on although nobody watches, and may give it back.
        apply(new Leave(NAME, now, "c-ann", false));
        assertThat(settle(wake, Settlement.EXTEND, now + LEASE)).isEqualTo(new Done());
        settle(wake, Settlement.RELEASE, now);
        assertThat(claim("bot")).isEqualTo(new NothingToDo());
        present(PresenceEntry.Action.ENTER, "zoe");
        settle(claimed("bot"), Settlement.DONE, 0);
        assertThat(rows(Table.WAKE_TIMES)).isZero();
    }

    @Test
    void aWakeThatNobodyComesToWatchIsGivenUpInWords() {
        name(shy(agent("bot", Trigger.ALL, false, 0)));
        say("ann");
        now += Wake.MAX_UNWATCHED_MILLIS - 1;
        assertThat(sessions.wakes().expiries(now, 10)).isEmpty();
        apply(new ExpireWake(NAME, now, "bot"));
        assertThat(woken()).containsExactly("bot");
        now += 1;
        sessions.wakes().expiries(now, 10).forEach(this::apply);
        assertThat(woken()).isEmpty();
        assertThat(texts()).last().asString().startsWith("gave up ");
    }

    @Test
    void anAgentThatNoLongerNeedsAnAudienceIsWoken() {
        name(shy(agent("bot", Trigger.ALL, false, 0)));
        say("ann");
        assertThat(claimable("bot")).isEmpty();
        // Who watches may become an agent, and an agent may need nobody any more.
        present(PresenceEntry.Action.ENTER, "ann");
        assertThat(claimable("bot")).containsExactly(NAME);
        name(agent("ann", Trigger.INVOCATION, false, 0));
        assertThat(claimable("bot")).isEmpty();
        name(agent("bot", Trigger.ALL, false, 0));
        assertThat(claimable("bot")).containsExactly(NAME);
        settle(claimed("bot"), Settlement.DONE, 0);
        // The same of a namespace.
        apply(new NameAgents(NAME, now, List.of(), List.of("bot")));
        apply(1, List.of(shy(agent("bot", Trigger.ALL, false, 0))), saying("zoe", null, true));
        assertThat(claimable("bot")).isEmpty();
        apply(2, List.of(agent("bot", Trigger.ALL, false, 0)), new ExpireWake(NAME, now, "bot"));
        assertThat(claimable("bot")).containsExactly(NAME);
    }

    @Test
    void aWakeThatRestsForAPersonAlsoWaitsForAnAudience() {
        name(shy(agent("bot", Trigger.ALL, false, 0)));
        present(PresenceEntry.Action.ENTER, "ann");
        say("ann");
        control(Mode.PERSON);
        present(PresenceEntry.Action.LEAVE, "ann");
        present(PresenceEntry.Action.ENTER, "ann");
        assertThat(claimable("bot")).isEmpty();
        present(PresenceEntry.Action.LEAVE, "ann");
        control(Mode.AGENT);
        assertThat(claimable("bot")).isEmpty();
        present(PresenceEntry.Action.ENTER, "ann");
        assertThat(claimable("bot")).containsExactly(NAME);
    }

    private static Agent answering(String id) {
        return new Agent(
                id,
                null,
                new Agent.Endpoint("https://" + id, null, true),
                Trigger.ALL,
                List.of(),
                0,
                false,
                GAVE_UP,
                LOOP);
    }

    private SessionOutcome speak(Wake wake, String text, RunNote... notes) {
        var message = new Create(null, false, wake.agentId(), null, text(text), false);
        var said = new Publish(NAME, now, null, List.of(message), List.of(notes));
        return apply(new Speak(said, wake.agentId(), wake.id(), wake.epoch(), "run"));
    }

    private static RunNote[] begins() {
        RunTexts texts = new RunTexts(text("the end"), LOOP, LOOP, text("taken over"));
        return new RunNote[] {new RunNote.Active("run", null, true), new RunNote.Described("run", texts)};
    }

    private List<String> openRuns() {
        return sessions.runs().of(state()).stream().map(Run::id).toList();
    }

    @Test
    void whoAnswersSpeaksAsLongAsItHasTheWake() {
        name(answering("bot"));
        say("ann");
        assertThat(sessions.wakes().deliveries(Agent.Way.CALLED, now, 10)).isEmpty();
        assertThat(sessions.wakes().deliveries(Agent.Way.STREAMED, now, 10)).containsExactly(new Delivery(NAME, "bot"));
        Wake wake = claimed("bot");
        assertThat(sessions.wakes().nextDelivery(Agent.Way.STREAMED)).isEqualTo(Long.MAX_VALUE);
        speak(wake, "begin", begins());
        assertThat(wakeOf("bot").runId()).isEqualTo("run");
        assertThat(speak(wake, "more")).isInstanceOf(SessionOutcome.Accepted.class);
        speak(wake, "end", new RunNote.Ended("run"));
        assertThat(settle(wake, Settlement.DONE, 0)).isEqualTo(new Done());
        assertThat(speak(wake, "late")).isEqualTo(new NotHeld(wake.id()));
        assertThat(texts()).containsExactly("said", "begin", "more", "end");
        assertThat(woken()).isEmpty();
    }

    @Test
    void whatNobodyHasTheWakeForEndsWithItsLease() {
        name(answering("bot"));
        say("ann");
        Wake wake = claimed("bot");
        speak(wake, "begin", begins());
        now += LEASE;
        apply(new ExpireWake(NAME, now, "bot"));
        assertThat(openRuns()).isEmpty();
        assertThat(speak(wake, "late")).isEqualTo(new NotHeld(wake.id()));
        assertThat(texts()).containsExactly("said", "begin", "the end");
        // Whoever has it next begins nothing with the run of another.
        now = wakeOf("bot").order().dueAt();
        Wake again = claimed("bot");
        assertThat(again.runId()).isNull();
        assertThat(speak(wake, "late")).isEqualTo(new NotHeld(wake.id()));
        settle(again, Settlement.GIVE_UP, 0);
        assertThat(texts()).endsWith("the end", "gave up " + wake.id() + " at " + now);
    }

    @Test
    void whatIsGivenBackOrGivenUpOrDroppedEndsTheRunInTheSameStep() {
        for (int way = 0; way < 4; way++) {
            name(answering("bot"));
            say("ann");
            Wake wake = claimed("bot");
            speak(wake, "begin", begins());
            switch (way) {
                case 0 -> settle(wake, Settlement.RELEASE, now);
                case 1 -> settle(wake, Settlement.GIVE_UP, 0);
                case 2 -> settle(wake, Settlement.DONE, 0);
                default -> apply(new NameAgents(NAME, now, List.of(), List.of("bot")));
            }
            assertThat(openRuns()).as("way %d", way).isEmpty();
            assertThat(speak(wake, "late")).isEqualTo(new NotHeld(wake.id()));
            assertThat(texts()).doesNotContain("late");
            apply(new NameAgents(NAME, now, List.of(), List.of("bot")));
        }
        assertThat(rows(Table.WAKE_TIMES)).isZero();
    }

    @Test
    void aRunThatWaitsForSomebodyStays() {
        name(answering("bot"));
        say("ann");
        Wake wake = claimed("bot");
        speak(wake, "begin", begins());
        speak(wake, "wait", new RunNote.Suspended("run"));
        settle(wake, Settlement.DONE, 0);
        assertThat(openRuns()).containsExactly("run");
    }

    @Test
    void nothingIsSaidWhileAPersonHasTheControl() {
        name(answering("bot"));
        say("ann");
        Wake wake = claimed("bot");
        speak(wake, "begin", begins());
        apply(new ChangeControl(
                NAME,
                now,
                Mode.PERSON,
                "eve",
                false,
                0,
                false,
                text("notice"),
                new ControlTexts(List.of("ai-output"), LOOP, LOOP)));
        assertThat(openRuns()).isEmpty();
        var message = new Create(null, false, "bot", null, new Body("ai-output", Data.of("late"), null, null), false);
        assertThat(apply(new Speak(
                        new Publish(NAME, now, null, List.of(message)), "bot", wake.id(), wake.epoch(), "run")))
                .isInstanceOf(SessionOutcome.TakenOver.class);
        assertThat(texts()).doesNotContain("late");
    }
}
