package dev.parley.server.http;

import dev.parley.server.config.Network;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.net.HostAndPort;
import java.net.InetAddress;
import java.net.URI;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Under which scheme, host and port clients know this server, for the URLs that they are told. */
public final class PublicAddress {
    private static final CharSequence FORWARDED_PROTO = "X-Forwarded-Proto";
    private static final CharSequence FORWARDED_HOST = "X-Forwarded-Host";

    private final @Nullable String configured;
    private final List<Network> trustedProxies;

    /**
     * What the configuration says.
     *
     * @param configured the one answer for everybody; null to go by what requests say
     * @param trustedProxies where the proxies are whose word counts
     */
    public PublicAddress(@Nullable URI configured, List<Network> trustedProxies) {
        this.configured = configured == null ? null : configured.toString();
        this.trustedProxies = List.copyOf(trustedProxies);
    }

    /** Scheme, host and port for whoever has sent {@code request}; null if they have not said how they reach us. */
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

    /** Where proxies stand in a row, the first has spoken with the client. */
    private static @Nullable String first(@Nullable String list) {
        return list == null ? null : list.split(",", 2)[0].strip();
    }
}
