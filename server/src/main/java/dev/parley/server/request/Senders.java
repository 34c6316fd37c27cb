package dev.parley.server.request;

import dev.parley.server.auth.Access;
import dev.parley.server.auth.Gate;
import dev.parley.server.auth.Principal;
import dev.parley.server.config.Config;
import dev.parley.server.http.LocalCallers;
import dev.parley.server.http.Origins;
import dev.parley.server.http.RefusedException;
import io.vertx.core.http.HttpServerRequest;
import org.jspecify.annotations.Nullable;

/** Whom a door of sessions serves. */
public final class Senders {
    private final Gate gate;
    private final @Nullable Visitors visitors;

    /**
     * Senders without credentials.
     *
     * @param callers refuses those that come from pages of other machines
     */
    private record Visitors(Principal principal, LocalCallers callers) {}

    private Senders(Gate gate, @Nullable Visitors visitors) {
        this.gate = gate;
        this.visitors = visitors;
    }

    /** Those who have credentials. */
    public static Senders known(Gate gate) {
        return new Senders(gate, null);
    }

    /** The same, and visitors if the configuration admits them. Only this machine can reach the server then. */
    public static Senders of(Gate gate, Config config) {
        String app = config.auth().visitorsApp();
        if (app == null) {
            return known(gate);
        }
        var callers = new LocalCallers(
                Origins.of(config.cors().origins(), true),
                config.server().publicUrl(),
                config.server().allowedHosts());
        return new Senders(gate, new Visitors(Principal.visitor(app), callers));
    }

    /**
     * Authenticates a sender.
     *
     * @param authorization the credentials in the form of the header Authorization; null if there are none
     * @throws RefusedException if it has no credentials, and comes, or may come, from a page of another machine
     */
    public Access authenticate(HttpServerRequest request, @Nullable String authorization) throws RefusedException {
        if (authorization != null || visitors == null) {
            return gate.sessionHeader(authorization);
        }
        visitors.callers().check(request);
        return new Access.Granted(visitors.principal());
    }
}
