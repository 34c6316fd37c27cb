package dev.parley.engine.session.object;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class ObjectIdsTest {
    /** What the npm client makes of {@code {"count":42}}, the nonce {@code nonce-of-16-bytes} and this time. */
    private static final String COUNTER = "counter:LL_FWkXmbOI275e48FkPl-miL5H2oPaF8UbykSwC4BY@1795251092000";

    @Test
    void anIdStandsForWhatTheObjectWasMadeWith() {
        assertThat(ObjectIds.ofCounter("{\"count\":42}", "nonce-of-16-bytes", 1795251092000L))
                .isEqualTo(COUNTER);
        assertThat(ObjectIds.verify(COUNTER, "{\"count\":42}", "nonce-of-16-bytes"))
                .isTrue();
        assertThat(ObjectIds.verify(COUNTER.replace("@", "=@"), "{\"count\":42}", "nonce-of-16-bytes"))
                .isTrue();
        assertThat(ObjectIds.verify(COUNTER, "{\"count\":43}", "nonce-of-16-bytes"))
                .isFalse();
        assertThat(ObjectIds.verify(COUNTER, "{\"count\":42}", "another nonce")).isFalse();
        assertThat(ObjectIds.verify(COUNTER.replace("@1", "@x"), "{\"count\":42}", "nonce-of-16-bytes"))
                .isFalse();
        assertThat(ObjectIds.verify(COUNTER.replace("counter", "list"), "{\"count\":42}", "nonce-of-16-bytes"))
                .isFalse();
        assertThat(ObjectIds.verify("root", "{}", "nonce-of-16-bytes")).isFalse();
    }

    @Test
    void mapsAndCountersAreToldApartByTheirIds() {
        assertThat(ObjectIds.isMap("root")).isTrue();
        assertThat(ObjectIds.isMap(ObjectIds.ofMap("{}", "n", 1))).isTrue();
        assertThat(ObjectIds.isCounter(ObjectIds.ofMap("{}", "n", 1))).isFalse();
        assertThat(ObjectIds.isCounter(COUNTER)).isTrue();
    }
}
