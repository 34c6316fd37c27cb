package dev.parley.client;

import java.net.URI;
import java.net.http.HttpClient;
import java.time.Duration;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/**
 * How a client connects. Made by {@link #builder}.
 *
 * @param server the address of the server, such as {@code https://parley.example}; a path before that of the doors is kept
 * @param credentials null for streams of a server that needs none
 * @param clientId who the client is, if the credentials leave that open; null for anonymous
 * @param httpClient sends all requests and makes the connection; TLS and proxies are as it has them
 * @param listenerExecutor runs listeners, those of one session one after the other. It has to accept tasks at any time
 * @param connectTimeout how long a connection attempt may take, the token included
 * @param requestTimeout how long a blocking method waits for its answer
 * @param minBackoff the pause before the second attempt to connect; every further one is twice as long. Each is shortened at
 *     random by up to a half
 * @param maxBackoff the longest pause between two attempts to connect
 * @param idleMargin how much later than announced a sign of life of the server may come before the connection counts as lost
 * @param heartbeat the interval in which the server is to show that it lives; null for the server's own
 * @param presenceGrace how long members stay when the connection is lost; null for the server's own
 * @param appendRollup for how long the server gathers appends of a message before it stores them as one; zero for none
 * @param pauseLimit for how long a listener that does not keep up may stop the connection. After that the connection goes on
 *     without this session, which continues where it was once the listener has caught up
 */
public record ClientOptions(
        URI server,
        @Nullable Credentials credentials,
        @Nullable String clientId,
        HttpClient httpClient,
        Executor listenerExecutor,
        Duration connectTimeout,
        Duration requestTimeout,
        Duration minBackoff,
        Duration maxBackoff,
        Duration idleMargin,
        @Nullable Duration heartbeat,
        @Nullable Duration presenceGrace,
        Duration appendRollup,
        Duration pauseLimit) {

    /**
     * {@return options of a client of the server at this address, {@code http} or {@code https}}
     *
     * @param server the address of the server
     */
    public static Builder builder(URI server) {
        return new Builder(server);
    }

    /** Sets options that differ from the defaults. */
    public static final class Builder {
        private final URI server;
        private @Nullable Credentials credentials;
        private @Nullable String clientId;
        private @Nullable HttpClient httpClient;
        private @Nullable Executor listenerExecutor;
        private Duration connectTimeout = Duration.ofSeconds(10);
        private Duration requestTimeout = Duration.ofSeconds(60);
        private Duration minBackoff = Duration.ofMillis(100);
        private Duration maxBackoff = Duration.ofMillis(1_500);
        private Duration idleMargin = Duration.ofSeconds(5);
        private @Nullable Duration heartbeat;
        private @Nullable Duration presenceGrace;
        private Duration appendRollup = Duration.ZERO;
        private Duration pauseLimit = Duration.ofSeconds(2);

        private Builder(URI server) {
            String scheme = server.getScheme();
            if (server.getHost() == null || !("http".equals(scheme) || "https".equals(scheme))) {
                throw new IllegalArgumentException(
                        "The server's address has the form https://host:port, not " + server);
            }
            this.server = server;
        }

        /**
         * See {@link ClientOptions#credentials}.
         *
         * @param value the value of the option
         * @return this builder
         */
        public Builder credentials(@Nullable Credentials value) {
            credentials = value;
            return this;
        }

        /**
         * See {@link ClientOptions#clientId}.
         *
         * @param value the value of the option
         * @return this builder
         */
        public Builder clientId(@Nullable String value) {
            clientId = value;
            return this;
        }

        /**
         * See {@link ClientOptions#httpClient}; by default all clients of the process share one.
         *
         * @param value the value of the option
         * @return this builder
         */
        public Builder httpClient(HttpClient value) {
            httpClient = value;
            return this;
        }

        /**
         * See {@link ClientOptions#listenerExecutor}; by default all clients of the process share 16 threads. Since Java 21,
         * {@code Executors.newVirtualThreadPerTaskExecutor()} lets any number of listeners block.
         *
         * @param value the value of the option
         * @return this builder
         */
        public Builder listenerExecutor(Executor value) {
            listenerExecutor = value;
            return this;
        }

        /**
         * See {@link ClientOptions#connectTimeout}; 10 s by default.
         *
         * @param value the value of the option
         * @return this builder
         */
        public Builder connectTimeout(Duration value) {
            connectTimeout = positive(value);
            return this;
        }

        /**
         * See {@link ClientOptions#requestTimeout}; 60 s by default.
         *
         * @param value the value of the option
         * @return this builder
         */
        public Builder requestTimeout(Duration value) {
            requestTimeout = positive(value);
            return this;
        }

        /**
         * See {@link ClientOptions#minBackoff} and {@link ClientOptions#maxBackoff}; 100 ms and 1.5 s by default.
         *
         * @param min the pause before the second attempt
         * @param max the longest pause
         * @return this builder
         */
        public Builder backoff(Duration min, Duration max) {
            minBackoff = positive(min);
            maxBackoff = positive(max);
            return this;
        }

        /**
         * See {@link ClientOptions#idleMargin}; 5 s by default.
         *
         * @param value the value of the option
         * @return this builder
         */
        public Builder idleMargin(Duration value) {
            idleMargin = positive(value);
            return this;
        }

        /**
         * See {@link ClientOptions#heartbeat}.
         *
         * @param value the value of the option
         * @return this builder
         */
        public Builder heartbeat(@Nullable Duration value) {
            heartbeat = value;
            return this;
        }

        /**
         * See {@link ClientOptions#presenceGrace}.
         *
         * @param value the value of the option
         * @return this builder
         */
        public Builder presenceGrace(@Nullable Duration value) {
            presenceGrace = value;
            return this;
        }

        /**
         * See {@link ClientOptions#appendRollup}; zero by default.
         *
         * @param value the value of the option
         * @return this builder
         */
        public Builder appendRollup(Duration value) {
            appendRollup = value;
            return this;
        }

        /**
         * See {@link ClientOptions#pauseLimit}; 2 s by default.
         *
         * @param value the value of the option
         * @return this builder
         */
        public Builder pauseLimit(Duration value) {
            pauseLimit = positive(value);
            return this;
        }

        private static Duration positive(Duration value) {
            if (value.isNegative() || value.isZero()) {
                throw new IllegalArgumentException("This has to be longer than nothing.");
            }
            return value;
        }

        /** {@return the options} */
        public ClientOptions build() {
            return new ClientOptions(
                    server,
                    credentials,
                    clientId,
                    httpClient == null ? ClientThreads.sharedHttpClient() : httpClient,
                    listenerExecutor == null ? ClientThreads.listeners() : listenerExecutor,
                    connectTimeout,
                    requestTimeout,
                    minBackoff,
                    maxBackoff,
                    idleMargin,
                    heartbeat,
                    presenceGrace,
                    appendRollup,
                    pauseLimit);
        }
    }
}
