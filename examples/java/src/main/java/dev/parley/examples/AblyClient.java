package dev.parley.examples;

import io.ably.lib.realtime.AblyRealtime;
import io.ably.lib.types.AblyException;
import io.ably.lib.types.ClientOptions;

/** Ably's own client for Java, with Parley as its server. */
public final class AblyClient {
    private AblyClient() {}

    /** Connects. */
    public static AblyRealtime connect(String host, int port, String key) throws AblyException {
        // region connect
        ClientOptions options = new ClientOptions(key);
        options.clientId = "me";
        options.restHost = host;
        options.realtimeHost = host;
        options.port = port;
        options.tls = false;
        return new AblyRealtime(options);
        // endregion
    }
}
