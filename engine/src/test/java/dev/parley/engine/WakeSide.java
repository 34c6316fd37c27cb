package dev.parley.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.parley.engine.SessionModel.Room;
import dev.parley.engine.session.Agent;
import dev.parley.engine.session.Data;
import dev.parley.engine.session.RunNote;
import dev.parley.engine.session.RunTexts;
import dev.parley.engine.session.SessionCommand;
import dev.parley.engine.session.SessionCommand.ClaimWake;
import dev.parley.engine.session.SessionCommand.ExpireWake;
import dev.parley.engine.session.SessionCommand.InvokeAgent;
import dev.parley.engine.session.SessionCommand.NameAgents;
import dev.parley.engine.session.SessionCommand.Publish;
import dev.parley.engine.session.SessionCommand.SettleWake;
import dev.parley.engine.session.SessionCommand.Settlement;
import dev.parley.engine.session.SessionCommand.Speak;
import dev.parley.engine.session.SessionName;
import dev.parley.engine.session.Wake;
import dev.parley.engine.session.wake.Wakes;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** The agents of the sessions of a {@link History}: who names them, who works for them, and what must hold. */
final class WakeSide {
    /** Some of them are clients that also say things otherwise. */
    private static final List<String> AGENTS = List.of("ben", "bot", "cid");

    private static final List<String> MENTIONS = List.of("@ben", "@bot", "@bo");
    private static final List<String> PATTERNS = List.of("@ben", "@bot", "@bo*", "*");
    private static final List<String> WORKERS = List.of("one", "two");

    private static final List<Agent.Way> CALLS = List.of(Agent.Way.CALLED, Agent.Way.STREAMED);

    private final SplittableRandom random;
    private int made;

    WakeSide(SplittableRandom random) {
        this.random = random;
    }

    private <T> T oneOf(List<T> choices) {
        return choices.get(random.nextInt(choices.size()));
    }

    SessionCommand<?> command(SessionName name, @Nullable Room room, long now) {
        List<Wake> wakes = room == null ? List.of() : room.wakes.wakes(name);
        return switch (random.nextInt(8)) {
            case 0, 1 -> name(name, now);
            case 2 -> new InvokeAgent(name, now, oneOf(AGENTS), "event" + made++);
            case 3, 4 -> new ClaimWake(name, now, oneOf(AGENTS), oneOf(WORKERS), now + 1 + random.nextInt(60));
            case 5, 6 -> settle(name, wakes, now);
            default -> new ExpireWake(name, now, oneOf(AGENTS));
        };
    }

    private NameAgents name(SessionName name, long now) {
        List<Agent> agents = new ArrayList<>();
        int count = random.nextInt(25) == 0 ? 17 : random.nextInt(3);
        for (int i = 0; i < count; i++) {
            agents.add(agent(count > AGENTS.size() ? "agent" + i : oneOf(AGENTS)));
        }
        return new NameAgents(name, now, agents, random.nextInt(3) == 0 ? List.of(oneOf(AGENTS)) : List.of());
    }

    private Agent agent(String id) {
        return new Agent(
                id,
                null,
                random.nextBoolean()
                        ? null
                        : new Agent.Endpoint("url" + made++, Data.of(new byte[] {1}), random.nextBoolean()),
                oneOf(List.of(Agent.Trigger.values())),
                random.nextBoolean() ? List.of() : List.of(oneOf(PATTERNS)),
                random.nextInt(20),
                random.nextInt(3) == 0,
                new RunTexts.Notice("gave up", made++ + "(", ",", ")", null),
                new RunTexts.Notice("loop", made++ + "(", ",", ")", null));
    }

    /** Mostly as its holder; now and then late, or of another wake. */
    private SettleWake settle(SessionName name, List<Wake> wakes, long now) {
        Settlement settlement = random.nextBoolean() ? Settlement.DONE : oneOf(List.of(Settlement.values()));
        long until = now + random.nextInt(80);
        if (wakes.isEmpty()) {
            return new SettleWake(name, now, oneOf(AGENTS), "w1-0", 1, settlement, until);
        }
        Wake wake = oneOf(wakes);
        String id = random.nextInt(8) == 0 ? "w1-0" : wake.id();
        long epoch = random.nextInt(5) == 0 ? wake.epoch() + 1 - random.nextInt(3) : wake.epoch();
        return new SettleWake(name, now, wake.agentId(), id, Math.max(0, epoch), settlement, until);
    }

    /** What an agent says that is called; now and then under a lease that is over, or that never was. */
    SessionCommand<?> speak(Publish said, @Nullable Room room, String runId) {
        List<Wake> wakes = room == null ? List.of() : room.wakes.wakes(said.session());
        if (wakes.isEmpty()) {
            return said;
        }
        Wake wake = oneOf(wakes);
        String id = random.nextInt(8) == 0 ? "w1-0" : wake.id();
        long epoch = random.nextInt(5) == 0 ? wake.epoch() + 1 - random.nextInt(3) : wake.epoch();
        var alone = new Publish(said.session(), said.time(), null, said.messages(), said.runs());
        return new Speak(alone, wake.agentId(), id, Math.max(0, epoch), runId);
    }

    RunNote.Said said(int message, @Nullable String runId) {
        return new RunNote.Said(
                message,
                "event" + made++,
                runId,
                random.nextBoolean(),
                random.nextBoolean() ? List.of() : List.of(oneOf(MENTIONS)));
    }

    /** What is due by itself, and who is to be called. */
    void compare(Wakes wakes, Map<SessionName, Room> rooms) {
        long late = 1L << 50;
        List<ExpireWake> ends = new ArrayList<>();
        Map<Agent.Way, List<Wakes.Delivery>> calls = new EnumMap<>(Agent.Way.class);
        CALLS.forEach(way -> calls.put(way, new ArrayList<>()));
        rooms.forEach((name, room) -> {
            room.wakes.check();
            room.wakes
                    .ends(room.rests(), room.unwatched())
                    .keySet()
                    .forEach(agent -> ends.add(new ExpireWake(name, late, agent)));
            calls.forEach((way, due) -> room.wakes
                    .calls(way, room.rests(), room.unwatched(), late)
                    .forEach(agent -> due.add(new Wakes.Delivery(name, agent))));
        });
        assertThat(wakes.expiries(late, 1000)).containsExactlyInAnyOrderElementsOf(ends);
        calls.forEach(
                (way, due) -> assertThat(wakes.deliveries(way, late, 1000)).containsExactlyInAnyOrderElementsOf(due));
        compareClaims(wakes, rooms);
    }

    /** What may be claimed, agent by agent, in parts of three; what has been due for longest comes first. */
    private static void compareClaims(Wakes wakes, Map<SessionName, Room> rooms) {
        Set<String> agents = new HashSet<>();
        rooms.values()
                .forEach(room -> agents.addAll(room.wakes.ends(false, Set.of()).keySet()));
        Set<String> apps = rooms.keySet().stream().map(SessionName::app).collect(Collectors.toSet());
        for (String app : apps) {
            for (String agent : agents) {
                List<SessionName> expected = new ArrayList<>();
                rooms.forEach((name, room) -> {
                    if (name.app().equals(app) && room.wakes.isClaimable(agent, room.rests(), room.unwatched())) {
                        expected.add(name);
                    }
                });
                List<Wakes.Claimable> found = new ArrayList<>();
                List<Wakes.Claimable> part = wakes.claimable(app, agent, Wakes.Place.FIRST, 3);
                while (!part.isEmpty()) {
                    found.addAll(part);
                    part = wakes.claimable(app, agent, part.getLast().place(), 3);
                }
                assertThat(found.stream().map(Wakes.Claimable::session)).containsExactlyInAnyOrderElementsOf(expected);
                assertThat(found.stream().map(each -> each.place().dueAt())).isSorted();
            }
        }
    }
}
