package dev.parley.dayout;

import dev.langchain4j.model.chat.request.ChatRequest;
import dev.parley.langchain4j.testing.Answer;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * What Bernard says without a language model behind him. It holds nothing: each answer follows from the prompt, which has all that
 * was said, stopped and found out. It looks what is missing, and does that next: the list, the places of a kind that somebody wants,
 * the differences between the list and a plan, a reservation, and last the words. So whatever people say in between changes what comes
 * next, and a process that takes over a run goes on where the other one was.
 */
final class Planner implements Function<ChatRequest, Answer> {
    private static final Pattern AFTER_WORDS = Pattern.compile("(?<=\\s)(?=\\S)");

    @Override
    public Answer apply(ChatRequest request) {
        Transcript turn = Transcript.of(request.messages());
        Wishes wishes = Wishes.of(turn.sayings);
        Map<String, Stop> list = turn.list;
        List<Kind> unknown = wishes.kinds().stream()
                .filter(kind -> !turn.found.containsKey(kind))
                .filter(kind -> !turn.calls.contains(finding(kind)))
                .toList();
        if (list == null || !unknown.isEmpty()) {
            return research(turn, wishes, unknown);
        }
        Plan plan = Plan.of(wishes, turn.found, list.values(), turn.removed());
        List<Call> changes = changes(plan, list.values()).stream()
                .filter(call -> !turn.calls.contains(call.known()))
                .toList();
        if (!changes.isEmpty()) {
            return answer(
                    acknowledged(turn) + "I write it down, so that all of you see it and can change it.", changes);
        }
        Optional<Call> reservation = reservation(turn, wishes, plan);
        return reservation.isPresent()
                ? answer(
                        acknowledged(turn) + "The day stands. I would like to reserve, and need a yes from one of you.",
                        List.of(reservation.get()))
                : answer(acknowledged(turn) + summary(turn, plan), List.of());
    }

    // Calls

    private record Call(String name, ObjectNode arguments) {
        String known() {
            return Transcript.call(name, arguments);
        }
    }

    private static ObjectNode object() {
        return JsonMapper.shared().createObjectNode();
    }

    private static String finding(Kind kind) {
        return find(kind).known();
    }

    private static Call find(Kind kind) {
        return new Call("findPlaces", object().put("kind", kind.word()));
    }

    /** What has to be changed for the list to be the plan. */
    private static List<Call> changes(Plan plan, Collection<Stop> list) {
        List<Call> calls = new ArrayList<>();
        for (Stop stop : list) {
            boolean stays =
                    plan.stops().stream().anyMatch(planned -> planned.place().equals(stop.place()));
            if (!stays) {
                calls.add(new Call("dropStop", object().put("place", stop.place())));
            }
        }
        for (Stop stop : plan.stops()) {
            boolean isThere = list.stream()
                    .anyMatch(each ->
                            each.place().equals(stop.place()) && each.at().equals(stop.at()));
            if (!isThere) {
                calls.add(new Call(
                        "planStop",
                        object().put("place", stop.place())
                                .put("time", stop.at())
                                .put("note", stop.note())));
            }
        }
        return calls;
    }

    /** What somebody has asked to be reserved since something was last reserved, or declined. */
    private static Optional<Call> reservation(Transcript turn, Wishes wishes, Plan plan) {
        if (wishes.reservationAt() <= turn.reservationAt) {
            return Optional.empty();
        }
        List<Stop> free = plan.stops().stream()
                .filter(stop -> stop.booked() == null
                        && Places.find(stop.place()).map(Place::bookable).orElse(false))
                .toList();
        // A table before all else.
        return free.stream()
                .filter(stop -> {
                    Kind kind = Places.get(stop.place()).is();
                    return kind == Kind.LUNCH || kind == Kind.DINNER;
                })
                .findFirst()
                .or(() -> free.stream().findFirst())
                .map(stop -> new Call(
                        "book",
                        object().put("place", stop.place())
                                .put("time", stop.at())
                                .put("people", wishes.people())));
    }

    // Words

    private static Answer answer(String text, List<Call> calls) {
        Answer answer = Answer.begin().text(AFTER_WORDS.split(text, -1));
        for (Call call : calls) {
            answer = answer.toolCall(null, call.name(), call.arguments().toString());
        }
        return answer;
    }

    private static Answer research(Transcript turn, Wishes wishes, List<Kind> unknown) {
        List<Call> calls = new ArrayList<>();
        if (turn.list == null) {
            calls.add(new Call("readItinerary", object()));
        }
        unknown.forEach(kind -> calls.add(find(kind)));
        String text = turn.begun ? acknowledged(turn) + "I look again." : greeting(turn, wishes);
        return answer(text, calls);
    }

    private static String greeting(Transcript turn, Wishes wishes) {
        List<String> sentences = new ArrayList<>();
        if (turn.note != null) {
            sentences.add(turn.note.replace("Bernard here", "me") + " Let me take up what you want now.");
        }
        Set<String> who = new LinkedHashSet<>();
        turn.sayings.forEach(saying -> who.add(saying.who()));
        sentences.add("I have read what "
                + joined(who.stream().map(name -> "**" + name + "**").toList()) + " said.");
        wishes.wanted().forEach((kind, name) -> sentences.add(name + " would like: " + kind.word() + "."));
        wishes.unwanted().forEach((kind, name) -> sentences.add("No " + kind.word() + ", says " + name + "."));
        if (wishes.dry()) {
            sentences.add("It has to work in the rain.");
        }
        sentences.add("I look at your list, and at what the town has.");
        return String.join(" ", sentences);
    }

    /** Names what was said into the turn. */
    private static String acknowledged(Transcript turn) {
        return !turn.begun || turn.news.isEmpty()
                ? ""
                : turn.news.stream()
                        .map(saying -> "Understood, **" + saying.who() + "**: “" + saying.text() + "” ")
                        .collect(Collectors.joining());
    }

    private static String summary(Transcript turn, Plan plan) {
        StringBuilder text = new StringBuilder("Here is your day in **Seeburg**:\n\n");
        for (Stop stop : plan.stops()) {
            text.append("- **")
                    .append(stop.at())
                    .append("** ")
                    .append(Places.find(stop.place()).map(Place::name).orElse(stop.place()))
                    .append(of(stop))
                    .append('\n');
        }
        List<String> remarks = new ArrayList<>();
        if (!plan.leftOut().isEmpty()) {
            remarks.add("There was no time or no dry place for: "
                    + joined(plan.leftOut().stream().map(Kind::word).toList()) + ".");
        }
        Set<String> removed = turn.removed();
        if (!removed.isEmpty()) {
            remarks.add("You have taken "
                    + joined(removed.stream()
                            .map(id -> Places.find(id).map(Place::name).orElse(id))
                            .sorted()
                            .toList())
                    + " off the list; I have left it off.");
        }
        String reservation = turn.reservation;
        if (reservation != null) {
            remarks.add(reservation);
        }
        remarks.add("Change the list as you like; I read it when you call me again.");
        return text.append('\n').append(String.join(" ", remarks)).toString();
    }

    private static String of(Stop stop) {
        if (stop.booked() != null) {
            return ", reserved (" + stop.booked() + ")";
        }
        if (!stop.by().equals(Bernard.ID)) {
            return ", as " + stop.by() + " has it";
        }
        return stop.note().isEmpty() ? "" : ", " + stop.note();
    }

    private static String joined(List<String> words) {
        int last = words.size() - 1;
        return last <= 0
                ? String.join("", words)
                : String.join(", ", words.subList(0, last)) + " and " + words.get(last);
    }
}
