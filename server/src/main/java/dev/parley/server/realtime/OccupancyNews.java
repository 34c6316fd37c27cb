package dev.parley.server.realtime;

import java.util.concurrent.atomic.AtomicBoolean;

/** Tells one attachment who is attached to its channel, in numbers: at once, and then when they change, now and then. */
final class OccupancyNews {
    /** How long changes gather. */
    private static final long PAUSE_MILLIS = 200;

    private final Attachment attachment;
    private final Loop loop;
    private final AtomicBoolean told = new AtomicBoolean();
    private final Runnable listener = this::changed;

    OccupancyNews(Attachment attachment, Loop loop) {
        this.attachment = attachment;
        this.loop = loop;
    }

    /** Called after every change. Any thread. */
    Runnable listener() {
        return listener;
    }

    private void changed() {
        if (told.compareAndSet(false, true)) {
            loop.post(() -> loop.vertx().setTimer(PAUSE_MILLIS, timer -> {
                told.set(false);
                // If it is too busy for that, there will be other news.
                attachment.whenFree(attachment::sendOccupancy);
            }));
        }
    }
}
