package dev.parley.engine.registry;

import dev.parley.engine.codec.BinaryReader;
import dev.parley.engine.codec.BinaryWriter;
import dev.parley.engine.session.Agent;
import dev.parley.engine.session.Data;
import dev.parley.engine.session.NotifyRule;
import dev.parley.engine.session.codec.AgentCodec;
import dev.parley.engine.session.codec.NotificationCodec;
import java.util.Objects;

/**
 * Where the application is called that wants to be told of what happens in the sessions of a namespace, and of what.
 *
 * @param endpoint with what a call needs, as the server has encrypted it
 */
public record NamespaceNotify(Agent.Endpoint endpoint, NotifyRule rule) {
    /** The memory that it takes, roughly. */
    int size() {
        Data secrets = endpoint.secrets();
        return endpoint.url().length() + (secrets == null ? 0 : secrets.bytes().length) + rule.size();
    }

    void write(BinaryWriter out) {
        AgentCodec.endpoint(out, endpoint);
        NotificationCodec.rule(out, rule);
    }

    static NamespaceNotify read(BinaryReader in) {
        return new NamespaceNotify(Objects.requireNonNull(AgentCodec.endpoint(in)), NotificationCodec.rule(in));
    }
}
