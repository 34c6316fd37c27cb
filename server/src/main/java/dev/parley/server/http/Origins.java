package dev.parley.server.http;

import java.net.URI;
import java.net.URISyntaxException;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** The web origins whose pages may use a door. */
public final class Origins {
    /** Compiled once, because it is asked for each request of an open door. */
    private static final Pattern LOOPBACK_ADDRESS = Pattern.compile("127\\.\\d{1,3}\\.\\d{1,3}\\.\\d{1,3}");

    private final boolean any;
    private final boolean loopback;
    private final Set<String> named;

    private Origins(boolean any, boolean loopback, Set<String> named) {
        this.any = any;
        this.loopback = loopback;
        this.named = named;
    }

    /**
     * Reads the configured origins.
     *
     * @param configured origins; {@code *} means all
     * @param local whether only pages of this machine are allowed if nothing is configured, because the door requires
     *     no key
     */
    public static Origins of(List<String> configured, boolean local) {
        boolean silent = configured.isEmpty();
        return new Origins(configured.contains("*") || (silent && !local), silent && local, Set.copyOf(configured));
    }

    /** Whether pages of any origin are allowed. */
    public boolean isAny() {
        return any;
    }

    /** The only allowed origin, or null if there is not exactly one. */
    @Nullable
    String only() {
        return !any && named.size() == 1 ? named.iterator().next() : null;
    }

    /** Whether pages of {@code origin} are allowed. */
    public boolean allow(String origin) {
        return any || named.contains(origin) || (loopback && isOfLoopback(origin));
    }

    private static boolean isOfLoopback(String origin) {
        try {
            String host = new URI(origin).getHost();
            return host != null && isLoopback(host);
        } catch (URISyntaxException e) {
            return false;
        }
    }

    /** Whether {@code host}, as it appears in a URL, is a name of this machine that can belong to no other machine. */
    static boolean isLoopback(@Nullable String host) {
        if (host == null) {
            return false;
        }
        String name = host.toLowerCase(Locale.ROOT);
        return name.equals("localhost")
                || name.equals("127.0.0.1")
                || name.endsWith(".localhost")
                || name.equals("[::1]")
                || LOOPBACK_ADDRESS.matcher(name).matches();
    }
}
