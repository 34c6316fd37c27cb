package dev.parley.client;

import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/** The credentials of a client as it shows them, with the token that is in use. */
final class Auth {
    private final @Nullable Credentials credentials;
    private final long timeoutMillis;
    private final ReentrantLock lock = new ReentrantLock();

    /**
     * The token that is being fetched or was fetched last; null if the next one has to be fetched. A fetch that takes too long
     * goes on, and is not repeated: its source may hold one of the few threads, but not all of them.
     */
    @GuardedBy("lock")
    private @Nullable CompletableFuture<String> token;

    Auth(ClientOptions options) {
        this.credentials = options.credentials();
        this.timeoutMillis = options.connectTimeout().toMillis();
    }

    /** Whether a refused token can be replaced. */
    boolean canRenew() {
        return credentials instanceof Credentials.Tokens;
    }

    /** The value of the header Authorization; null if there are no credentials. Fails if there is no token. */
    CompletableFuture<@Nullable String> header() {
        if (credentials instanceof Credentials.Key key) {
            return CompletableFuture.completedFuture("Basic " + base64(key.key()));
        }
        if (credentials == null) {
            return CompletableFuture.completedFuture(null);
        }
        // In base64, as the protocol has it.
        return token().thenApply(shown -> "Bearer " + base64(shown));
    }

    /** The token that is in use; fails if there is none, or only a key. */
    CompletableFuture<String> token() {
        if (credentials instanceof Credentials.Token fixed) {
            return CompletableFuture.completedFuture(fixed.token());
        }
        if (!(credentials instanceof Credentials.Tokens tokens)) {
            return CompletableFuture.failedFuture(denied("These credentials are no token.", null));
        }
        lock.lock();
        try {
            CompletableFuture<String> current = token;
            if (current == null || current.isCompletedExceptionally()) {
                current = fetch(tokens.source());
                token = current;
            }
            return current.copy().orTimeout(timeoutMillis, TimeUnit.MILLISECONDS);
        } finally {
            lock.unlock();
        }
    }

    private static CompletableFuture<String> fetch(Credentials.TokenSource source) {
        return CompletableFuture.supplyAsync(
                () -> {
                    try {
                        return source.fetch();
                    } catch (Exception e) {
                        throw new CompletionException(denied("No token could be fetched.", e));
                    }
                },
                ClientThreads.tokens());
    }

    /** Forgets the token, so that the next one is fetched. A fetch that goes on is not repeated. */
    void renew() {
        lock.lock();
        try {
            if (token != null && token.isDone()) {
                token = null;
            }
        } finally {
            lock.unlock();
        }
    }

    /** The key; null if the credentials are others. */
    Credentials.@Nullable Key key() {
        return credentials instanceof Credentials.Key key ? key : null;
    }

    private static ParleyException denied(String message, @Nullable Throwable cause) {
        return new ParleyException.AccessDenied(40170, 401, "40170", message, cause);
    }

    static String base64(String text) {
        return Base64.getEncoder().encodeToString(text.getBytes(StandardCharsets.UTF_8));
    }
}
