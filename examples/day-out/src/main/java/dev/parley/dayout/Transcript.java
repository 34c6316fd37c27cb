package dev.parley.dayout;

import dev.langchain4j.agent.tool.ToolExecutionRequest;
import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.data.message.ChatMessage;
import dev.langchain4j.data.message.SystemMessage;
import dev.langchain4j.data.message.TextContent;
import dev.langchain4j.data.message.ToolExecutionResultMessage;
import dev.langchain4j.data.message.UserMessage;
import java.time.DateTimeException;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.type.TypeReference;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * What a prompt of Bernard's says about the turn in which he is: what he has found and done since he was last through with
 * something, and what people have said at all.
 */
final class Transcript {
    private static final JsonMapper JSON = JsonMapper.shared();

    final List<Saying> sayings = new ArrayList<>();

    /** What was said since Bernard has last said something in this turn. */
    final List<Saying> news = new ArrayList<>();

    /** Whether Bernard has said something in this turn. */
    boolean begun;

    /** The itinerary as Bernard knows it in this turn, by place; null before he has looked. */
    @Nullable
    Map<String, Stop> list;

    final Map<Kind, List<Place>> found = new EnumMap<>(Kind.class);

    /** The calls of this turn: names with arguments. */
    final Set<String> calls = new HashSet<>();

    /** What has become of the reservation of this turn; null if there was none. */
    @Nullable
    String reservation;

    /** The number of the message in which Bernard has last asked for a reservation. */
    int reservationAt = -1;

    /** What somebody has done to the turn before: stopped it, for example. Null if it came to its end. */
    @Nullable
    String note;

    /** The places that Bernard has put on the list at any time, and not taken off it. */
    final Set<String> mine = new HashSet<>();

    private final Map<String, ToolExecutionRequest> requests = new HashMap<>();

    private Transcript() {}

    static Transcript of(List<ChatMessage> messages) {
        var transcript = new Transcript();
        for (int at = 0; at < messages.size(); at++) {
            switch (messages.get(at)) {
                case UserMessage said -> transcript.heard(text(said), at);
                case AiMessage answer -> transcript.answered(answer, at);
                case ToolExecutionResultMessage result -> transcript.done(result);
                case SystemMessage _ -> {}
                case ChatMessage other ->
                    throw new IllegalArgumentException("Bernard cannot read " + other.type() + ".");
            }
        }
        return transcript;
    }

    private static String text(UserMessage message) {
        return message.contents().stream()
                .filter(TextContent.class::isInstance)
                .map(content -> ((TextContent) content).text())
                .collect(Collectors.joining(" "));
    }

    private void heard(String text, int at) {
        if (text.startsWith("(")) {
            begin();
            note = text.substring(1, text.length() - 1);
            return;
        }
        Saying saying = Saying.of(text, at);
        sayings.add(saying);
        news.add(saying);
    }

    private void answered(AiMessage answer, int at) {
        if (answer.toolExecutionRequests().isEmpty()) {
            begin();
            note = null;
            return;
        }
        begun = true;
        news.clear();
        for (ToolExecutionRequest request : answer.toolExecutionRequests()) {
            requests.put(request.id(), request);
            calls.add(call(request.name(), arguments(request)));
            if (request.name().equals("book")) {
                reservationAt = at;
            }
        }
    }

    /** Whatever comes belongs to another turn. */
    private void begin() {
        begun = false;
        list = null;
        reservation = null;
        found.clear();
        calls.clear();
        news.clear();
    }

    private void done(ToolExecutionResultMessage result) {
        ToolExecutionRequest request = requests.get(result.id());
        if (request == null) {
            return;
        }
        JsonNode arguments = arguments(request);
        String place = arguments.path("place").asString("");
        boolean failed = Boolean.TRUE.equals(result.isError());
        if (failed) {
            if (request.name().equals("book")) {
                reservation = "I have reserved nothing. " + result.text();
            }
            return;
        }
        Map<String, Stop> known = list;
        switch (request.name()) {
            case "readItinerary" -> list = stops(result.text());
            case "findPlaces" ->
                found.put(
                        Kind.of(arguments.path("kind").asString("")),
                        JSON.readValue(result.text(), new TypeReference<List<Place>>() {}));
            case "planStop" -> {
                mine.add(place);
                Stop stop = Stop.of(JSON.readTree(result.text()));
                if (known != null) {
                    known.put(place, stop);
                }
            }
            case "book" -> {
                Stop stop = Stop.of(JSON.readTree(result.text()));
                reservation = "Reserved for " + arguments.path("people").asInt(0) + " at " + stop.at()
                        + ". The number is " + stop.booked() + ".";
                if (known != null) {
                    known.put(place, stop);
                }
            }
            case "dropStop" -> {
                mine.remove(place);
                if (known != null) {
                    known.remove(place);
                }
            }
            default -> {}
        }
    }

    private static Map<String, Stop> stops(String json) {
        Map<String, Stop> stops = new LinkedHashMap<>();
        for (JsonNode each : JSON.readTree(json)) {
            try {
                Stop stop = Stop.of(each);
                stops.put(stop.place(), stop);
            } catch (DateTimeException e) {
                throw new IllegalArgumentException("The itinerary has a stop without a time: " + each, e);
            }
        }
        return stops;
    }

    private static JsonNode arguments(ToolExecutionRequest request) {
        try {
            return JSON.readTree(Objects.requireNonNullElse(request.arguments(), "{}"));
        } catch (JacksonException e) {
            // It was broken off in the middle, and has had no effect.
            return JSON.createObjectNode();
        }
    }

    /** What a call is known by. */
    static String call(String name, JsonNode arguments) {
        return name + arguments;
    }

    /** The places that were on the list by Bernard, and are not any more. */
    Set<String> removed() {
        Set<String> removed = new HashSet<>(mine);
        if (list != null) {
            removed.removeAll(list.keySet());
        }
        return removed;
    }
}
