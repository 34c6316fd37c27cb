package dev.parley.server.auth;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.type.TypeReference;
import tools.jackson.databind.json.JsonMapper;

/**
 * Which tokens are good no longer, kept in a file of the data folder for as long as such a token could still be shown.
 * Thread-safe; {@link #revoke} blocks on the disk.
 */
public final class Revocations {

    /** Revocations that are remembered at once. */
    public static final int MAX_REVOCATIONS = 10_000;

    static final String FILE_NAME = "revocations.json";

    private static final Duration NO_MARGIN = Duration.ZERO;

    /** How long clients have to get a new token, if they are given time for it. */
    public static final Duration REAUTH_MARGIN = Duration.ofSeconds(30);

    /** What can be revoked: the beginnings of a target. */
    private static final List<String> TARGETS = List.of("clientId:", "revocationKey:", "channel:");

    private final Path folder;
    private final Duration tokenLifetime;
    private final InstantSource clock;
    private final List<Consumer<Revocation>> listeners = new CopyOnWriteArrayList<>();

    /** By key, so that tokens of keys that never revoke are checked by one look. */
    private volatile Map<String, Map<String, List<Revocation>>> byKeyAndTarget;

    private Revocations(Path folder, Duration tokenLifetime, InstantSource clock, List<Revocation> known) {
        this.folder = folder;
        this.tokenLifetime = tokenLifetime;
        this.clock = clock;
        this.byKeyAndTarget = index(known);
    }

    /**
     * Those of a data folder.
     *
     * @param tokenLifetime how long tokens live at most
     */
    public static Revocations in(Path folder, Duration tokenLifetime, InstantSource clock) throws IOException {
        Path file = folder.resolve(FILE_NAME);
        List<Revocation> known = List.of();
        if (Files.exists(file)) {
            try {
                known = JsonMapper.shared().readValue(Files.readString(file), new TypeReference<>() {});
            } catch (JacksonException e) {
                throw new IOException(file + " is damaged; without it, revoked tokens would be good again", e);
            }
        }
        return new Revocations(folder, tokenLifetime, clock, known);
    }

    /** Tells {@code listener} of each revocation that is made from now on, on the thread that makes it. */
    public void onRevoked(Consumer<Revocation> listener) {
        listeners.add(listener);
    }

    /** Whether {@code principal} has shown a token that is revoked by now. */
    public boolean cover(Principal principal) {
        Instant end = endOf(principal);
        return end != null && !clock.instant().isBefore(end);
    }

    /** When the token that {@code principal} has shown ends by revocation, perhaps in the past; null if it does not. */
    @Nullable
    Instant endOf(Principal principal) {
        var byTarget = byKeyAndTarget.get(principal.keyName());
        if (byTarget == null) {
            return null;
        }
        return Revocation.targetsOf(principal)
                .flatMap(target -> byTarget.getOrDefault(target, List.of()).stream())
                .filter(revocation -> revocation.covers(principal))
                .map(Revocation::appliesAt)
                .min(Comparator.naturalOrder())
                .orElse(null);
    }

    /**
     * Revokes tokens, for good when it returns.
     *
     * @param issuedBefore those that were made before; at the latest now
     * @param margin whether clients get {@link #REAUTH_MARGIN} for renewing their token
     */
    public Revocation revoke(ApiKey key, String target, Instant issuedBefore, boolean margin)
            throws IOException, AccessRefusedException {
        if (TARGETS.stream().noneMatch(kind -> target.startsWith(kind) && target.length() > kind.length())
                || target.length() > Tokens.MAX_CLIENT_ID_CHARS + "revocationKey:".length()) {
            throw new AccessRefusedException(
                    Access.Reason.BAD_REQUEST,
                    "A target looks like clientId:x, revocationKey:x or channel:x, with 1 to "
                            + Tokens.MAX_CLIENT_ID_CHARS + " characters for x.");
        }
        Instant now = clock.instant();
        if (issuedBefore.isAfter(now)) {
            throw new AccessRefusedException(Access.Reason.BAD_REQUEST, "'issuedBefore' lies in the future.");
        }
        var revocation = new Revocation(key.name(), target, issuedBefore, now.plus(margin ? REAUTH_MARGIN : NO_MARGIN));
        remember(revocation, now);
        listeners.forEach(listener -> listener.accept(revocation));
        return revocation;
    }

    private synchronized void remember(Revocation revocation, Instant now) throws IOException, AccessRefusedException {
        var all = new ArrayList<Revocation>();
        byKeyAndTarget.values().forEach(byTarget -> byTarget.values().forEach(all::addAll));
        if (all.stream().anyMatch(other -> other.includes(revocation))) {
            return;
        }
        // What was issued before cannot live any more, however long it was made for.
        all.removeIf(other -> revocation.includes(other)
                || now.isAfter(other.issuedBefore().plus(tokenLifetime).plus(REAUTH_MARGIN)));
        if (all.size() == MAX_REVOCATIONS) {
            throw new AccessRefusedException(
                    Access.Reason.TOO_MANY, "There are " + MAX_REVOCATIONS + " revocations in force already.");
        }
        all.add(revocation);
        SecretFile.write(folder, FILE_NAME, JsonMapper.shared().writeValueAsString(all));
        byKeyAndTarget = index(all);
    }

    private static Map<String, Map<String, List<Revocation>>> index(List<Revocation> all) {
        return all.stream()
                .collect(Collectors.groupingBy(
                        Revocation::keyName,
                        Collectors.groupingBy(Revocation::target, Collectors.toUnmodifiableList())));
    }
}
