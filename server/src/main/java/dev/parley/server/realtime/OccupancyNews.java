package dev.parley.server.realtime;

import dev.parley.server.loop.EventLoop;
import dev.parley.server.occupancy.Occupancy;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Sends occupancy (the numbers of attached clients) to one attachment: once at the beginning, and then after changes,
 * at limited intervals, until it is closed.
 */
final class OccupancyNews implements AutoCloseable {
    /** How long changes are collected before they are sent. */
    private static final long PAUSE_MILLIS = 200;

    private final Attachment attachment;
    private final EventLoop loop;
    private final AtomicBoolean told = new AtomicBoolean();
    private final Occupancy.Listening listening;

    OccupancyNews(Attachment attachment, Occupancy occupancy, EventLoop loop) {
        this.attachment = attachment;
        this.loop = loop;
        this.listening = occupancy.listen(attachment.session(), this::changed);
    }

    /** Notes that the numbers have changed. May be called by any thread. */
    void changed() {
        if (told.compareAndSet(false, true)) {
            loop.post(() -> loop.vertx().setTimer(PAUSE_MILLIS, timer -> {
                told.set(false);
                // If the attachment is too busy for this, a later change will be sent.
                attachment.whenFree(attachment::sendOccupancy);
            }));
        }
    }

    @Override
    public void close() {
        listening.close();
    }
}
