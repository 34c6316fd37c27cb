package dev.parley.engine.session.wake;

import dev.parley.engine.session.Agent;
import dev.parley.engine.session.Control;
import dev.parley.engine.session.Inherited;
import dev.parley.engine.session.Run;
import dev.parley.engine.session.SessionState;
import dev.parley.engine.session.Wake;
import dev.parley.engine.session.log.SessionBatch;
import dev.parley.engine.session.message.Head;
import dev.parley.engine.session.message.MessageTx;
import dev.parley.engine.session.presence.PresenceTx;
import dev.parley.engine.session.run.RunTx;
import dev.parley.engine.session.wake.WakeRows.What;
import dev.parley.engine.session.wake.Wakes.Claimer;
import dev.parley.engine.store.Store.Table;
import dev.parley.engine.store.StoreTx;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.SortedMap;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Agents and wakes as a batch of commands sees and changes them. Not thread-safe. */
public final class WakeTx {
    private final SessionBatch batch;
    private final StoreTx rows;
    private final Wakes reads;
    private final PresenceTx presence;
    private final MessageTx messages;
    private final RunTx runs;

    /** Who may claim something that the batch has put there. */
    private final Set<Claimer> claimers = new LinkedHashSet<>();

    /** What a session knows that the present command may make. */
    private Inherited told = Inherited.NONE;

    /** Begins in {@code batch}. */
    public WakeTx(SessionBatch batch, PresenceTx presence, MessageTx messages, RunTx runs) {
        this.batch = batch;
        this.rows = batch.rows();
        this.reads = new Wakes(rows);
        this.presence = presence;
        this.messages = messages;
        this.runs = runs;
    }

    /** The runs of sessions. */
    RunTx runs() {
        return runs;
    }

    /** The state as it is by now. */
    SessionState now(SessionState s) {
        return Objects.requireNonNull(batch.find(s.name()));
    }

    /** Notes that a session is there. */
    void put(SessionState s) {
        batch.put(s);
    }

    /** What the command brings of the agents of a namespace, for a session that may not be there yet. */
    public void tell(Inherited inherited) {
        told = inherited;
    }

    /** What a session knows of the agents of its namespace. */
    Inherited inherited(SessionState s) {
        return reads.inherited(s);
    }

    /** Whether the present command brings what the namespace names. */
    public boolean isTold() {
        return told.revision() > 0;
    }

    /** What a session knows that may be a new one. */
    public Inherited known(SessionState s) {
        Inherited known = inherited(s);
        return known.revision() == 0 ? told : known;
    }

    /** The ids of the agents of a session. */
    public Set<String> ids(SessionState s) {
        return agents(s).keySet();
    }

    void putInherited(SessionState s, Inherited inherited) {
        rows.put(Table.INHERITED, WakeRows.inheritedKey(s.id()), WakeRows.inherited(inherited));
    }

    /** The agents of a session, by their ids. */
    SortedMap<String, Agent> agents(SessionState s) {
        return Wakes.effective(known(s), reads.own(s));
    }

    @Nullable
    Agent agent(SessionState s, String agentId) {
        return agents(s).get(agentId);
    }

    /** The agents that a session itself names, by their ids. */
    SortedMap<String, Agent> own(SessionState s) {
        return Wakes.effective(Inherited.NONE, reads.own(s));
    }

    void putAgent(SessionState s, Agent agent) {
        rows.put(Table.AGENTS, WakeRows.agentKey(s.id(), agent.id()), WakeRows.agent(agent));
    }

    void removeAgent(SessionState s, String agentId) {
        rows.remove(Table.AGENTS, WakeRows.agentKey(s.id(), agentId));
    }

    /** The agents that are to be woken only while somebody watches, if nobody does: all members are agents. */
    public Set<String> awaiting(SessionState s) {
        SortedMap<String, Agent> agents = agents(s);
        Set<String> waiting = new LinkedHashSet<>();
        for (Agent agent : agents.values()) {
            if (agent.onlyWhenWatched()) {
                waiting.add(agent.id());
            }
        }
        return waiting.isEmpty() || presence.isAnyBut(s, agents.keySet()) ? Set.of() : waiting;
    }

    /** Whether the wakes of an agent wait for somebody to watch the session. */
    boolean isAwaiting(SessionState s, String agentId) {
        return awaiting(s).contains(agentId);
    }

    /** The run with this id, if it is open. */
    @Nullable
    Run run(SessionState s, String runId) {
        return runs.run(s, runId);
    }

    /** The client that has begun a run, or null. */
    @Nullable
    String agentOf(SessionState s, Run run) {
        Head start = messages.head(s, run.since());
        return start == null ? null : start.clientId();
    }

    /** How many messages agents have woken each other with since a person has said something. */
    int turns(SessionState s) {
        byte[] row = rows.get(Table.WAKES, WakeRows.turnsKey(s.id()));
        return row == null ? 0 : WakeRows.turns(row);
    }

    void putTurns(SessionState s, int turns) {
        if (turns > 0) {
            rows.put(Table.WAKES, WakeRows.turnsKey(s.id()), WakeRows.turns(turns));
        } else if (turns(s) > 0) {
            rows.remove(Table.WAKES, WakeRows.turnsKey(s.id()));
        }
    }

    @Nullable
    Wake wake(SessionState s, String agentId) {
        return reads.of(s, agentId);
    }

    List<Wake> wakes(SessionState s) {
        return reads.of(s);
    }

    /**
     * Adds a wake, or replaces it. Nothing becomes of one that nobody has while a person has the control; one that waits for an
     * audience is given up some day.
     */
    void putWake(SessionState s, Wake wake) {
        unlist(s, wake(s, wake.agentId()));
        rows.put(Table.WAKES, WakeRows.wakeKey(s.id(), wake.agentId()), WakeRows.wake(wake));
        byte[] whose = WakeRows.time(wake);
        if (wake.isHeld()) {
            rows.put(Table.WAKE_TIMES, end(s, wake, wake.endsAt()), whose);
        } else if (s.control().mode() != Control.Mode.PERSON) {
            if (isAwaiting(s, wake.agentId())) {
                rows.put(Table.WAKE_TIMES, end(s, wake, wake.endsUnwatchedAt()), whose);
                return;
            }
            rows.put(Table.WAKE_TIMES, end(s, wake, wake.endsAt()), whose);
            rows.put(Table.WAKE_TIMES, claim(s, wake), whose);
            claimers.add(new Claimer(s.name().app(), wake.agentId()));
            if (wake.way() != Agent.Way.CLAIMS) {
                rows.put(Table.WAKE_TIMES, delivery(s, wake), whose);
            }
        }
    }

    void removeWake(SessionState s, String agentId) {
        unlist(s, wake(s, agentId));
        rows.remove(Table.WAKES, WakeRows.wakeKey(s.id(), agentId));
    }

    private void unlist(SessionState s, @Nullable Wake wake) {
        if (wake != null) {
            rows.remove(Table.WAKE_TIMES, end(s, wake, wake.endsAt()));
            if (!wake.isHeld()) {
                rows.remove(Table.WAKE_TIMES, end(s, wake, wake.endsUnwatchedAt()));
                rows.remove(Table.WAKE_TIMES, claim(s, wake));
                if (wake.way() != Agent.Way.CLAIMS) {
                    rows.remove(Table.WAKE_TIMES, delivery(s, wake));
                }
            }
        }
    }

    private static byte[] end(SessionState s, Wake wake, long time) {
        return WakeRows.timeKey(What.END, time, s.id(), wake.agentId());
    }

    private static byte[] delivery(SessionState s, Wake wake) {
        return WakeRows.timeKey(What.of(wake.way()), wake.order().dueAt(), s.id(), wake.agentId());
    }

    private static byte[] claim(SessionState s, Wake wake) {
        return WakeRows.claimKey(s.name().app(), wake.agentId(), wake.order().dueAt(), s.id());
    }

    /** Tells those who wait for something to do, each call by way of {@code each}. The batch must have been shown. */
    public void tell(Wakes shown, Consumer<Runnable> each) {
        shown.tell(claimers, each);
    }

    /** Takes a session off the lists of when something becomes of wakes. */
    public void unlist(SessionState s) {
        wakes(s).forEach(wake -> unlist(s, wake));
    }
}
