package dev.parley.dayout;

import dev.langchain4j.agent.tool.P;
import dev.langchain4j.agent.tool.Tool;
import dev.langchain4j.agent.tool.ToolMemoryId;
import dev.parley.client.ParleyClient;
import dev.parley.client.agent.ToolKey;
import java.time.DateTimeException;
import java.time.LocalTime;
import java.util.List;
import java.util.Locale;

/**
 * What Bernard can do. The key of a call names the session in which it is made. All of them have their effect once for each key, so
 * that they are simply called again when a process of his has died in between.
 */
public final class TownTools {
    private static final int NUMBER_CHARS = 5;

    private final ParleyClient client;

    TownTools(ParleyClient client) {
        this.client = client;
    }

    private Itinerary itinerary(ToolKey key) {
        return new Itinerary(client.session(key.sessionName()).objects());
    }

    /** Changes nothing. */
    @Tool("Finds places in town of one kind")
    List<Place> findPlaces(
            @P(
                            "coffee, market, museum, garden, lunch, view, animals, walk, boat, swim, playground, bookshop, dessert, music or dinner")
                    String kind,
            @ToolMemoryId ToolKey key) {
        return Places.of(Kind.of(kind));
    }

    /** Changes nothing. */
    @Tool("How many minutes one walks from a place to another")
    int walkingMinutes(
            @P("the id of a place") String from, @P("the id of another place") String to, @ToolMemoryId ToolKey key) {
        return Places.get(from).walkTo(Places.get(to));
    }

    /** Changes nothing. */
    @Tool("Reads the itinerary that everybody shares: its stops, by whom they are, and what is booked")
    List<Stop> readItinerary(@ToolMemoryId ToolKey key) {
        return itinerary(key).read();
    }

    /** Has the same effect however often it is called. */
    @Tool("Puts a stop into the itinerary, or moves it to another time")
    Stop planStop(
            @P("the id of a place") String place,
            @P("the time, such as 10:30") String time,
            @P("why, in a few words") String note,
            @ToolMemoryId ToolKey key) {
        Itinerary itinerary = itinerary(key);
        String booked = itinerary.find(Places.get(place).id()).map(Stop::booked).orElse(null);
        Stop stop = new Stop(place, time(time), note, Bernard.ID, booked);
        itinerary.put(stop);
        return stop;
    }

    /** Has the same effect however often it is called. */
    @Tool("Takes a stop off the itinerary")
    String dropStop(@P("the id of a place") String place, @ToolMemoryId ToolKey key) {
        String name = Places.get(place).name();
        itinerary(key).drop(place);
        return name + " is off the list.";
    }

    /** Gives the same number to the same call. */
    @Tool("Reserves a place that is bookable, for everybody. People are asked first")
    Stop book(
            @P("the id of a place") String place,
            @P("the time, such as 12:30") String time,
            @P("how many people") int people,
            @ToolMemoryId ToolKey key) {
        Place booked = Places.get(place);
        if (!booked.bookable()) {
            throw new IllegalArgumentException(booked.name() + " takes no reservations.");
        }
        if (people < 1) {
            throw new IllegalArgumentException("A reservation is for at least one person.");
        }
        String number = "SB-" + key.value().substring(0, NUMBER_CHARS).toUpperCase(Locale.ROOT);
        Itinerary itinerary = itinerary(key);
        Stop stop =
                itinerary.find(place).orElseGet(() -> new Stop(place, time(time), "for " + people, Bernard.ID, null));
        Stop reserved = stop.withBooked(number);
        itinerary.put(reserved);
        return reserved;
    }

    private static String time(String text) {
        try {
            return LocalTime.parse(text.strip().length() == 4 ? "0" + text.strip() : text.strip())
                    .toString();
        } catch (DateTimeException e) {
            throw new IllegalArgumentException("'" + text + "' is no time; say 09:30 or 14:00.", e);
        }
    }
}
