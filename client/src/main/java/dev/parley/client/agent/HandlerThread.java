package dev.parley.client.agent;

import org.jspecify.annotations.Nullable;

/** The thread of the handler that is at work in a run; no other is interrupted. */
final class HandlerThread {
    @GuardedBy("this")
    private @Nullable Thread worker;

    @GuardedBy("this")
    private boolean interrupted;

    synchronized void started(Thread thread) {
        worker = thread;
    }

    /** The handler has returned; this thread, which was its, is not interrupted any more for this run. */
    synchronized void finished() {
        worker = null;
        if (interrupted) {
            var unused = Thread.interrupted();
        }
    }

    synchronized void interrupt() {
        Thread working = worker;
        if (working != null) {
            interrupted = true;
            working.interrupt();
        }
    }
}
