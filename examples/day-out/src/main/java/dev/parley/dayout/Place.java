package dev.parley.dayout;

import java.time.LocalTime;

/**
 * A place in Seeburg, a town that exists only here.
 *
 * @param id names it
 * @param name what people call it
 * @param kind a {@link Kind}
 * @param x metres from the western edge of the map
 * @param y metres from its northern edge
 * @param indoors whether one stays dry
 * @param opens from when one can be there
 * @param closes until when
 * @param minutes how long people stay
 * @param price of a person
 * @param bookable whether one can reserve
 * @param about what is said of it
 */
record Place(
        String id,
        String name,
        String kind,
        int x,
        int y,
        boolean indoors,
        String opens,
        String closes,
        int minutes,
        int price,
        boolean bookable,
        String about) {
    private static final int METRES_PER_MINUTE = 75;

    Kind is() {
        return Kind.of(kind);
    }

    LocalTime opening() {
        return LocalTime.parse(opens);
    }

    LocalTime closing() {
        return LocalTime.parse(closes);
    }

    /** How many minutes one walks from here to there. */
    int walkTo(Place there) {
        return (int) Math.ceil(Math.hypot(x - there.x, y - there.y) / METRES_PER_MINUTE);
    }
}
