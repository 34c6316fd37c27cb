package dev.parley.dayout;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.LocalTime;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class WishesTest {
    private static Wishes wishes(String... messages) {
        List<Saying> sayings = new ArrayList<>();
        for (int at = 0; at < messages.length; at++) {
            sayings.add(Saying.of(messages[at], at));
        }
        return Wishes.of(sayings);
    }

    @Test
    void whoeverHasSpokenLastOfAKindDecides() {
        Wishes wishes = wishes(
                "Alice: A museum and the market, please",
                "Steve: no museum, but a swim",
                "Alice: OK, the clocks then!");
        assertThat(wishes.wanted()).containsEntry(Kind.MUSEUM, "Alice").containsEntry(Kind.SWIM, "Steve");
        assertThat(wishes.unwanted()).isEmpty();
        assertThat(wishes("Alice: a museum instead of the market").unwanted()).containsOnlyKeys(Kind.MARKET);
    }

    @Test
    void aNoHoldsForItsClauseOnly() {
        Wishes wishes = wishes("Steve: don't want the zoo, ice cream yes");
        assertThat(wishes.unwanted()).containsOnlyKeys(Kind.ANIMALS);
        assertThat(wishes.wanted()).containsOnlyKeys(Kind.DESSERT);
    }

    @Test
    void timesWeatherAndPeopleAreUnderstood() {
        Wishes wishes = wishes("Alice: from 9:30, home by 6", "Steve: we are four. It will rain");
        assertThat(wishes.start()).isEqualTo(LocalTime.of(9, 30));
        assertThat(wishes.end()).isEqualTo(LocalTime.of(18, 0));
        assertThat(wishes.people()).isEqualTo(4);
        assertThat(wishes.dry()).isTrue();
        assertThat(wishes("Alice: it may rain", "Steve: no rain!").dry()).isFalse();
        // As many as have spoken, if nobody says it; and times and numbers that make no sense are none.
        Wishes odd = wishes("A: from 99 to 98", "B: table for 4711", "C: hi");
        assertThat(odd.start()).isEqualTo(LocalTime.of(10, 0));
        assertThat(odd.people()).isEqualTo(3);
    }

    @Test
    void aReservationIsAskedForByTheLastWhoSpeaksOfIt() {
        assertThat(wishes("Alice: hello", "Steve: book a table").reservationAt())
                .isEqualTo(1);
        assertThat(wishes("Steve: book a table", "Alice: don't book anything").reservationAt())
                .isEqualTo(-1);
        assertThat(wishes("Steve: two books, please").reservationAt()).isEqualTo(-1);
    }

    @Test
    void everyDayHasSomethingUnlessSomebodyObjects() {
        assertThat(wishes("Alice: hello").kinds()).containsExactly(Kind.COFFEE, Kind.LUNCH, Kind.VIEW, Kind.WALK);
        assertThat(wishes("Alice: no walk, no lunch").kinds()).containsExactly(Kind.COFFEE, Kind.VIEW);
        assertThat(wishes("Alice: a swim").kinds()).containsExactly(Kind.LUNCH, Kind.SWIM);
    }
}
