package dev.parley.server.http;

import dev.parley.server.config.Network;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.net.HostAndPort;
import java.net.InetAddress;
import java.net.URI;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The scheme, host and port under which clients reach this server, for the URLs that the server gives to them. */
public final class PublicAddress {
    private static final CharSequence FORWARDED_PROTO = "X-Forwarded-Proto";
    private static final CharSequence FORWARDED_HOST = "X-Forwarded-Host";

    private final @Nullable String configured;
    private final List<Network> trustedProxies;

    /**
     * Reads the configured address.
     *
     * @param configured the address for all clients; null to use the address of each request
     * @param trustedProxies the networks of proxies whose headers are used
     */
    public PublicAddress(@Nullable URI configured, List<Network> trustedProxies) {
        this.configured = configured == null ? null : configured.toString();
        this.trustedProxies = List.copyOf(trustedProxies);
    }

    /**
     * The scheme, host and port for the client of {@code request}; null if the request does not say how the client
     * reached the server.
     */
    public @Nullable String of(HttpServerRequest request) {
        if (configured != null) {
            return configured;
        }
        String scheme = request.scheme();
        HostAndPort authority = request.authority();
        if (isFromTrustedProxy(request)) {
            String proto = first(request.getHeader(FORWARDED_PROTO));
            String host = first(request.getHeader(FORWARDED_HOST));
            HostAndPort forwarded = host == null ? null : HostAndPort.parseAuthority(host, -1);
            scheme = "https".equalsIgnoreCase(proto) ? "https" : "http".equalsIgnoreCase(proto) ? "http" : scheme;
            authority = forwarded == null ? authority : forwarded;
        }
        return authority == null ? null : scheme + "://" + authority;
    }

    private boolean isFromTrustedProxy(HttpServerRequest request) {
        if (trustedProxies.isEmpty()) {
            return false;
        }
        String address = request.remoteAddress().hostAddress();
        if (address == null) {
            return false;
        }
        InetAddress peer = InetAddress.ofLiteral(address);
        return trustedProxies.stream().anyMatch(network -> network.contains(peer));
    }

    /** If there are several proxies in a row, the first one has spoken with the client. */
    private static @Nullable String first(@Nullable String list) {
        return list == null ? null : list.split(",", 2)[0].strip();
    }
}
