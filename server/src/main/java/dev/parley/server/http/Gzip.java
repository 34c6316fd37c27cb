package dev.parley.server.http;

import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpServerRequest;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Locale;
import java.util.zip.Deflater;
import java.util.zip.GZIPOutputStream;

/** Compresses answers for clients that accept it. Compression takes too long for an event loop. */
public final class Gzip {
    /** A smaller answer fits into one packet anyway. */
    static final int LEAST_BYTES = 1_024;

    private static final CharSequence NAME = HttpHeaders.createOptimized("gzip");
    private static final CharSequence ACCEPT_ENCODING = HttpHeaders.createOptimized("Accept-Encoding");

    private Gzip() {}

    /** An answer, and whether it is compressed. */
    public record Packed(byte[] bytes, boolean compressed) {

        /** Sets the headers of the answer to {@code request} that describe its encoding. */
        public void describe(HttpServerRequest request) {
            request.response().headers().add(HttpHeaders.VARY, ACCEPT_ENCODING);
            if (compressed) {
                request.response().putHeader(HttpHeaders.CONTENT_ENCODING, NAME);
            }
        }
    }

    /** Whether the client accepts compressed answers. */
    public static boolean isAccepted(HttpServerRequest request) {
        return isAccepted(request.headers().getAll(HttpHeaders.ACCEPT_ENCODING));
    }

    static boolean isAccepted(List<String> headers) {
        boolean any = false;
        for (String header : headers) {
            for (String element : header.toLowerCase(Locale.ROOT).split(",", -1)) {
                String[] parts = element.split(";", 2);
                boolean wanted = parts.length == 1 || !parts[1].strip().matches("q\\s*=\\s*0(\\.0*)?");
                switch (parts[0].strip()) {
                    case "gzip", "x-gzip" -> {
                        return wanted;
                    }
                    case "*" -> any = wanted;
                    default -> {}
                }
            }
        }
        return any;
    }

    /** Compresses {@code bytes} if that makes them smaller. */
    public static Packed pack(byte[] bytes) {
        if (bytes.length < LEAST_BYTES) {
            return new Packed(bytes, false);
        }
        var packed = new ByteArrayOutputStream(bytes.length / 4);
        try (OutputStream out = new Fast(packed)) {
            out.write(bytes);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return packed.size() < bytes.length ? new Packed(packed.toByteArray(), true) : new Packed(bytes, false);
    }

    /**
     * Uses the fastest level, because compression limits the rate of catch-up reads. It takes a third of the time of
     * the default level, and the result is nearly as small.
     */
    private static final class Fast extends GZIPOutputStream {
        Fast(OutputStream out) throws IOException {
            super(out);
            def.setLevel(Deflater.BEST_SPEED);
        }
    }
}
