package dev.parley.dayout;

import dev.parley.client.SharedObjects;
import java.time.DateTimeException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.json.JsonMapper;

/**
 * The itinerary of a session: shared objects, which people and agents change at the same time. Each stop is an entry of the map in
 * which all paths begin, under the id of its place. That map is always there, so that nobody has to make one, and no two can do so
 * at once.
 */
final class Itinerary {
    private static final Logger LOG = LoggerFactory.getLogger(Itinerary.class);

    private static final String STOP = "stop:";

    private final SharedObjects objects;

    Itinerary(SharedObjects objects) {
        this.objects = objects;
    }

    /** The stops by time. */
    List<Stop> read() {
        List<Stop> stops = new ArrayList<>();
        objects.get("")
                .propertyStream()
                .filter(each -> each.getKey().startsWith(STOP))
                .forEach(each -> {
                    try {
                        // A document comes as its text.
                        stops.add(Stop.of(
                                JsonMapper.shared().readTree(each.getValue().asString())));
                    } catch (JacksonException | DateTimeException e) {
                        // Anybody may write here; what is no stop is nobody's.
                        LOG.info("{} is no stop.", each.getKey(), e);
                    }
                });
        stops.sort(Comparator.comparing(Stop::time).thenComparing(Stop::place));
        return stops;
    }

    Optional<Stop> find(String place) {
        return read().stream().filter(stop -> stop.place().equals(place)).findFirst();
    }

    void put(Stop stop) {
        objects.set("", STOP + stop.place(), stop.toJson());
    }

    void drop(String place) {
        objects.remove("", STOP + place);
    }
}
