package dev.parley.dayout;

import java.time.LocalTime;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A day: what stays, since people have put it there or it is booked, and what is planned around it, with short ways and while places
 * are open.
 *
 * @param stops all stops by time
 * @param leftOut what there was no place or no time for
 */
record Plan(List<Stop> stops, List<Kind> leftOut) {
    private static final int QUARTER = 15;

    /** Nothing is begun so many minutes before a meal. */
    private static final int SOON = 30;

    private static final LocalTime LUNCHTIME = LocalTime.of(11, 45);
    private static final LocalTime DINNERTIME = LocalTime.of(18, 0);

    /**
     * Plans a day.
     *
     * @param found what was found of each kind
     * @param list the itinerary as it is
     * @param removed places that people have taken off the list
     */
    static Plan of(Wishes wishes, Map<Kind, List<Place>> found, Collection<Stop> list, Set<String> removed) {
        var maker = new Maker(wishes, found, removed);
        list.stream().filter(stop -> isFixed(wishes, stop)).forEach(maker.stops::add);
        List<Kind> todo = new ArrayList<>(wishes.kinds());
        todo.removeIf(maker::has);
        boolean lunch = todo.remove(Kind.LUNCH);
        boolean dinner = todo.remove(Kind.DINNER);
        for (Kind kind : todo) {
            if (lunch && !maker.now.isBefore(LUNCHTIME.minusMinutes(SOON))) {
                maker.add(Kind.LUNCH, LUNCHTIME);
                lunch = false;
            }
            if (dinner && !maker.now.isBefore(DINNERTIME.minusMinutes(SOON))) {
                maker.add(Kind.DINNER, DINNERTIME);
                dinner = false;
            }
            maker.add(kind, maker.now);
        }
        if (lunch) {
            maker.add(Kind.LUNCH, LUNCHTIME);
        }
        if (dinner) {
            maker.add(Kind.DINNER, DINNERTIME);
        }
        maker.stops.sort(Comparator.comparing(Stop::time).thenComparing(Stop::place));
        return new Plan(List.copyOf(maker.stops), List.copyOf(maker.leftOut));
    }

    /** What Bernard does not touch. */
    private static boolean isFixed(Wishes wishes, Stop stop) {
        boolean isWelcome = Places.find(stop.place())
                .map(place -> !wishes.unwanted().containsKey(place.is()))
                .orElse(true);
        return stop.booked() != null || (!stop.by().equals(Bernard.ID) && isWelcome);
    }

    private static final class Maker {
        final List<Stop> stops = new ArrayList<>();
        final List<Kind> leftOut = new ArrayList<>();
        private final Wishes wishes;
        private final Map<Kind, List<Place>> found;
        private final Set<String> removed;
        private LocalTime now;
        private @Nullable Place here;

        Maker(Wishes wishes, Map<Kind, List<Place>> found, Set<String> removed) {
            this.wishes = wishes;
            this.found = found;
            this.removed = removed;
            this.now = wishes.start();
        }

        boolean has(Kind kind) {
            return stops.stream()
                    .flatMap(stop -> Places.find(stop.place()).stream())
                    .anyMatch(place -> place.is() == kind);
        }

        /** Adds a stop of this kind, not before this time. */
        void add(Kind kind, LocalTime earliest) {
            LocalTime from = earliest.isAfter(now) ? earliest : now;
            Optional<Stop> best = found.getOrDefault(kind, List.of()).stream()
                    .filter(place -> !removed.contains(place.id()))
                    .filter(place -> !wishes.dry() || place.indoors())
                    .filter(place -> place.bookable() || !isToReserve(kind))
                    .sorted(Comparator.comparingInt(place -> here == null ? 0 : here.walkTo(place)))
                    .flatMap(place -> at(place, from).stream())
                    .min(Comparator.comparing(Stop::time));
            if (best.isEmpty()) {
                leftOut.add(kind);
                return;
            }
            Stop stop = best.get();
            Place place = Places.get(stop.place());
            stops.add(stop);
            here = place;
            now = stop.time().plusMinutes(place.minutes());
        }

        /** Whoever wants a table goes where one can have one. */
        private boolean isToReserve(Kind kind) {
            return wishes.reservationAt() >= 0 && (kind == Kind.LUNCH || kind == Kind.DINNER);
        }

        /** The first time at which one can be there, between what is fixed. */
        private Optional<Stop> at(Place place, LocalTime from) {
            Place before = here;
            LocalTime time = quarter(before == null ? from : from.plusMinutes(before.walkTo(place)));
            if (time.isBefore(place.opening())) {
                time = quarter(place.opening());
            }
            for (Stop fixed : stops) {
                Optional<Place> there = Places.find(fixed.place());
                int stay = there.map(Place::minutes).orElse(0);
                boolean overlaps = time.isBefore(fixed.time().plusMinutes(stay))
                        && fixed.time().isBefore(time.plusMinutes(place.minutes()));
                if (overlaps) {
                    int walk = there.map(other -> other.walkTo(place)).orElse(0);
                    time = quarter(fixed.time().plusMinutes(stay + walk));
                }
            }
            LocalTime leaves = time.plusMinutes(place.minutes());
            boolean fits = leaves.isAfter(time) && !leaves.isAfter(place.closing()) && !leaves.isAfter(wishes.end());
            return fits
                    ? Optional.of(new Stop(place.id(), time.toString(), reason(place.is()), Bernard.ID, null))
                    : Optional.empty();
        }

        private String reason(Kind kind) {
            String who = wishes.wanted().get(kind);
            return who == null ? "because every day has one" : "for " + who;
        }

        private static LocalTime quarter(LocalTime time) {
            int over = time.getMinute() % QUARTER;
            return over == 0 ? time : time.plusMinutes(QUARTER - over);
        }
    }
}
