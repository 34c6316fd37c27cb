package dev.parley.server.http;

import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.net.HostAndPort;
import java.net.URI;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Protects a door that requires no key because only this machine can reach it. Browsers on this machine can reach it as
 * well, and they may be showing pages from anywhere. Such a page sends its origin, or has made a host name of its own
 * point to this machine (DNS rebinding).
 */
public final class LocalCallers {
    private final Origins origins;
    private final Set<String> hosts;

    /**
     * Refuses pages that do not belong to {@code origins}.
     *
     * @param publicUrl a URL of this server
     * @param hosts names of this server, in addition to the host of that URL and the names of the loopback
     */
    public LocalCallers(Origins origins, @Nullable URI publicUrl, List<String> hosts) {
        this.origins = origins;
        this.hosts = hosts.stream().map(LocalCallers::lower).collect(Collectors.toSet());
        if (publicUrl != null && publicUrl.getHost() != null) {
            this.hosts.add(lower(publicUrl.getHost()));
        }
    }

    private static String lower(String host) {
        return host.toLowerCase(Locale.ROOT);
    }

    /** Throws if {@code request} comes, or may come, from a page that may not use the door. */
    public void check(HttpServerRequest request) throws RefusedException {
        HostAndPort authority = request.authority();
        // Programs that use HTTP/1.0 send no host. Browsers always do.
        if (authority != null && !isOurs(authority.host())) {
            throw new RefusedException(
                    403,
                    "HOST_NOT_ALLOWED",
                    ("This server requires no key, and therefore answers only under the names of this machine, not as %s."
                                    + " Use localhost, or add the name to server.allowed-hosts, or configure auth.keys.")
                            .formatted(authority.host()));
        }
        String origin = request.getHeader(HttpHeaders.ORIGIN);
        if (origin != null && !origins.allow(origin) && !isSame(origin, request, authority)) {
            throw new RefusedException(
                    403,
                    "ORIGIN_NOT_ALLOWED",
                    ("This server requires no key, and therefore does not serve web pages of %s."
                                    + " Add that to cors.origins, or configure auth.keys.")
                            .formatted(origin));
        }
    }

    private boolean isOurs(String host) {
        return Origins.isLoopback(host) || Origins.isLoopback("[" + host + "]") || hosts.contains(lower(host));
    }

    private static boolean isSame(String origin, HttpServerRequest request, @Nullable HostAndPort authority) {
        return authority != null && origin.equalsIgnoreCase(request.scheme() + "://" + authority);
    }
}
