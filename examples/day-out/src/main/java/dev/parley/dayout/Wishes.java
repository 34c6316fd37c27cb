package dev.parley.dayout;

import java.time.LocalTime;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What several people want, as far as a few rules understand English: of each kind of place, whoever has spoken of it last decides.
 *
 * @param wanted the kinds that somebody wants, with who it is
 * @param unwanted the kinds that somebody does not want, with who it is
 * @param dry whether it has to be indoors
 * @param start when the day begins
 * @param end when it is over
 * @param people how many they are
 * @param reservationAt the number of the message in which somebody has last asked for a reservation; -1 if nobody has
 */
record Wishes(
        Map<Kind, String> wanted,
        Map<Kind, String> unwanted,
        boolean dry,
        LocalTime start,
        LocalTime end,
        int people,
        int reservationAt) {
    private static final LocalTime USUAL_START = LocalTime.of(10, 0);
    private static final LocalTime USUAL_END = LocalTime.of(21, 0);
    private static final int NOBODY = -1;
    private static final int MAX_PEOPLE = 20;

    /** How far before a word "no" still means it. */
    private static final int NEGATION_WORDS = 3;

    private static final Set<String> NEGATIONS = Set.of(
            "no", "not", "without", "skip", "drop", "instead", "don't", "dont", "avoid", "never", "hate", "forget");
    private static final Set<String> WET = Set.of("rain", "rains", "raining", "rainy", "wet", "umbrella");
    private static final Set<String> SUNNY = Set.of("sun", "sunny", "sunshine");
    private static final Set<String> RESERVING = Set.of("book", "reserve", "reservation", "table");
    private static final List<String> NUMBERS =
            List.of("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten");

    private static final Pattern CLAUSE = Pattern.compile("[,;!?\\n]|\\.(?!\\d)|\\bbut\\b");
    private static final Pattern BETWEEN_WORDS = Pattern.compile("[^\\p{L}\\p{N}'@:]+");
    private static final String TIME = "(\\d{1,2})(?::(\\d{2}))?\\s*(am|pm)?";
    private static final Pattern FROM = Pattern.compile("\\b(?:from|start(?:ing)?(?: at)?|meet at)\\s+" + TIME);
    private static final Pattern UNTIL = Pattern.compile("\\b(?:until|till|home by|back by|home at|end at)\\s+" + TIME);
    private static final Pattern PEOPLE = Pattern.compile(
            "\\b(?:we are|there are|for|of)\\s+(\\d{1,2}|" + String.join("|", NUMBERS) + ")\\b(?!:|\\s*(?:am|pm))");

    /** What follows from all that was said. */
    static Wishes of(List<Saying> sayings) {
        Map<Kind, String> wanted = new EnumMap<>(Kind.class);
        Map<Kind, String> unwanted = new EnumMap<>(Kind.class);
        Set<String> speakers = new HashSet<>();
        boolean dry = false;
        LocalTime start = USUAL_START;
        LocalTime end = USUAL_END;
        int people = 0;
        int reservationAt = NOBODY;
        for (Saying saying : sayings) {
            speakers.add(saying.who());
            String text = saying.text().toLowerCase(Locale.ROOT).replace('\u2019', '\'');
            Matcher from = FROM.matcher(text);
            if (from.find()) {
                start = time(from, start);
            }
            Matcher until = UNTIL.matcher(text);
            if (until.find()) {
                end = evening(time(until, end));
            }
            Matcher number = PEOPLE.matcher(text);
            if (number.find()) {
                people = number(number.group(1));
            }
            for (String clause : CLAUSE.split(text, -1)) {
                List<String> words = List.of(BETWEEN_WORDS.split(clause.strip(), -1));
                for (Kind kind : Kind.values()) {
                    note(kind, words, saying.who(), wanted, unwanted);
                }
                for (int at = 0; at < words.size(); at++) {
                    boolean negated = isNegated(words, at);
                    if (WET.contains(words.get(at))) {
                        dry = !negated;
                    } else if (SUNNY.contains(words.get(at))) {
                        dry = negated;
                    } else if (RESERVING.contains(words.get(at))) {
                        reservationAt = negated ? NOBODY : saying.at();
                    }
                }
            }
        }
        return new Wishes(
                wanted, unwanted, dry, start, end, people == 0 ? Math.max(2, speakers.size()) : people, reservationAt);
    }

    private static void note(
            Kind kind, List<String> words, String who, Map<Kind, String> wanted, Map<Kind, String> unwanted) {
        for (int at = 0; at < words.size(); at++) {
            if (kind.words().contains(words.get(at))) {
                boolean negated = isNegated(words, at);
                (negated ? unwanted : wanted).put(kind, who);
                (negated ? wanted : unwanted).remove(kind);
            }
        }
    }

    private static boolean isNegated(List<String> words, int at) {
        return words.subList(Math.max(0, at - NEGATION_WORDS), at).stream().anyMatch(NEGATIONS::contains);
    }

    private static int number(String word) {
        int known = NUMBERS.indexOf(word);
        return Math.clamp(known < 0 ? Integer.parseInt(word) : known, 1, MAX_PEOPLE);
    }

    private static LocalTime time(Matcher found, LocalTime otherwise) {
        int hour = Integer.parseInt(found.group(1));
        int minute = found.group(2) == null ? 0 : Integer.parseInt(found.group(2));
        if ("pm".equals(found.group(3)) && hour < 12) {
            hour += 12;
        }
        return hour > 23 || minute > 59 ? otherwise : LocalTime.of(hour, minute);
    }

    /** Nobody goes home at six in the morning. */
    private static LocalTime evening(LocalTime time) {
        return time.getHour() < 10 ? time.plusHours(12) : time;
    }

    /** The kinds that the day shall have: what is wanted, and what every day has unless somebody objects. */
    List<Kind> kinds() {
        Set<Kind> kinds = new HashSet<>(wanted.keySet());
        if (kinds.stream().noneMatch(kind -> kind != Kind.LUNCH && kind != Kind.DINNER)) {
            kinds.addAll(List.of(Kind.COFFEE, Kind.VIEW, Kind.WALK));
        }
        kinds.add(Kind.LUNCH);
        kinds.removeAll(unwanted.keySet());
        List<Kind> ordered = new ArrayList<>(kinds);
        ordered.sort(null);
        return ordered;
    }
}
