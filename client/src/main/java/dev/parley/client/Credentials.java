package dev.parley.client;

/** By what the client shows who it is. */
public sealed interface Credentials {
    /**
     * An API key, {@code app.id:secret}. It belongs on servers only.
     *
     * @param key the key with its secret
     */
    record Key(String key) implements Credentials {
        /** Checks its form. */
        public Key {
            if (key.indexOf('.') < 1 || key.indexOf(':') < key.indexOf('.')) {
                throw new IllegalArgumentException("A key has the form app.id:secret.");
            }
        }

        /** {@return the name of the key, without its secret} */
        public String name() {
            return key.substring(0, key.indexOf(':'));
        }

        @Override
        public String toString() {
            return "Key[" + name() + "]";
        }
    }

    /**
     * One token. When it expires, the connection fails with {@link ParleyException.AccessDenied}.
     *
     * @param token the token as the server or your backend has issued it
     */
    record Token(String token) implements Credentials {
        @Override
        public String toString() {
            return "Token[...]";
        }
    }

    /**
     * Tokens that are fetched when they are needed, and again before they expire.
     *
     * @param source where they come from
     */
    record Tokens(TokenSource source) implements Credentials {}

    /** Fetches a token, for example from your backend. */
    @FunctionalInterface
    interface TokenSource {
        /**
         * Returns a token that is valid now. Called on one of the client's own threads, of which all clients of the process
         * share a few. It may block, and is not called again before it has returned. If it takes longer than
         * {@link ClientOptions#connectTimeout()}, what has asked for the token fails, and the token is used for the next
         * attempt.
         *
         * @return a token that is valid now
         * @throws Exception if there is none; the client tries again later, with growing pauses
         */
        String fetch() throws Exception;
    }

    /**
     * {@return an API key as credentials}
     *
     * @param key the key with its secret, {@code app.id:secret}
     * @throws IllegalArgumentException if it does not have this form
     */
    static Credentials key(String key) {
        return new Key(key);
    }

    /**
     * {@return one token as credentials, which end with it}
     *
     * @param token the token
     */
    static Credentials token(String token) {
        return new Token(token);
    }

    /**
     * {@return tokens that are fetched when they are needed}
     *
     * @param source where they come from
     */
    static Credentials tokens(TokenSource source) {
        return new Tokens(source);
    }
}
