package dev.parley.client;

import java.net.URI;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * A client of a Parley server. A program needs one for each user that it acts for: all sessions of a client share one
 * connection, which is made when a session first needs it.
 *
 * <pre>{@code
 * try (ParleyClient client = ParleyClient.of(URI.create("http://localhost:4437"), Credentials.key(key))) {
 *     Session session = client.session("trip");
 *     session.onMessage(message -> System.out.println(message.text()));
 *     session.attach();
 *     session.publish("greeting", "Hello");
 * }
 * }</pre>
 *
 * <p>All clients share a few daemon threads; sessions, streams and requests have none of their own.
 */
public final class ParleyClient implements AutoCloseable {
    private final ClientOptions options;
    private final Auth auth;
    private final Http http;
    private final Link link;
    private final Connection connection;
    private final MessageIds ids = new MessageIds();
    private final ReentrantLock lock = new ReentrantLock();

    @GuardedBy("lock")
    private final Map<String, Session> sessions = new HashMap<>();

    private ParleyClient(ClientOptions options) {
        this.options = options;
        this.auth = new Auth(options);
        this.http = new Http(options, auth);
        this.link = new Link(options, auth);
        this.connection = new Connection(link, options.listenerExecutor());
    }

    /**
     * {@return a client with these options} It connects when it has to.
     *
     * @param options the options
     */
    public static ParleyClient of(ClientOptions options) {
        return new ParleyClient(options);
    }

    /**
     * {@return a client of the server at this address, {@code http} or {@code https}} It connects when it has to.
     *
     * @param server the address of the server
     * @param credentials by what the client shows who it is
     */
    public static ParleyClient of(URI server, Credentials credentials) {
        return of(ClientOptions.builder(server).credentials(credentials).build());
    }

    /** {@return the options of the client} */
    public ClientOptions options() {
        return options;
    }

    /** {@return the connection over which sessions run} */
    public Connection connection() {
        return connection;
    }

    /**
     * {@return the session of this name, with the options with which it was made, or the default ones}
     *
     * @param name the name of the session
     */
    public Session session(String name) {
        lock.lock();
        try {
            Session known = sessions.get(name);
            return known == null ? make(name, SessionOptions.DEFAULT) : known;
        } finally {
            lock.unlock();
        }
    }

    /**
     * {@return the session of this name}
     *
     * @param name the name of the session
     * @param sessionOptions what the client wants from it
     * @throws IllegalStateException if it was made with other options; {@link #release} it first
     */
    public Session session(String name, SessionOptions sessionOptions) {
        lock.lock();
        try {
            Session known = sessions.get(name);
            if (known != null && !known.options().equals(sessionOptions)) {
                throw new IllegalStateException(
                        "The session " + name + " was made with other options; release it first.");
            }
            return known == null ? make(name, sessionOptions) : known;
        } finally {
            lock.unlock();
        }
    }

    @GuardedBy("lock")
    private Session make(String name, SessionOptions sessionOptions) {
        if (options.credentials() == null) {
            throw new IllegalStateException("Sessions need credentials.");
        }
        Session session = new Session(name, sessionOptions, link, http, ids);
        sessions.put(name, session);
        return session;
    }

    /**
     * Detaches a session, waits until that is done, and forgets the session with its listeners.
     *
     * @param name the name of the session
     */
    public void release(String name) {
        Session known;
        lock.lock();
        try {
            known = sessions.remove(name);
        } finally {
            lock.unlock();
        }
        if (known != null) {
            known.detach();
        }
    }

    /**
     * {@return the open requests of all sessions whose names begin so, by session; blocks} Needs the capability {@code history} on
     * the prefix with a {@code *} behind it. A page may have few requests, or none, although there is a next one.
     *
     * @param prefix the beginning of the names of sessions; empty for all
     * @param forClientId who is asked, or may answer since nobody else is named; null for anybody
     */
    public Page<SessionRequest> openRequests(String prefix, @Nullable String forClientId) {
        Map<String, String> params = new HashMap<>(Map.of("prefix", prefix, "status", "open"));
        if (forClientId != null) {
            params.put("clientId", forClientId);
        }
        return SessionRequests.list(http, "/v1/requests", ConnectUri.query(params));
    }

    /**
     * {@return the agents that a namespace names for all of its sessions}
     *
     * @param namespace the names of its sessions up to the first colon; {@code *} for all sessions in namespaces that name no agents
     */
    public NamespaceAgents namespaceAgents(String namespace) {
        return new NamespaceAgents(http, namespace);
    }

    /**
     * Claims what an agent has to do in any session, what has been due for longest; the future completes when there is something, or
     * the wait is over. Only sessions count for which the client has the capability {@code agent-work}. As for the rest, see
     * {@link SessionAgents#claim}.
     *
     * @param agentId the id of the agent
     * @param worker what does it, as people may see it
     * @param lease for how long the worker has it
     * @param wait for how long to wait for something to do
     * @return what there is to do. Continuations must not block
     */
    public CompletableFuture<Optional<Wake>> claimAsync(String agentId, String worker, Duration lease, Duration wait) {
        return http.callAsync(SessionAgents.claiming(
                        "/v1/wakes/claim", agentId, worker, lease, wait, options.requestTimeout()))
                .thenApply(answer -> SessionAgents.wake(http, answer));
    }

    /**
     * {@return the stream at this path, such as {@code logs/build-7}, whether it exists or not}
     *
     * @param path the path below that of all streams, not encoded
     */
    public Stream stream(String path) {
        return new Stream(path, http, options);
    }

    /**
     * Makes a token for somebody who must not have the key of this client; blocks.
     *
     * @param clientId who the token is for; null for anybody
     * @param lifetime how long it is valid; null for the server's default
     * @param capability what it allows, as a JSON object from names to lists of operations; null for all that the key
     *     allows
     * @return the token
     * @throws IllegalStateException if the client has no key
     */
    public String requestToken(@Nullable String clientId, @Nullable Duration lifetime, @Nullable JsonNode capability) {
        Credentials.Key key = auth.key();
        if (key == null) {
            throw new IllegalStateException("Only a client with a key can make tokens.");
        }
        ObjectNode request = Wire.object().put("keyName", key.name());
        if (clientId != null) {
            request.put("clientId", clientId);
        }
        if (lifetime != null) {
            request.put("ttl", lifetime.toMillis());
        }
        if (capability != null) {
            request.put("capability", capability.toString());
        }
        String path = "/keys/" + ConnectUri.encode(key.name()) + "/requestToken";
        return Wire.required(http.call(Http.Call.json("POST", path, request, true)), "token");
    }

    /**
     * Closes the client: waits up to five seconds until all requests are acknowledged, and then up to five seconds until
     * the members of this client have left. Requests that are not acknowledged by then fail with
     * {@link ParleyException.Closed}. A client that is closed cannot be used any more.
     */
    @Override
    public void close() {
        link.close();
    }
}
