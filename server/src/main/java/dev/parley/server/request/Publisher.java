package dev.parley.server.request;

import dev.parley.engine.Engine;
import dev.parley.engine.session.SessionCommand.Publish;
import dev.parley.engine.session.SessionOutcome;
import dev.parley.server.auth.ConnectionKeys;
import dev.parley.server.auth.Principal;
import dev.parley.server.channel.ChannelCommands;
import dev.parley.server.channel.ChannelName;
import dev.parley.server.channel.Refusals;
import dev.parley.server.channel.RunNotes;
import dev.parley.server.wire.ErrorInfo;
import dev.parley.server.wire.InboundMessage;
import dev.parley.server.wire.WireException;
import java.time.InstantSource;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** Publishes the messages of requests. Thread-safe. */
public record Publisher(Engine engine, ChannelCommands commands, ConnectionKeys connectionKeys, InstantSource clock) {

    /** A publish that was submitted. */
    public record Sent(String messageId, CompletableFuture<SessionOutcome.OfPublish> outcome) {
        /** The positions of the messages, once they are durable. */
        public List<Long> await() throws WireException {
            SessionOutcome.OfPublish done = Commands.await(outcome);
            if (done instanceof SessionOutcome.Accepted(List<Long> positions)) {
                return positions;
            }
            ErrorInfo error = Refusals.of(done);
            throw new WireException(error == null ? ErrorInfo.INTERNAL : error);
        }
    }

    /** Submits messages to a channel. */
    public Sent send(Principal principal, ChannelName channel, List<InboundMessage> messages) throws WireException {
        String id = connectionKeys.newId();
        Publish command = command(principal, channel, messages, id);
        String clientsId = messages.getFirst().id();
        return new Sent(clientsId == null ? id : base(clientsId), engine.submit(command));
    }

    /**
     * What publishes messages to a channel.
     *
     * @param id the beginning of the ids of messages to which the client gives no id
     */
    private Publish command(Principal principal, ChannelName channel, List<InboundMessage> messages, String id)
            throws WireException {
        var request = new ChannelCommands.Request(
                principal,
                channel.full(),
                channel.in(principal.app()),
                clock.millis(),
                null,
                connection(principal, messages),
                id);
        return commands.publish(request, messages, new RunNotes());
    }

    /** What would publish messages to a channel, for a command that publishes them as a part of something else. */
    public Publish part(Principal principal, ChannelName channel, List<InboundMessage> messages) throws WireException {
        return command(principal, channel, messages, connectionKeys.newId());
    }

    /** The common part of the ids of the messages of one request. */
    private static String base(String id) {
        return id.endsWith(":0") ? id.substring(0, id.length() - 2) : id;
    }

    /** The connection on whose behalf the messages are published, or null. */
    private @Nullable String connection(Principal principal, List<InboundMessage> messages) throws WireException {
        String connection = null;
        for (InboundMessage message : messages) {
            String key = message.connectionKey();
            if (key != null) {
                String named = connectionKeys.open(key, principal.app(), principal.clientId());
                if (named == null || (connection != null && !named.equals(connection))) {
                    throw new WireException(ErrorInfo.INVALID_CONNECTION_KEY);
                }
                connection = named;
            }
        }
        return connection;
    }
}
