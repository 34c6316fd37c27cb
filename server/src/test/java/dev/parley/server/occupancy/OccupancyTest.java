package dev.parley.server.occupancy;

import static org.assertj.core.api.Assertions.assertThat;

import dev.parley.engine.session.SessionName;
import dev.parley.server.wire.Flags;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class OccupancyTest {
    private static final SessionName CHAT = new SessionName("app", "chat");

    private final Occupancy occupancy = new Occupancy();

    private Occupancy.Metrics metrics() {
        return occupancy.of(CHAT, 0);
    }

    @Test
    void anAttachmentIsCountedUntilItIsClosedForTheFirstTime() {
        Occupancy.Attached one = occupancy.attach(CHAT);
        Occupancy.Attached other = occupancy.attach(CHAT);
        one.change(Flags.PUBLISH | Flags.SUBSCRIBE);
        other.change(Flags.SUBSCRIBE);
        one.change(Flags.SUBSCRIBE);
        assertThat(metrics()).isEqualTo(new Occupancy.Metrics(2, 0, 2, 0, 0, 0, 0, 0));
        one.close();
        one.close();
        one.change(Flags.PUBLISH);
        assertThat(metrics()).isEqualTo(new Occupancy.Metrics(1, 0, 1, 0, 0, 0, 0, 0));
        other.close();
        assertThat(metrics()).isEqualTo(new Occupancy.Metrics(0, 0, 0, 0, 0, 0, 0, 0));
        assertThat(occupancy.active("app", "", null, 10)).isEmpty();
    }

    @Test
    void whoListensIsToldUntilItStops() {
        AtomicInteger told = new AtomicInteger();
        Occupancy.Listening listening = occupancy.listen(CHAT, told::incrementAndGet);
        Occupancy.Attached attached = occupancy.attach(CHAT);
        assertThat(told).hasValue(1);
        listening.close();
        attached.close();
        assertThat(told).hasValue(1);
        assertThat(occupancy.active("app", "", null, 10)).isEmpty();
    }
}
