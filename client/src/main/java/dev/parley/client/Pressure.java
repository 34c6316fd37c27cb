package dev.parley.client;

import java.util.LinkedHashSet;
import java.util.Set;
import java.util.concurrent.ScheduledFuture;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Lets listeners that do not keep up slow down their server instead of filling the memory: the connection is not read while
 * the queue of a session is full. If that lasts, the connection goes on without the session. Used under the connection's lock.
 */
final class Pressure {
    private static final Logger LOG = LoggerFactory.getLogger(Pressure.class);

    private final Link link;

    /** Sessions whose queues are full. */
    private final Set<Attachment> congested = new LinkedHashSet<>();

    private @Nullable ScheduledFuture<?> timer;

    Pressure(Link link) {
        this.link = link;
    }

    /** Notes whether the queue of a session is full. */
    void note(Attachment attachment, boolean full, @Nullable Transport transport) {
        if (full) {
            congested.add(attachment);
        } else {
            congested.remove(attachment);
        }
        if (transport == null || transport.isPaused() == !congested.isEmpty()) {
            return;
        }
        if (congested.isEmpty()) {
            stop();
            transport.resume();
        } else {
            transport.pause();
            timer = ClientThreads.after(
                    link.options().pauseLimit().toMillis(), () -> link.locked(() -> leaveBehind(transport)));
        }
    }

    /** The transport is gone. */
    void stop() {
        if (timer != null) {
            timer.cancel(false);
            timer = null;
        }
    }

    /** Goes on without the sessions whose queues are full. They are attached again when their listeners have caught up. */
    private void leaveBehind(Transport transport) {
        if (!link.isCurrent(transport) || !transport.isPaused()) {
            return;
        }
        for (Attachment attachment : congested) {
            LOG.debug("session {} does not keep up and is left behind", attachment.name());
            attachment.leaveBehind();
        }
        congested.clear();
        link.lost(transport, "The listeners of a session do not keep up.", null);
    }
}
