package dev.parley.engine.session.wake;

import static dev.parley.engine.session.GoldenValues.ID;
import static dev.parley.engine.session.GoldenValues.NAME;
import static dev.parley.engine.session.GoldenValues.SERIAL;

import dev.parley.engine.codec.GoldenBytes;
import dev.parley.engine.session.Agent;
import dev.parley.engine.session.Data;
import dev.parley.engine.session.Inherited;
import dev.parley.engine.session.Notification;
import dev.parley.engine.session.NotifyRule;
import dev.parley.engine.session.RunTexts.Notice;
import dev.parley.engine.session.Wake;
import dev.parley.engine.session.wake.WakeRows.What;
import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The agents of sessions and what they have to do lie in the store as they always did. */
class WakeFormatTest {
    private static final long TIME = 1_700_000_000_000L;
    private static final Notice GAVE_UP = new Notice("wake", "{\"id\":\"", "\",\"at\":", "}", "json");
    private static final Notice LOOP = new Notice("wake", "", ",", "", null);

    @Test
    void wakes() throws IOException {
        GoldenBytes golden = new GoldenBytes("wakes");
        golden.bytes("agentKey", WakeRows.agentKey(ID, "bot ü"));
        golden.example(
                "agent that is called",
                new Agent(
                        "bot",
                        "Bot ü",
                        new Agent.Endpoint("https://bot.example/", Data.of(new byte[] {1, -2})),
                        Agent.Trigger.MENTION,
                        List.of("@bot", "@b*"),
                        300,
                        true,
                        GAVE_UP,
                        LOOP),
                WakeRows::agent,
                WakeRows::agent);
        golden.example(
                "agent that is called without secrets",
                new Agent(
                        "bot",
                        "Bot",
                        new Agent.Endpoint("https://bot.example/", null),
                        Agent.Trigger.ALL,
                        List.of(),
                        0,
                        false,
                        LOOP,
                        GAVE_UP),
                WakeRows::agent,
                WakeRows::agent);
        golden.example(
                "agent that answers what it says",
                new Agent(
                        "bot",
                        null,
                        new Agent.Endpoint("https://bot.example/", Data.of(new byte[] {1, -2}), true),
                        Agent.Trigger.ALL,
                        List.of(),
                        0,
                        false,
                        LOOP,
                        GAVE_UP),
                WakeRows::agent,
                WakeRows::agent);
        golden.example(
                "agent that is called with a text",
                new Agent(
                        "bot",
                        null,
                        new Agent.Endpoint("https://bot.example/", Data.of("täxt")),
                        Agent.Trigger.ALL,
                        List.of(),
                        0,
                        false,
                        LOOP,
                        GAVE_UP),
                WakeRows::agent,
                WakeRows::agent);
        for (Agent.Trigger trigger : List.of(Agent.Trigger.INVOCATION, Agent.Trigger.USER_MESSAGES)) {
            golden.example(
                    "agent that comes itself, for " + trigger,
                    new Agent("bot", null, null, trigger, List.of(), 0, false, GAVE_UP, LOOP),
                    WakeRows::agent,
                    WakeRows::agent);
        }
        golden.bytes("inheritedKey", WakeRows.inheritedKey(ID));
        golden.example(
                "inherited agents",
                new Inherited(
                        300,
                        List.of(new Agent("bot", null, null, Agent.Trigger.ALL, List.of(), 0, false, GAVE_UP, LOOP))),
                WakeRows::inherited,
                WakeRows::inherited);
        golden.example(
                "inherited agents and what is to be told",
                new Inherited(
                        300, List.of(), new NotifyRule(List.of(Notification.Event.values()), List.of("ü"), GAVE_UP)),
                WakeRows::inherited,
                WakeRows::inherited);
        golden.bytes("wakeKey", WakeRows.wakeKey(ID, "bot ü"));
        var order = new Wake.Order("w5-0", List.of(new Wake.Input("event", SERIAL)), SERIAL - 300, TIME, TIME + 300);
        golden.example(
                "wake that nobody has",
                new Wake(NAME, "bot", Agent.Way.CLAIMS, GAVE_UP, order, null, 0, 0, null, 0, null),
                WakeRows::wake,
                WakeRows::wake);
        golden.example(
                "wake that somebody has, with another one behind it",
                new Wake(NAME, "bot", Agent.Way.CALLED, LOOP, order, order, 3, 300, "worker ü", TIME + 600, null),
                WakeRows::wake,
                WakeRows::wake);
        golden.example(
                "wake of an agent that answers in a run",
                new Wake(NAME, "bot", Agent.Way.STREAMED, LOOP, order, null, 3, 300, "call", TIME + 600, "run ü"),
                WakeRows::wake,
                WakeRows::wake);
        golden.bytes("turnsKey", WakeRows.turnsKey(ID));
        golden.example("turns of agents", 8, WakeRows::turns, WakeRows::turns);
        for (What what : What.values()) {
            golden.bytes("timeKey of " + what, WakeRows.timeKey(what, TIME, ID, "bot"));
            golden.bytes("timesStart of " + what, WakeRows.timesStart(what));
            golden.bytes("timesEnd of " + what, WakeRows.timesEnd(what, TIME));
        }
        golden.bytes("claimKey", WakeRows.claimKey("äpp", "bot ü", TIME, ID));
        golden.bytes("claimsEnd", WakeRows.claimsEnd("äpp", "bot ü"));
        golden.bytes("listsEnd", WakeRows.listsEnd());
        golden.example(
                "time of a wake",
                new WakeRows.Whose(NAME, "bot"),
                whose -> WakeRows.time(
                        new Wake(NAME, "bot", Agent.Way.CLAIMS, GAVE_UP, order, null, 0, 0, null, 0, null)),
                WakeRows::time);
        golden.haveAllOf(WakeRows.class);
        golden.complete();
    }
}
