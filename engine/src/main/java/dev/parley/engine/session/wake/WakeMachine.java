package dev.parley.engine.session.wake;

import dev.parley.engine.session.Agent;
import dev.parley.engine.session.Body;
import dev.parley.engine.session.Control;
import dev.parley.engine.session.Inherited;
import dev.parley.engine.session.Run;
import dev.parley.engine.session.RunNote;
import dev.parley.engine.session.RunNote.Said;
import dev.parley.engine.session.SessionCommand.ClaimWake;
import dev.parley.engine.session.SessionCommand.ExpireWake;
import dev.parley.engine.session.SessionCommand.InvokeAgent;
import dev.parley.engine.session.SessionCommand.MessageOp;
import dev.parley.engine.session.SessionCommand.NameAgents;
import dev.parley.engine.session.SessionCommand.Publish;
import dev.parley.engine.session.SessionCommand.SettleWake;
import dev.parley.engine.session.SessionCommand.Settlement;
import dev.parley.engine.session.SessionCommand.Speak;
import dev.parley.engine.session.SessionOutcome.Accepted;
import dev.parley.engine.session.SessionOutcome.Claimed;
import dev.parley.engine.session.SessionOutcome.Done;
import dev.parley.engine.session.SessionOutcome.NoSuchAgent;
import dev.parley.engine.session.SessionOutcome.NotHeld;
import dev.parley.engine.session.SessionOutcome.NothingToDo;
import dev.parley.engine.session.SessionOutcome.OfAgents;
import dev.parley.engine.session.SessionOutcome.OfClaim;
import dev.parley.engine.session.SessionOutcome.OfInvocation;
import dev.parley.engine.session.SessionOutcome.OfPublish;
import dev.parley.engine.session.SessionOutcome.OfSettlement;
import dev.parley.engine.session.SessionOutcome.TooManyAgents;
import dev.parley.engine.session.SessionOutcome.Woken;
import dev.parley.engine.session.SessionRequest;
import dev.parley.engine.session.SessionState;
import dev.parley.engine.session.Wake;
import dev.parley.engine.session.Wake.Input;
import dev.parley.engine.session.run.RunMachine;
import java.util.Collection;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Which agents are woken by what is said in a session, and who does what they have to do. Pure, as SessionMachine, which calls
 * it.
 */
public final class WakeMachine {
    /** The number of agents that a session names, and the number of those that a namespace names. */
    public static final int MAX_AGENTS = 16;

    /** How many messages agents may wake each other with before a person has said something. */
    public static final int MAX_TURNS = 8;

    private WakeMachine() {}

    /** Names agents. */
    public static OfAgents name(SessionState s, NameAgents c, WakeTx tx) {
        Set<String> awaiting = tx.awaiting(s);
        SortedMap<String, Agent> own = tx.own(s);
        SortedMap<String, Agent> before = tx.agents(s);
        SortedMap<String, Agent> named = new TreeMap<>(own);
        named.keySet().removeAll(c.removed());
        c.agents().forEach(agent -> named.put(agent.id(), agent));
        if (named.size() > MAX_AGENTS) {
            return new TooManyAgents(MAX_AGENTS);
        }
        for (String id : c.removed()) {
            if (!named.containsKey(id) && own.containsKey(id)) {
                // Readers of the session are told.
                tx.put(s);
                tx.removeAgent(s, id);
            }
        }
        for (Agent agent : c.agents()) {
            // The session may be a new one.
            tx.put(s);
            tx.putAgent(s, agent);
        }
        changed(s, before, c.time(), tx);
        audienceChanged(s, awaiting, c.time(), tx);
        return new Done();
    }

    /** Tells a session of the agents of its namespace, unless it knows of newer ones. */
    public static void inherit(SessionState s, Inherited inherited, long time, WakeTx tx) {
        if (inherited.revision() > tx.inherited(s).revision()) {
            Set<String> awaiting = tx.awaiting(s);
            SortedMap<String, Agent> before = tx.agents(s);
            tx.putInherited(s, inherited);
            if (!tx.agents(s).equals(before)) {
                // Readers of the session are told.
                tx.put(s);
                changed(s, before, time, tx);
                audienceChanged(s, awaiting, time, tx);
            }
        }
    }

    /** Nobody does what is still to be done by agents that are named no longer; others are woken as they are named now. */
    private static void changed(SessionState s, SortedMap<String, Agent> before, long time, WakeTx tx) {
        SortedMap<String, Agent> now = tx.agents(s);
        for (String id : before.keySet()) {
            Wake wake = now.containsKey(id) ? null : tx.wake(s, id);
            if (wake != null) {
                endRun(s, wake, time, tx);
                tx.removeWake(s, id);
            }
        }
        for (Agent agent : now.values()) {
            Wake wake = tx.wake(s, agent.id());
            if (wake != null && !agent.equals(before.get(agent.id()))) {
                tx.putWake(s, wake.of(agent));
            }
        }
        if (now.isEmpty()) {
            tx.putTurns(s, 0);
        }
    }

    /**
     * Wakes whom published messages wake.
     *
     * @param before the last position of the session before
     * @param positions of the messages
     */
    public static void heard(SessionState s, long before, Publish c, List<Long> positions, WakeTx tx) {
        for (RunNote note : c.runs()) {
            if (note instanceof Said said
                    && c.messages().get(said.message()) instanceof MessageOp.Create message
                    // Who is woken by a message that is published again was woken before.
                    && positions.get(said.message()) > before) {
                heard(s, said, message.clientId(), positions.get(said.message()), c.time(), tx);
            }
        }
    }

    /**
     * Wakes the agent that waits for the answer to a request, which was just closed: at whose run it was asked, or by whom. An
     * answer that is an input of a run wakes as any other input does.
     *
     * @param answer the messages with the answer, the last that were published; or none
     * @param command the position of the command in the journal, by which its wake is told from others: it need not publish anything
     */
    public static void answered(SessionState s, SessionRequest request, Publish answer, long command, WakeTx tx) {
        long position = tx.now(s).last();
        for (RunNote note : answer.runs()) {
            if (note instanceof Said said
                    && answer.messages().get(said.message()) instanceof MessageOp.Create message) {
                heard(s, said, message.clientId(), position, answer.time(), tx);
                return;
            }
        }
        SortedMap<String, Agent> agents = tx.agents(s);
        Run run = request.terms().runId() == null
                ? null
                : tx.run(s, request.terms().runId());
        String worker = run == null ? null : tx.agentOf(s, run);
        Agent agent = worker == null || !agents.containsKey(worker)
                ? agents.get(Objects.requireNonNullElse(request.terms().by(), ""))
                : agents.get(worker);
        if (agent != null) {
            String id = "r" + Long.toHexString(command);
            wake(s, agent, id, new Input(request.id(), position), answer.time(), tx);
        }
    }

    private static void heard(SessionState s, Said said, @Nullable String author, long position, long time, WakeTx tx) {
        SortedMap<String, Agent> agents = tx.agents(s);
        if (agents.isEmpty()) {
            return;
        }
        boolean byAgent = author != null && agents.containsKey(author);
        if (!byAgent) {
            tx.putTurns(s, 0);
        }
        List<Agent> woken = woken(s, said, byAgent, agents, tx).stream()
                .filter(agent -> !agent.id().equals(author))
                .toList();
        if (byAgent && !woken.isEmpty() && !maySayMore(s, woken.getFirst(), time, tx)) {
            return;
        }
        var input = new Input(said.eventId(), position);
        String id = "w" + Long.toHexString(position);
        for (int i = 0; i < woken.size(); i++) {
            wake(s, woken.get(i), id + "-" + i, input, time, tx);
        }
    }

    /** Counts a message of an agent that wakes another one. Returns false if there were too many of them. */
    private static boolean maySayMore(SessionState s, Agent woken, long time, WakeTx tx) {
        int turns = tx.turns(s);
        if (turns <= MAX_TURNS) {
            tx.putTurns(s, turns + 1);
        }
        if (turns == MAX_TURNS) {
            String id = s.id() + ":loop:" + time;
            tell(s, id, woken.loopEnded().about(Integer.toString(MAX_TURNS), time), time, tx);
        }
        return turns < MAX_TURNS;
    }

    private static Collection<Agent> woken(
            SessionState s, Said said, boolean byAgent, SortedMap<String, Agent> agents, WakeTx tx) {
        Run run = said.runId() == null ? null : tx.run(s, said.runId());
        if (run != null && said.steers() && !run.suspended()) {
            return List.of();
        }
        String at = run == null ? null : tx.agentOf(s, run);
        Agent works = at == null ? null : agents.get(at);
        return works != null
                ? List.of(works)
                : agents.values().stream()
                        .filter(agent -> agent.isWokenBy(said, byAgent))
                        .toList();
    }

    /** Returns the id of what the agent then has to do. */
    private static String wake(SessionState s, Agent agent, String id, Input input, long time, WakeTx tx) {
        Wake known = tx.wake(s, agent.id());
        Wake now = known == null
                ? Wake.of(s.name(), agent, id, input, time)
                : known.and(id, input, time, agent.debounceMillis());
        tx.putWake(tx.now(s), now);
        return now.next() == null ? now.id() : now.next().id();
    }

    /**
     * Wakes an agent because somebody wants it.
     *
     * @param position of the command in the journal
     */
    public static OfInvocation invoke(SessionState s, InvokeAgent c, long position, WakeTx tx) {
        Agent agent = tx.agent(s, c.agentId());
        if (agent == null) {
            return new NoSuchAgent(c.agentId());
        }
        String id = "i" + Long.toHexString(position);
        return new Woken(wake(s, agent, id, new Input(c.eventId(), s.last()), c.time(), tx));
    }

    /** Gives somebody what an agent has to do. */
    public static OfClaim claim(SessionState s, ClaimWake c, WakeTx tx) {
        Wake wake = tx.wake(s, c.agentId());
        if (wake == null
                || wake.isHeld()
                || wake.order().dueAt() > c.time()
                || s.control().mode() == Control.Mode.PERSON
                || tx.isAwaiting(s, c.agentId())) {
            return new NothingToDo();
        }
        Wake given = wake.givenTo(c.holder(), c.until());
        tx.putWake(s, given);
        return new Claimed(given);
    }

    /** Says what becomes of a wake. What is done is done, even if the time for it was over. */
    public static OfSettlement settle(SessionState s, SettleWake c, WakeTx tx) {
        Wake wake = tx.wake(s, c.agentId());
        if (wake == null
                || !wake.isUnder(c.wakeId(), c.epoch())
                || (!wake.isHeld() && c.settlement() != Settlement.DONE)) {
            return new NotHeld(c.wakeId());
        }
        switch (c.settlement()) {
            case DONE -> {
                endRun(s, wake, c.time(), tx);
                end(tx.now(s), wake, tx);
            }
            case EXTEND -> tx.putWake(s, wake.extended(c.until()));
            case RELEASE -> fail(s, wake, c.until(), c.time(), tx);
            case GIVE_UP -> giveUp(s, wake, c.time(), tx);
        }
        return new Done();
    }

    /** Whether what the agent of a wake answers may be said: its holder still has it. */
    public static boolean maySpeak(SessionState s, Speak c, WakeTx tx) {
        Wake wake = tx.wake(s, c.agentId());
        return wake != null && wake.isHeld() && wake.isUnder(c.wakeId(), c.epoch());
    }

    /** Notes in which run something was said. */
    public static void spoken(Speak c, SessionState now, WakeTx tx) {
        Wake wake = tx.wake(now, c.agentId());
        if (wake != null && wake.isHeld() && !c.runId().equals(wake.runId())) {
            tx.putWake(now, wake.in(c.runId()));
        }
    }

    /** Takes a wake back if the time of its holder is over, or gives it up if nobody came. */
    public static void expire(SessionState s, ExpireWake c, WakeTx tx) {
        Wake wake = tx.wake(s, c.agentId());
        if (wake == null) {
            return;
        }
        boolean isAwaiting = !wake.isHeld() && tx.isAwaiting(s, c.agentId());
        if ((isAwaiting ? wake.endsUnwatchedAt() : wake.endsAt()) <= c.time()) {
            if (wake.isHeld()) {
                fail(s, wake, c.time() + Wake.backoffMillis(wake.attempts()), c.time(), tx);
            } else if (s.control().mode() != Control.Mode.PERSON) {
                giveUp(s, wake, c.time(), tx);
            }
        }
    }

    /**
     * Lets wakes wait while nobody watches the session, and go on when somebody is back.
     *
     * @param before the agents that have waited for an audience before
     */
    public static void audienceChanged(SessionState now, Set<String> before, long time, WakeTx tx) {
        Set<String> awaiting = tx.awaiting(now);
        if (awaiting.equals(before)) {
            return;
        }
        boolean rests = now.control().mode() == Control.Mode.PERSON;
        for (Wake wake : tx.wakes(now)) {
            boolean waits = awaiting.contains(wake.agentId());
            if (!wake.isHeld() && waits != before.contains(wake.agentId())) {
                tx.putWake(now, waits || rests ? wake : wake.renewedAt(time));
            }
        }
    }

    private static void fail(SessionState s, Wake wake, long dueAt, long time, WakeTx tx) {
        if (wake.attempts() + 1 < Wake.MAX_ATTEMPTS) {
            endRun(s, wake, time, tx);
            tx.putWake(tx.now(s), wake.failed(dueAt));
        } else {
            giveUp(s, wake, time, tx);
        }
    }

    private static void giveUp(SessionState s, Wake wake, long time, WakeTx tx) {
        endRun(s, wake, time, tx);
        tell(s, s.id() + ":wake:" + wake.id(), wake.gaveUp().about(wake.id(), time), time, tx);
        end(tx.now(s), wake, tx);
    }

    /** Nobody goes on with what the holder of a wake has not ended. */
    private static void endRun(SessionState s, Wake wake, long time, WakeTx tx) {
        if (wake.runId() != null) {
            RunMachine.endLost(tx.now(s), wake.runId(), time, tx.runs());
        }
    }

    private static void end(SessionState s, Wake wake, WakeTx tx) {
        Wake after = wake.after();
        if (after == null) {
            tx.removeWake(s, wake.agentId());
        } else {
            tx.putWake(s, after);
        }
    }

    /** Lets wakes rest while a person has the control, and go on when agents have it back. */
    public static void controlChanged(SessionState now, long time, WakeTx tx) {
        boolean rests = now.control().mode() == Control.Mode.PERSON;
        for (Wake wake : tx.wakes(now)) {
            if (!wake.isHeld()) {
                tx.putWake(now, rests ? wake : wake.renewedAt(time));
            }
        }
    }

    private static void tell(SessionState s, String id, Body body, long time, WakeTx tx) {
        SessionState now = tx.now(s);
        var message = new MessageOp.Create(id, false, null, null, body, false);
        OfPublish outcome = RunMachine.publish(now, new Publish(s.name(), time, null, List.of(message)), tx.runs());
        if (!(outcome instanceof Accepted)) {
            throw new IllegalStateException("a new message was refused: " + outcome);
        }
    }
}
