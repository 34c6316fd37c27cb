package dev.parley.engine.subscription;

import dev.parley.engine.codec.GoldenBytes;
import dev.parley.engine.memory.Owner;
import dev.parley.engine.subscription.SubscriptionConfig.PullWake;
import dev.parley.engine.subscription.SubscriptionConfig.Webhook;
import dev.parley.engine.subscription.SubscriptionState.Wake;
import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Subscriptions lie in the store as they always did. */
class SubscriptionFormatTest {
    private static final long ID = 0x0102_0304_0506L;
    private static final long TIME = 1_800_000_000_000L;

    @Test
    void rows() throws IOException {
        GoldenBytes golden = new GoldenBytes("subscriptions");
        golden.bytes("stateKey", SubscriptionRows.stateKey("sub"));
        golden.bytes("firstStateKey", SubscriptionRows.firstStateKey());
        golden.bytes("lastStateKey", SubscriptionRows.lastStateKey());
        golden.old(
                "state of a webhook at work",
                new SubscriptionState(
                        "sub",
                        ID,
                        new SubscriptionConfig(
                                new Webhook("https://example.com/hook"), "dir/*", List.of("s"), 30_000, "for people"),
                        "hash",
                        "http://localhost:4437",
                        null,
                        TIME,
                        2,
                        300,
                        new Wake("wake", "s", TIME, true, "worker", TIME + 30_000),
                        3,
                        TIME + 9),
                SubscriptionRows::state);
        golden.old(
                "state of a pull-wake that nobody has claimed",
                new SubscriptionState(
                        "sub",
                        ID,
                        new SubscriptionConfig(new PullWake("wakes"), null, List.of("s"), 30_000, null),
                        "hash",
                        "",
                        null,
                        TIME,
                        1,
                        1,
                        new Wake("wake", "s", TIME, false, null, SubscriptionState.NO_LEASE),
                        0,
                        0),
                SubscriptionRows::state);
        golden.old(
                "state of a subscription at rest",
                new SubscriptionState(
                        "sub",
                        ID,
                        new SubscriptionConfig(new PullWake("wakes"), null, List.of(), 30_000, null),
                        "hash",
                        "",
                        null,
                        TIME,
                        0,
                        0,
                        null,
                        0,
                        0),
                SubscriptionRows::state);
        golden.example(
                "state of a webhook at work, with an owner",
                new SubscriptionState(
                        "sub",
                        ID,
                        new SubscriptionConfig(
                                new Webhook("https://example.com/hook"), "dir/*", List.of("s"), 30_000, "for people"),
                        "hash",
                        "http://localhost:4437",
                        new Owner("app", "app.key client"),
                        TIME,
                        2,
                        300,
                        new Wake("wake", "s", TIME, true, "worker", TIME + 30_000),
                        3,
                        TIME + 9),
                SubscriptionRows::state,
                SubscriptionRows::state);
        golden.example(
                "state of a pull-wake that nobody has claimed, with an address as its owner",
                new SubscriptionState(
                        "sub",
                        ID,
                        new SubscriptionConfig(new PullWake("wakes"), null, List.of("s"), 30_000, null),
                        "hash",
                        "",
                        new Owner("", "7f000001"),
                        TIME,
                        1,
                        1,
                        new Wake("wake", "s", TIME, false, null, SubscriptionState.NO_LEASE),
                        0,
                        0),
                SubscriptionRows::state,
                SubscriptionRows::state);
        golden.example(
                "state of a subscription at rest, without an owner",
                new SubscriptionState(
                        "sub",
                        ID,
                        new SubscriptionConfig(new PullWake("wakes"), null, List.of(), 30_000, null),
                        "hash",
                        "",
                        null,
                        TIME,
                        0,
                        0,
                        null,
                        0,
                        0),
                SubscriptionRows::state,
                SubscriptionRows::state);
        byte[] linkKey = SubscriptionRows.linkKey(ID, "dir/ü");
        golden.bytes("linkKey", linkKey);
        golden.bytes("firstLinkKey", SubscriptionRows.firstLinkKey(ID));
        golden.example(
                "link of a name",
                new Link("dir/ü", ID, 300, true, false),
                SubscriptionRows::link,
                row -> SubscriptionRows.link(linkKey, row));
        golden.example(
                "link of a pattern",
                new Link("dir/ü", StreamTail.UNBORN, Link.START, false, true),
                SubscriptionRows::link,
                row -> SubscriptionRows.link(linkKey, row));
        golden.haveAllOf(SubscriptionRows.class);
        golden.complete();
    }
}
