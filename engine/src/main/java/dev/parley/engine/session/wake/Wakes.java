package dev.parley.engine.session.wake;

import dev.parley.engine.session.Agent;
import dev.parley.engine.session.Inherited;
import dev.parley.engine.session.SessionCommand.ExpireWake;
import dev.parley.engine.session.SessionName;
import dev.parley.engine.session.SessionState;
import dev.parley.engine.session.Wake;
import dev.parley.engine.session.log.SessionRows;
import dev.parley.engine.session.wake.WakeRows.What;
import dev.parley.engine.store.Store.Range;
import dev.parley.engine.store.Store.Row;
import dev.parley.engine.store.Store.Table;
import dev.parley.engine.store.View;
import java.util.Collection;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** The agents that sessions name, and what they have to do. As thread-safe as the view; reads block on the disk. */
public final class Wakes {
    private final View view;
    private final List<Listener> listeners = new CopyOnWriteArrayList<>();

    /** Reads what {@code view} shows. */
    public Wakes(View view) {
        this.view = view;
    }

    /**
     * Something that may be delivered.
     *
     * @param agentId the agent that is to be called
     */
    public record Delivery(SessionName session, String agentId) {}

    /** The place of something in the list of what an agent may claim. */
    public record Place(long dueAt, long session) {
        /** Before everything that may be claimed. */
        public static final Place FIRST = new Place(0, 0);
    }

    /** Something that an agent may claim from a time on. */
    public record Claimable(SessionName session, Place place) {}

    /** Is told that an agent has something to do. Called by an engine thread: it must return at once. */
    @FunctionalInterface
    public interface Listener {
        /** The agent of this app may claim something, now or when its time comes. */
        void mayClaim(String app, String agentId);
    }

    /** Who may claim something. */
    record Claimer(String app, String agentId) {}

    /** Tells {@code listener} of all that may be claimed from now on. */
    public void listen(Listener listener) {
        listeners.add(listener);
    }

    void tell(Collection<Claimer> claimers, Consumer<Runnable> each) {
        for (Listener listener : listeners) {
            claimers.forEach(claimer -> each.accept(() -> listener.mayClaim(claimer.app(), claimer.agentId())));
        }
    }

    /**
     * What an agent may claim in the sessions of an app after {@code after}: what has been due for longest first, then what is due
     * later, at most {@code limit}.
     */
    public List<Claimable> claimable(String app, String agentId, Place after, int limit) {
        byte[] from = WakeRows.claimKey(app, agentId, after.dueAt(), after.session() + 1);
        return view.list(Table.WAKE_TIMES, from, WakeRows.claimsEnd(app, agentId), limit).stream()
                .map(row -> new Claimable(WakeRows.time(row.value()).session(), WakeRows.place(row.key())))
                .toList();
    }

    /** The range of keys of the lists of when something becomes of wakes, which all sessions share. */
    public static Range times() {
        return new Range(Table.WAKE_TIMES, WakeRows.timesStart(What.END), WakeRows.listsEnd());
    }

    /** The agents of a session, by their ids: its own, and those of its namespace of which it knows. */
    public List<Agent> agents(SessionState session) {
        return List.copyOf(effective(inherited(session), own(session)).values());
    }

    /** Of agents with the same id, the own one counts. */
    static SortedMap<String, Agent> effective(Inherited inherited, List<Agent> own) {
        SortedMap<String, Agent> agents = new TreeMap<>();
        inherited.agents().forEach(agent -> agents.put(agent.id(), agent));
        own.forEach(agent -> agents.put(agent.id(), agent));
        return agents;
    }

    /** What a session knows of the agents of its namespace. */
    Inherited inherited(SessionState session) {
        byte[] row = view.get(Table.INHERITED, WakeRows.inheritedKey(session.id()));
        return row == null ? Inherited.NONE : WakeRows.inherited(row);
    }

    /** The agents that a session itself names, by their ids. */
    public List<Agent> own(SessionState session) {
        return view
                .list(
                        Table.AGENTS,
                        SessionRows.idKey(session.id()),
                        SessionRows.idKey(session.id() + 1),
                        WakeMachine.MAX_AGENTS)
                .stream()
                .map(row -> WakeRows.agent(row.value()))
                .toList();
    }

    /** An agent that a session itself names, or null. */
    public @Nullable Agent own(SessionState session, String agentId) {
        byte[] row = view.get(Table.AGENTS, WakeRows.agentKey(session.id(), agentId));
        return row == null ? null : WakeRows.agent(row);
    }

    /** The wakes of a session, by their agents. */
    public List<Wake> of(SessionState session) {
        return view
                .list(
                        Table.WAKES,
                        WakeRows.wakeKey(session.id(), ""),
                        SessionRows.idKey(session.id() + 1),
                        2 * WakeMachine.MAX_AGENTS)
                .stream()
                .map(row -> WakeRows.wake(row.value()))
                .toList();
    }

    /** What an agent of a session has to do, or null. */
    public @Nullable Wake of(SessionState session, String agentId) {
        byte[] row = view.get(Table.WAKES, WakeRows.wakeKey(session.id(), agentId));
        return row == null ? null : WakeRows.wake(row);
    }

    /** The wakes that are to be taken back or given up at {@code now}, at most {@code limit} commands. */
    public List<ExpireWake> expiries(long now, int limit) {
        return due(What.END, now, limit).stream()
                .map(row -> WakeRows.time(row.value()))
                .map(whose -> new ExpireWake(whose.session(), now, whose.agentId()))
                .toList();
    }

    /**
     * The wakes that may be delivered at {@code now}, at most {@code limit}; those that have waited longest first.
     *
     * @param way how their agents are called
     */
    public List<Delivery> deliveries(Agent.Way way, long now, int limit) {
        return due(What.of(way), now, limit).stream()
                .map(row -> WakeRows.time(row.value()))
                .map(whose -> new Delivery(whose.session(), whose.agentId()))
                .toList();
    }

    /** When the first wake may be delivered in this way that waits for it; {@link Long#MAX_VALUE} if there is none. */
    public long nextDelivery(Agent.Way way) {
        return due(What.of(way), Long.MAX_VALUE - 1, 1).stream()
                .mapToLong(row -> WakeRows.dueAt(row.key()))
                .findFirst()
                .orElse(Long.MAX_VALUE);
    }

    private List<Row> due(What what, long now, int limit) {
        return view.list(Table.WAKE_TIMES, WakeRows.timesStart(what), WakeRows.timesEnd(what, now), limit);
    }
}
