package dev.parley.server.streams;

import static org.assertj.core.api.Assertions.assertThat;

import dev.parley.engine.identity.Identities;
import dev.parley.engine.stream.Place;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The text of offsets: what is in it, how it sorts, and whose it is. */
class OffsetsTest {
    private static final String PATH = "rooms/a%2Fb";

    private final Offsets offsets = new Offsets(new Identities(40, true, List.of(7L)));

    @Test
    void anOffsetNamesIncarnationAndPosition() {
        for (long id : new long[] {40, 4_096, 1L << 40, (1L << 56) - 1}) {
            for (long position : new long[] {1, 9_999, 9_999_999_999_999_999L}) {
                String offset = offsets.render(id, PATH, position);
                assertThat(offset).matches("[0-9a-z]{24}_[0-9]{16}");
                assertThat(offsets.parse(offset)).isEqualTo(new Place.Named(id, PATH.hashCode(), position));
            }
        }
        assertThat(offsets.render(40, PATH, 0)).isEqualTo(Offsets.START);
        assertThat(offsets.parse(Offsets.START)).isEqualTo(new Place.Start());
    }

    @Test
    void textOrderIsThatOfIncarnationsAndThenOfPositions() {
        assertThat(List.of(
                        Offsets.START,
                        "0000000000000000_0000000000000009",
                        offsets.render(40, PATH, 9),
                        offsets.render(40, PATH, 10),
                        offsets.render(1_000, PATH, 1),
                        offsets.render(1L << 50, PATH, 1)))
                .isSorted();
    }

    @Test
    void whatNobodyHasGivenOutIsNoOffset() {
        String good = offsets.render(40, PATH, 5);
        assertThat(offsets.parse(good)).isNotNull();
        for (int i = 0; i < 24; i++) {
            char other = good.charAt(i) == '1' ? '2' : '1';
            Place place = offsets.parse(good.substring(0, i) + other + good.substring(i + 1));
            assertThat(place == null || !place.equals(offsets.parse(good)))
                    .as("another character at %d", i)
                    .isTrue();
        }
        for (String bad : List.of(
                "",
                "-1",
                "now",
                "_",
                "9999999999999999_9999999999999999",
                good.substring(1),
                "0" + good,
                good + "0",
                good.replace('_', '-'),
                good.replace("_0", "_x"),
                good.toUpperCase(java.util.Locale.ROOT).replaceAll("[0-9]", "A"),
                "z".repeat(24) + "_0000000000000001",
                "é".repeat(24) + "_0000000000000001")) {
            assertThat(offsets.parse(bad)).as(bad).isNull();
        }
    }

    @Test
    void anotherDataFolderHasGivenOutOthers() {
        Offsets elsewhere = new Offsets(new Identities(40, true, List.of(8L)));
        assertThat(elsewhere.render(40, PATH, 5)).isNotEqualTo(offsets.render(40, PATH, 5));
        assertThat(elsewhere.parse(offsets.render(40, PATH, 5))).isNull();
    }

    @Test
    void whatWasGivenOutBeforeARestoreIsKnownAsThat() {
        Offsets restored = new Offsets(new Identities(40, true, List.of(7L, 8L)));
        assertThat(restored.parse(offsets.render(40, PATH, 5))).isEqualTo(new Place.Lapsed(PATH.hashCode()));
        assertThat(restored.parse(restored.render(40, PATH, 5))).isEqualTo(new Place.Named(40, PATH.hashCode(), 5));
        assertThat(restored.parse(Offsets.START)).isEqualTo(new Place.Start());
    }

    @Test
    void offsetsOfBeforeIncarnationsHadNamesAreKnownWhereThereWereSome() {
        String old = "0000000000000000_0000000000000005";
        assertThat(offsets.parse(old)).as("a folder that never gave out such").isNull();
        assertThat(new Offsets(new Identities(4_096, false, List.of(7L))).parse(old))
                .isEqualTo(new Place.Unnamed(4_096, 5));
        assertThat(new Offsets(new Identities(4_096, false, List.of(7L, 8L))).parse(old))
                .as("after a restore nothing is below it")
                .isEqualTo(new Place.Unnamed(0, 5));
    }
}
