package dev.parley.dayout;

import java.time.LocalTime;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * A stop of the itinerary.
 *
 * @param place the id of a {@link Place}
 * @param at when, as {@code 10:30}
 * @param note why, in a few words; empty if nobody has said
 * @param by who has put it there or changed it last
 * @param booked the number of the reservation; null if there is none
 */
record Stop(
        String place,
        String at,
        String note,
        String by,
        @Nullable String booked) {
    Stop withBooked(String number) {
        return new Stop(place, at, note, by, number);
    }

    LocalTime time() {
        return LocalTime.parse(at);
    }

    ObjectNode toJson() {
        ObjectNode json = JsonMapper.shared().createObjectNode();
        json.put("place", place).put("at", at).put("note", note).put("by", by);
        if (booked != null) {
            json.put("booked", booked);
        }
        return json;
    }

    /** What others have written is read as it is; the time has to be one. */
    static Stop of(JsonNode json) {
        JsonNode booked = json.get("booked");
        return new Stop(
                json.path("place").asString(""),
                LocalTime.parse(json.path("at").asString("")).toString(),
                json.path("note").asString(""),
                json.path("by").asString(""),
                booked == null || booked.isNull() ? null : booked.asString());
    }
}
