package dev.parley.dayout;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.LocalTime;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

class PlanTest {
    private static final Map<Kind, List<Place>> ALL = all();

    private static Map<Kind, List<Place>> all() {
        Map<Kind, List<Place>> all = new EnumMap<>(Kind.class);
        for (Kind kind : Kind.values()) {
            all.put(kind, Places.of(kind));
            assertThat(all.get(kind)).isNotEmpty();
        }
        return all;
    }

    private static Wishes wishes(String text) {
        return Wishes.of(List.of(new Saying("Alice", text, 0)));
    }

    @Test
    void aDayHasNoTwoStopsAtOnceAndAllPlacesAreOpen() {
        Plan plan = Plan.of(
                wishes("market, museum, view, walk, boat, swim, ice, music, dinner, garden, coffee"),
                ALL,
                List.of(),
                Set.of());
        assertThat(plan.stops()).hasSizeGreaterThan(6);
        LocalTime free = LocalTime.MIN;
        for (Stop stop : plan.stops()) {
            Place place = Places.get(stop.place());
            assertThat(stop.time()).isAfterOrEqualTo(free).isAfterOrEqualTo(place.opening());
            free = stop.time().plusMinutes(place.minutes());
            assertThat(free).isBeforeOrEqualTo(place.closing()).isBeforeOrEqualTo(LocalTime.of(21, 0));
        }
    }

    @Test
    void whatPeopleHavePutThereStaysAndWhatTheyHaveRemovedStaysAway() {
        Stop fixed = new Stop("lido", "13:00", "", "Steve", null);
        Stop old = new Stop("market", "10:00", "", Bernard.ID, null);
        Plan plan = Plan.of(wishes("swim and a museum, coffee"), ALL, List.of(fixed, old), Set.of("clock-museum"));
        assertThat(plan.stops()).contains(fixed).doesNotContain(old);
        assertThat(plan.stops())
                .extracting(Stop::place)
                .contains("lake-gallery")
                .doesNotContain("clock-museum", "old-baths");
        // Whatever is planned beside it does not overlap it.
        for (Stop stop : plan.stops()) {
            if (!stop.equals(fixed)) {
                boolean before = !stop.time()
                        .plusMinutes(Places.get(stop.place()).minutes())
                        .isAfter(fixed.time());
                assertThat(before || !stop.time().isBefore(LocalTime.of(14, 30)))
                        .isTrue();
            }
        }
    }

    @Test
    void inTheRainEverythingIsIndoors() {
        Plan plan = Plan.of(wishes("rain! walk, swim, boat, garden"), ALL, List.of(), Set.of());
        assertThat(plan.stops())
                .isNotEmpty()
                .allMatch(stop -> Places.get(stop.place()).indoors());
        assertThat(plan.leftOut()).containsExactly(Kind.BOAT);
    }

    @Test
    void aReservationStays() {
        Stop booked = new Stop("four-tables", "12:00", "", Bernard.ID, "SB-1");
        Plan plan = Plan.of(wishes("no lunch, a walk"), ALL, List.of(booked), Set.of());
        assertThat(plan.stops()).contains(booked);
    }
}
