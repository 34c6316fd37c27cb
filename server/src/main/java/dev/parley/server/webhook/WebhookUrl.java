package dev.parley.server.webhook;

import dev.parley.server.config.Network;
import dev.parley.server.http.RefusedException;
import java.io.IOException;
import java.net.Inet4Address;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.URI;
import java.net.URISyntaxException;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * The URL of a webhook. Addresses are refused if somebody could use this server to reach something there that they
 * cannot reach themselves (12.8).
 *
 * @param local whether it is a receiver on this machine, for development
 * @param inside where it may lead besides the public internet
 */
public record WebhookUrl(URI uri, boolean local, Inside inside) {
    /** The greatest length of a URL. */
    public static final int MAX_LENGTH = 2048;

    /**
     * What an operator lets webhooks reach inside, also by plain HTTP.
     *
     * @param hosts names of hosts, in lower case
     * @param networks networks of addresses
     */
    public record Inside(Set<String> hosts, List<Network> networks) {
        /** Nothing. */
        public static final Inside NOTHING = new Inside(Set.of(), List.of());

        private boolean hasHost(String name) {
            return hosts.contains(name) || isAddressWithin(name);
        }

        private boolean has(InetAddress address) {
            return networks.stream().anyMatch(network -> network.contains(address));
        }

        private boolean isAddressWithin(String host) {
            try {
                InetAddress address = InetAddress.ofLiteral(host);
                return isPlain(host, address) && has(address);
            } catch (IllegalArgumentException e) {
                return false;
            }
        }
    }

    WebhookUrl(URI uri, boolean local) {
        this(uri, local, Inside.NOTHING);
    }

    private static final Pattern LOOPBACK = Pattern.compile("127\\.0\\.0\\.\\d{1,3}");
    private static final Pattern ENDS_IN_NUMBER = Pattern.compile("(.*\\.)?(\\d+|0x[0-9a-f]*)\\.?");

    /**
     * Parses and checks a URL, except for the addresses of its host name.
     *
     * @param allowLocal whether {@code http} to this machine is allowed
     */
    public static WebhookUrl parse(String url, boolean allowLocal) throws RefusedException {
        return parse(url, allowLocal, Inside.NOTHING);
    }

    /**
     * Parses and checks a URL, except for the addresses of its host name.
     *
     * @param allowLocal whether {@code http} to this machine is allowed
     * @param inside what else is allowed
     */
    public static WebhookUrl parse(String url, boolean allowLocal, Inside inside) throws RefusedException {
        URI uri = uri(url);
        String host = uri.getHost();
        if (host == null || uri.getRawUserInfo() != null || uri.getPort() > 65_535 || uri.getPort() == 0) {
            throw rejected("The URL of a webhook needs a host and takes no credentials.");
        }
        String name = host.toLowerCase(Locale.ROOT);
        boolean isHttp = "http".equalsIgnoreCase(uri.getScheme());
        if ((isHttp || "https".equalsIgnoreCase(uri.getScheme())) && inside.hasHost(name)) {
            return new WebhookUrl(uri, false, inside);
        }
        if (isHttp) {
            if (allowLocal
                    && (name.equals("localhost") || LOOPBACK.matcher(name).matches())) {
                return new WebhookUrl(uri, true, inside);
            }
            throw rejected(
                    allowLocal
                            ? "The URL of a webhook may be http for localhost and 127.0.0.x only."
                            : "The URL of a webhook must be https.");
        }
        if (!"https".equalsIgnoreCase(uri.getScheme())) {
            throw rejected("The URL of a webhook must be https.");
        }
        if (name.equals("localhost") || name.endsWith(".localhost") || !mayBePublic(name)) {
            throw rejected("The URL of a webhook must not lead into a private network.");
        }
        return new WebhookUrl(uri, false, inside);
    }

    private static URI uri(String url) throws RefusedException {
        if (url.length() > MAX_LENGTH) {
            throw rejected("The URL of a webhook has more than " + MAX_LENGTH + " characters.");
        }
        try {
            return new URI(url);
        } catch (URISyntaxException e) {
            throw rejected("The URL of a webhook is none: " + e.getReason() + ".");
        }
    }

    /** Returns false if the host is an address that is refused, or a number that some resolvers take for an address. */
    private static boolean mayBePublic(String host) {
        if (!host.startsWith("[") && !ENDS_IN_NUMBER.matcher(host).matches()) {
            return true;
        }
        try {
            InetAddress address = InetAddress.ofLiteral(host);
            return isPlain(host, address) && isPublic(address);
        } catch (IllegalArgumentException e) {
            return false;
        }
    }

    /** Whether all resolvers take a host for the same address. They read 0177.0.0.1 in different ways. */
    private static boolean isPlain(String host, InetAddress address) {
        return host.startsWith("[") || address.getHostAddress().equals(host);
    }

    private static RefusedException rejected(String message) {
        return new RefusedException(400, "WEBHOOK_URL_REJECTED", message);
    }

    /** Whether it is called by TLS. */
    public boolean isTls() {
        return "https".equalsIgnoreCase(uri.getScheme());
    }

    int port() {
        return uri.getPort() > 0 ? uri.getPort() : isTls() ? 443 : 80;
    }

    /** The path and the query. */
    String target() {
        String path = uri.getRawPath().isEmpty() ? "/" : uri.getRawPath();
        return uri.getRawQuery() == null ? path : path + "?" + uri.getRawQuery();
    }

    /** The address to connect to. If one of several addresses is refused, all are. Blocks. */
    InetAddress resolve() throws IOException {
        InetAddress[] addresses = InetAddress.getAllByName(uri.getHost());
        for (InetAddress address : addresses) {
            if (local ? !address.isLoopbackAddress() : !mayGoTo(address)) {
                throw new IOException(uri.getHost() + " resolves to the address " + address.getHostAddress()
                        + ", which no webhook may go to");
            }
        }
        return addresses[0];
    }

    private boolean mayGoTo(InetAddress address) {
        return isPublic(address)
                || inside.has(address)
                || inside.hosts().contains(uri.getHost().toLowerCase(Locale.ROOT));
    }

    /** Whether the public internet routes an address. */
    static boolean isPublic(InetAddress address) {
        return switch (address) {
            case Inet4Address v4 -> isPublic4(v4.getAddress());
            case Inet6Address v6 -> isPublic6(v6.getAddress());
            default -> false;
        };
    }

    private static boolean isPublic4(byte[] bytes) {
        int a = bytes[0] & 0xFF;
        int b = bytes[1] & 0xFF;
        int c = bytes[2] & 0xFF;
        boolean reserved = a == 0
                || a == 10
                || (a == 100 && (b & 0xC0) == 64) // shared by carriers; some clouds keep their metadata there
                || a == 127
                || (a == 169 && b == 254)
                || (a == 172 && (b & 0xF0) == 16)
                || (a == 192 && b == 0 && (c == 0 || c == 2))
                || (a == 192 && b == 88 && c == 99)
                || (a == 192 && b == 168)
                || (a == 198 && (b & 0xFE) == 18)
                || (a == 198 && b == 51 && c == 100)
                || (a == 203 && b == 0 && c == 113)
                || a >= 224;
        return !reserved;
    }

    /** Whether an address is global unicast, and neither contains an IPv4 address nor is reserved for documentation. */
    private static boolean isPublic6(byte[] bytes) {
        int first = (bytes[0] & 0xFF) << 8 | (bytes[1] & 0xFF);
        int second = (bytes[2] & 0xFF) << 8 | (bytes[3] & 0xFF);
        boolean global = (first & 0xE000) == 0x2000;
        boolean special = (first == 0x2001 && (second < 0x200 || second == 0xDB8))
                || first == 0x2002
                || (first == 0x3FFF && second < 0x1000);
        return global && !special;
    }
}
