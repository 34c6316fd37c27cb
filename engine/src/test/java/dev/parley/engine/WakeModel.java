package dev.parley.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.parley.engine.session.Agent;
import dev.parley.engine.session.Body;
import dev.parley.engine.session.Data;
import dev.parley.engine.session.Inherited;
import dev.parley.engine.session.NotifyRule;
import dev.parley.engine.session.Run;
import dev.parley.engine.session.RunNote;
import dev.parley.engine.session.RunTexts;
import dev.parley.engine.session.SessionCommand.ClaimWake;
import dev.parley.engine.session.SessionCommand.ExpireWake;
import dev.parley.engine.session.SessionCommand.InvokeAgent;
import dev.parley.engine.session.SessionCommand.NameAgents;
import dev.parley.engine.session.SessionCommand.SettleWake;
import dev.parley.engine.session.SessionCommand.Speak;
import dev.parley.engine.session.SessionName;
import dev.parley.engine.session.SessionOutcome;
import dev.parley.engine.session.SessionRequest;
import dev.parley.engine.session.Wake;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * What agents of a session have to do, as it is described: each works at one thing, and what comes meanwhile is one other thing.
 *
 * <p>Shares no code with the state machine.
 */
final class WakeModel {
    private static final int AGENTS = 16;
    private static final int TURNS = 8;
    private static final int ATTEMPTS = 16;
    private static final int INPUTS = 16;
    private static final long DAY = 86_400_000;
    private static final long WEEK = 7 * DAY;

    /** Something to do. */
    record Job(String id, List<Wake.Input> inputs, long made, long due) {
        Job and(Wake.Input input, long time, long debounce) {
            List<Wake.Input> all = new ArrayList<>(inputs);
            all.add(input);
            return new Job(id, all, made, Math.max(due, Math.min(time + debounce, made + 5 * debounce)));
        }

        Job dueAt(long time) {
            return new Job(id, inputs, made, time);
        }
    }

    /** What one agent is busy with. */
    record Desk(
            Agent.Way way,
            RunTexts.Notice gaveUp,
            Job job,
            @Nullable Job later,
            int failures,
            long handedOut,
            @Nullable String holder,
            long until,
            @Nullable String run) {
        boolean isTaken() {
            return until > 0;
        }

        Desk free(Job again, int failed) {
            return new Desk(way, gaveUp, again, later, failed, handedOut, holder, 0, null);
        }
    }

    /** Says something in the session, or ends a run that an agent has left. */
    interface Voice {
        void say(String id, Body body);

        void end(String runId);
    }

    /** Those that the session names, and those that it has from its namespace. */
    private final TreeMap<String, Agent> own = new TreeMap<>();

    private Inherited inherited = Inherited.NONE;

    /** Those that count. */
    private final TreeMap<String, Agent> agents = new TreeMap<>();

    private final TreeMap<String, Desk> desks = new TreeMap<>();
    private int turns;

    WakeModel copy() {
        WakeModel copy = new WakeModel();
        copy.own.putAll(own);
        copy.inherited = inherited;
        copy.agents.putAll(agents);
        copy.desks.putAll(desks);
        copy.turns = turns;
        return copy;
    }

    boolean isEmpty() {
        return own.isEmpty() && desks.isEmpty() && turns == 0;
    }

    private Agent agent(String id) {
        return Objects.requireNonNull(agents.get(id));
    }

    /** The ids of some of the agents. */
    Set<String> ids(Predicate<Agent> which) {
        return agents.values().stream().filter(which).map(Agent::id).collect(Collectors.toSet());
    }

    List<Agent> agents() {
        return List.copyOf(agents.values());
    }

    int ownAgents() {
        return own.size();
    }

    int rows() {
        return desks.size() + (turns > 0 ? 1 : 0);
    }

    /** The wakes as the store has them. */
    List<Wake> wakes(SessionName session) {
        List<Wake> wakes = new ArrayList<>();
        desks.forEach((agent, desk) -> wakes.add(wake(session, agent, desk)));
        return wakes;
    }

    private static Wake wake(SessionName session, String agent, Desk desk) {
        return new Wake(
                session,
                agent,
                desk.way,
                desk.gaveUp,
                order(desk.job),
                desk.later == null ? null : order(desk.later),
                desk.failures,
                desk.handedOut,
                desk.holder,
                desk.until,
                desk.run);
    }

    private static Wake.Order order(Job job) {
        List<Wake.Input> all = job.inputs;
        return new Wake.Order(
                job.id,
                all.subList(Math.max(0, all.size() - INPUTS), all.size()),
                all.getFirst().position(),
                job.made,
                job.due);
    }

    /** When each agent's wake ends by itself, but for those that rest. */
    Map<String, Long> ends(boolean rests, Set<String> unwatched) {
        Map<String, Long> ends = new TreeMap<>();
        desks.forEach((agent, desk) -> {
            if (desk.isTaken()) {
                ends.put(agent, desk.until);
            } else if (!rests) {
                ends.put(agent, desk.job.made + (unwatched.contains(agent) ? WEEK : DAY));
            }
        });
        return ends;
    }

    boolean isClaimable(String agent, boolean rests, Set<String> unwatched) {
        Desk desk = desks.get(agent);
        return desk != null && !desk.isTaken() && !rests && !unwatched.contains(agent);
    }

    /** The agents that may be called until {@code now}. */
    List<String> calls(Agent.Way way, boolean rests, Set<String> unwatched, long now) {
        return desks.entrySet().stream()
                .filter(desk -> desk.getValue().way == way
                        && !rests
                        && !unwatched.contains(desk.getKey())
                        && !desk.getValue().isTaken()
                        && desk.getValue().job.due <= now)
                .map(Map.Entry::getKey)
                .toList();
    }

    Object name(NameAgents c, Voice voice) {
        TreeMap<String, Agent> named = new TreeMap<>(own);
        c.removed().forEach(named::remove);
        for (Agent agent : c.agents()) {
            named.put(agent.id(), agent);
        }
        if (named.size() > AGENTS) {
            return new SessionOutcome.TooManyAgents(AGENTS);
        }
        own.clear();
        own.putAll(named);
        count(voice);
        return new SessionOutcome.Done();
    }

    /** What the application wants to be told. */
    @Nullable
    NotifyRule rule() {
        return inherited.rule();
    }

    /** The session is told of the agents of its namespace. */
    void inherit(Inherited news, Voice voice) {
        if (news.revision() > inherited.revision()) {
            inherited = news;
            count(voice);
        }
    }

    private void count(Voice voice) {
        agents.clear();
        inherited.agents().forEach(agent -> agents.put(agent.id(), agent));
        agents.putAll(own);
        desks.forEach((id, desk) -> {
            if (!agents.containsKey(id)) {
                over(desk, voice);
            }
        });
        desks.keySet().retainAll(agents.keySet());
        desks.replaceAll((id, d) -> new Desk(
                agent(id).way(),
                agent(id).gaveUp(),
                d.job,
                d.later,
                d.failures,
                d.handedOut,
                d.holder,
                d.until,
                d.run));
        if (agents.isEmpty()) {
            turns = 0;
        }
    }

    /**
     * Somebody says something.
     *
     * @param run the open run that it is said to, or null
     * @param worker the client that has begun this run, or null
     */
    void hear(
            RunNote.Said said,
            @Nullable String author,
            @Nullable Run run,
            @Nullable String worker,
            long position,
            long time,
            Voice voice) {
        boolean byAgent = author != null && agents.containsKey(author);
        if (!byAgent) {
            turns = 0;
        }
        if (run != null && said.steers() && !run.suspended()) {
            return;
        }
        List<Agent> woken = new ArrayList<>();
        for (Agent agent : agents.values()) {
            boolean mentioned = said.mentions().stream()
                    .anyMatch(mention -> agent.patterns().contains(mention)
                            || agent.patterns().stream()
                                    .anyMatch(pattern -> pattern.endsWith("*")
                                            && (mention + "*").startsWith(pattern.substring(0, pattern.length() - 1))));
            boolean triggered = switch (agent.trigger()) {
                case INVOCATION -> false;
                case MENTION -> mentioned;
                case USER_MESSAGES -> mentioned || !byAgent;
                case ALL -> true;
            };
            boolean worksAtIt = run != null && agent.id().equals(worker);
            boolean otherWorksAtIt = run != null && worker != null && agents.containsKey(worker) && !worksAtIt;
            if ((worksAtIt || (triggered && !otherWorksAtIt)) && !agent.id().equals(author)) {
                woken.add(agent);
            }
        }
        if (byAgent && !woken.isEmpty()) {
            turns = Math.min(turns + 1, TURNS + 2);
            if (turns == TURNS + 1) {
                voice.say("loop", told(woken.getFirst().loopEnded(), "" + TURNS, time));
            }
            if (turns > TURNS) {
                turns = TURNS + 1;
                return;
            }
        }
        int which = 0;
        for (Agent agent : woken) {
            wake(agent, "w%x-%d".formatted(position, which++), new Wake.Input(said.eventId(), position), time);
        }
    }

    /** The answer for which somebody waits is there: who works at its run is told, or who has asked. */
    void answered(SessionRequest request, @Nullable String worker, long position, long time, long command) {
        String by = request.terms().by();
        Agent agent =
                worker != null && agents.containsKey(worker) ? agents.get(worker) : by == null ? null : agents.get(by);
        if (agent != null) {
            wake(agent, "r%x".formatted(command), new Wake.Input(request.id(), position), time);
        }
    }

    private static Body told(RunTexts.Notice notice, String about, long time) {
        String data = notice.start() + about + notice.middle() + time + notice.rest();
        return new Body(notice.name(), Data.of(data), notice.encoding(), null);
    }

    private String wake(Agent agent, String id, Wake.Input input, long time) {
        long debounce = agent.debounceMillis();
        Desk desk = desks.get(agent.id());
        Job fresh = new Job(id, List.of(input), time, time + debounce);
        Desk now;
        if (desk == null) {
            now = new Desk(agent.way(), agent.gaveUp(), fresh, null, 0, 0, null, 0, null);
        } else if (desk.handedOut == 0) {
            Job more = desk.job.and(input, time, debounce);
            now = new Desk(desk.way, desk.gaveUp, more, null, desk.failures, 0, desk.holder, desk.until, null);
        } else {
            Job later = desk.later == null ? fresh : desk.later.and(input, time, debounce);
            now = new Desk(
                    desk.way,
                    desk.gaveUp,
                    desk.job,
                    later,
                    desk.failures,
                    desk.handedOut,
                    desk.holder,
                    desk.until,
                    desk.run);
        }
        desks.put(agent.id(), now);
        return now.later == null ? now.job.id : now.later.id;
    }

    Object invoke(InvokeAgent c, long journal, long last) {
        Agent agent = agents.get(c.agentId());
        return agent == null
                ? new SessionOutcome.NoSuchAgent(c.agentId())
                : new SessionOutcome.Woken(
                        wake(agent, "i%x".formatted(journal), new Wake.Input(c.eventId(), last), c.time()));
    }

    Object claim(ClaimWake c, boolean rests, Set<String> unwatched) {
        Desk desk = desks.get(c.agentId());
        if (desk == null || !isClaimable(c.agentId(), rests, unwatched) || desk.job.due > c.time()) {
            return new SessionOutcome.NothingToDo();
        }
        Desk now = new Desk(
                desk.way,
                desk.gaveUp,
                desk.job,
                desk.later,
                desk.failures,
                desk.handedOut + 1,
                c.holder(),
                c.until(),
                null);
        desks.put(c.agentId(), now);
        return new SessionOutcome.Claimed(wake(c.session(), c.agentId(), now));
    }

    Object settle(SettleWake c, Voice voice) {
        Desk desk = desks.get(c.agentId());
        boolean theirs = desk != null && desk.job.id.equals(c.wakeId()) && desk.handedOut == c.epoch();
        if (desk == null || !theirs) {
            return new SessionOutcome.NotHeld(c.wakeId());
        }
        boolean done = c.settlement().name().equals("DONE");
        if (!desk.isTaken() && !done) {
            return new SessionOutcome.NotHeld(c.wakeId());
        }
        switch (c.settlement()) {
            case DONE -> {
                over(desk, voice);
                leave(c.agentId(), desk);
            }
            case EXTEND ->
                desks.put(
                        c.agentId(),
                        new Desk(
                                desk.way,
                                desk.gaveUp,
                                desk.job,
                                desk.later,
                                desk.failures,
                                desk.handedOut,
                                desk.holder,
                                Math.max(desk.until, c.until()),
                                desk.run));
            case RELEASE -> failed(c.agentId(), desk, c.until(), c.time(), voice);
            case GIVE_UP -> giveUp(c.agentId(), desk, c.time(), voice);
        }
        return new SessionOutcome.Done();
    }

    void expire(ExpireWake c, boolean rests, Set<String> unwatched, Voice voice) {
        Desk desk = desks.get(c.agentId());
        if (desk != null && desk.isTaken() && desk.until <= c.time()) {
            long pause = Math.min(60_000, (long) Math.scalb(1_000, Math.min(desk.failures, 10)));
            failed(c.agentId(), desk, c.time() + pause, c.time(), voice);
        } else if (desk != null
                && !desk.isTaken()
                && desk.job.made + (unwatched.contains(c.agentId()) ? WEEK : DAY) <= c.time()
                && !rests) {
            giveUp(c.agentId(), desk, c.time(), voice);
        }
    }

    private void failed(String agent, Desk desk, long dueAt, long time, Voice voice) {
        if (desk.failures == ATTEMPTS - 1) {
            giveUp(agent, desk, time, voice);
        } else {
            over(desk, voice);
            desks.put(agent, desk.free(desk.job.dueAt(dueAt), desk.failures + 1));
        }
    }

    private void giveUp(String agent, Desk desk, long time, Voice voice) {
        over(desk, voice);
        voice.say("wake:" + desk.job.id, told(desk.gaveUp, desk.job.id, time));
        leave(agent, desk);
    }

    /** Whoever has worked at it works no longer. */
    private static void over(Desk desk, Voice voice) {
        if (desk.run != null) {
            voice.end(desk.run);
        }
    }

    boolean maySpeak(Speak c) {
        Desk desk = desks.get(c.agentId());
        return desk != null && desk.isTaken() && desk.job.id.equals(c.wakeId()) && desk.handedOut == c.epoch();
    }

    void spoken(Speak c) {
        desks.computeIfPresent(
                c.agentId(),
                (agent, desk) -> new Desk(
                        desk.way,
                        desk.gaveUp,
                        desk.job,
                        desk.later,
                        desk.failures,
                        desk.handedOut,
                        desk.holder,
                        desk.until,
                        c.runId()));
    }

    private void leave(String agent, Desk desk) {
        if (desk.later == null) {
            desks.remove(agent);
        } else {
            desks.put(agent, new Desk(desk.way, desk.gaveUp, desk.later, null, 0, 0, null, 0, null));
        }
    }

    /** Agents have the control back, or somebody watches: what has waited for it waits from now on. */
    void goOn(long time, Predicate<String> which) {
        desks.replaceAll((agent, desk) -> desk.isTaken() || !which.test(agent)
                ? desk
                : desk.free(new Job(desk.job.id, desk.job.inputs, time, Math.max(desk.job.due, time)), desk.failures));
    }

    /** Nothing is left out, and nothing is done twice. */
    void check() {
        assertThat(agents.keySet()).containsAll(desks.keySet());
    }
}
