package dev.parley.client.agent;

import java.util.UUID;

/** Ids of events, messages, runs and invocations. */
final class Ids {
    private Ids() {}

    static String next() {
        return UUID.randomUUID().toString();
    }
}
