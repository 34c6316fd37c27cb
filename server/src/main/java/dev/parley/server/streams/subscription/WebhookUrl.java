package dev.parley.server.streams.subscription;

import dev.parley.server.http.RefusedException;
import java.io.IOException;
import java.net.Inet4Address;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.URI;
import java.net.URISyntaxException;
import java.util.Locale;
import java.util.regex.Pattern;

/**
 * The URL of a webhook. Addresses are refused if somebody could use this server to reach something there that they
 * cannot reach themselves (12.8).
 *
 * @param local whether it is a receiver on this machine, for development
 */
record WebhookUrl(URI uri, boolean local) {
    static final int MAX_LENGTH = 2048;

    private static final Pattern LOOPBACK = Pattern.compile("127\\.0\\.0\\.\\d{1,3}");
    private static final Pattern ENDS_IN_NUMBER = Pattern.compile("(.*\\.)?(\\d+|0x[0-9a-f]*)\\.?");

    /**
     * Parses and checks a URL, except for the addresses of its host name.
     *
     * @param allowLocal whether {@code http} to this machine is allowed
     */
    static WebhookUrl parse(String url, boolean allowLocal) throws RefusedException {
        URI uri = uri(url);
        String host = uri.getHost();
        if (host == null || uri.getRawUserInfo() != null || uri.getPort() > 65_535 || uri.getPort() == 0) {
            throw rejected("webhook.url needs a host and takes no credentials.");
        }
        String name = host.toLowerCase(Locale.ROOT);
        if ("http".equalsIgnoreCase(uri.getScheme())) {
            if (allowLocal
                    && (name.equals("localhost") || LOOPBACK.matcher(name).matches())) {
                return new WebhookUrl(uri, true);
            }
            throw rejected(
                    allowLocal
                            ? "webhook.url may be http for localhost and 127.0.0.x only."
                            : "webhook.url must be https.");
        }
        if (!"https".equalsIgnoreCase(uri.getScheme())) {
            throw rejected("webhook.url must be https.");
        }
        if (name.equals("localhost") || name.endsWith(".localhost") || !mayBePublic(name)) {
            throw rejected("webhook.url must not lead into a private network.");
        }
        return new WebhookUrl(uri, false);
    }

    private static URI uri(String url) throws RefusedException {
        if (url.length() > MAX_LENGTH) {
            throw rejected("webhook.url has more than " + MAX_LENGTH + " characters.");
        }
        try {
            return new URI(url);
        } catch (URISyntaxException e) {
            throw rejected("webhook.url is no URL: " + e.getReason() + ".");
        }
    }

    /** Returns false if the host is an address that is refused, or a number that some resolvers take for an address. */
    private static boolean mayBePublic(String host) {
        if (!host.startsWith("[") && !ENDS_IN_NUMBER.matcher(host).matches()) {
            return true;
        }
        try {
            InetAddress address = InetAddress.ofLiteral(host);
            // Resolvers read 0177.0.0.1 in different ways.
            boolean plain = host.startsWith("[") || address.getHostAddress().equals(host);
            return plain && isPublic(address);
        } catch (IllegalArgumentException e) {
            return false;
        }
    }

    private static RefusedException rejected(String message) {
        return new RefusedException(400, "WEBHOOK_URL_REJECTED", message);
    }

    boolean isTls() {
        return !local;
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
            if (local ? !address.isLoopbackAddress() : !isPublic(address)) {
                throw new IOException(uri.getHost() + " resolves to the address " + address.getHostAddress()
                        + ", which no webhook may go to");
            }
        }
        return addresses[0];
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
