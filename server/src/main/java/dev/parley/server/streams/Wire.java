package dev.parley.server.streams;

import io.vertx.core.http.HttpHeaders;

/** The names of the protocol's headers. */
final class Wire {
    static final CharSequence NEXT_OFFSET = HttpHeaders.createOptimized("Stream-Next-Offset");
    static final CharSequence CLOSED = HttpHeaders.createOptimized("Stream-Closed");
    static final CharSequence UP_TO_DATE = HttpHeaders.createOptimized("Stream-Up-To-Date");
    static final CharSequence CURSOR = HttpHeaders.createOptimized("Stream-Cursor");
    static final CharSequence SEQ = HttpHeaders.createOptimized("Stream-Seq");
    static final CharSequence EXPECTED_OFFSET = HttpHeaders.createOptimized("Stream-Expected-Offset");
    static final CharSequence TTL = HttpHeaders.createOptimized("Stream-TTL");
    static final CharSequence EXPIRES_AT = HttpHeaders.createOptimized("Stream-Expires-At");
    static final CharSequence FORKED_FROM = HttpHeaders.createOptimized("Stream-Forked-From");
    static final CharSequence FORK_OFFSET = HttpHeaders.createOptimized("Stream-Fork-Offset");
    static final CharSequence FORK_SUB_OFFSET = HttpHeaders.createOptimized("Stream-Fork-Sub-Offset");
    static final CharSequence SSE_ENCODING = HttpHeaders.createOptimized("Stream-SSE-Data-Encoding");
    static final CharSequence PRODUCER_ID = HttpHeaders.createOptimized("Producer-Id");
    static final CharSequence PRODUCER_EPOCH = HttpHeaders.createOptimized("Producer-Epoch");
    static final CharSequence PRODUCER_SEQ = HttpHeaders.createOptimized("Producer-Seq");
    static final CharSequence PRODUCER_EXPECTED_SEQ = HttpHeaders.createOptimized("Producer-Expected-Seq");
    static final CharSequence PRODUCER_RECEIVED_SEQ = HttpHeaders.createOptimized("Producer-Received-Seq");
    static final CharSequence NOSNIFF = HttpHeaders.createOptimized("X-Content-Type-Options");
    static final CharSequence NOSNIFF_VALUE = HttpHeaders.createOptimized("nosniff");
    static final CharSequence RESOURCE_POLICY = HttpHeaders.createOptimized("Cross-Origin-Resource-Policy");
    static final CharSequence RESOURCE_POLICY_VALUE = HttpHeaders.createOptimized("cross-origin");
    static final CharSequence TRUE = HttpHeaders.createOptimized("true");
    static final CharSequence NO_CACHE = HttpHeaders.createOptimized("no-cache");
    static final CharSequence NO_STORE = HttpHeaders.createOptimized("no-store");

    private Wire() {}
}
