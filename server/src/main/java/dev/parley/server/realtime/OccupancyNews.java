package dev.parley.server.realtime;

import dev.parley.server.loop.EventLoop;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Sends occupancy (the numbers of attached clients) to one attachment: once at the beginning, and then after changes,
 * at limited intervals.
 */
final class OccupancyNews {
    /** How long changes are collected before they are sent. */
    private static final long PAUSE_MILLIS = 200;

    private final Attachment attachment;
    private final EventLoop loop;
    private final AtomicBoolean told = new AtomicBoolean();
    private final Runnable listener = this::changed;

    OccupancyNews(Attachment attachment, EventLoop loop) {
        this.attachment = attachment;
        this.loop = loop;
    }

    /** The listener that is called after every change. May be called by any thread. */
    Runnable listener() {
        return listener;
    }

    private void changed() {
        if (told.compareAndSet(false, true)) {
            loop.post(() -> loop.vertx().setTimer(PAUSE_MILLIS, timer -> {
                told.set(false);
                // If the attachment is too busy for this, a later change will be sent.
                attachment.whenFree(attachment::sendOccupancy);
            }));
        }
    }
}
