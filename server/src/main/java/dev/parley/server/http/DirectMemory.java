package dev.parley.server.http;

import io.netty.util.internal.PlatformDependent;

/** Memory outside the heap, in which Netty holds what comes from sockets and what goes to them. */
public final class DirectMemory {

    private DirectMemory() {}

    /** How much is held, and kept for what comes next. */
    public static long held() {
        return Math.max(0, PlatformDependent.usedDirectMemory());
    }

    /** How much may be held. */
    public static long capacity() {
        return PlatformDependent.maxDirectMemory();
    }
}
