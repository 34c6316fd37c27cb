package dev.parley.dayout;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/** What one can do in town, in the order in which a day has it; with the words by which people ask for it. */
enum Kind {
    COFFEE("coffee", "café", "cafe", "breakfast"),
    MARKET("market", "markets"),
    MUSEUM("museum", "museums", "gallery", "art", "clocks"),
    GARDEN("garden", "gardens", "flowers", "plants"),
    LUNCH("lunch", "restaurant", "hungry", "food"),
    VIEW("view", "views", "castle", "hill", "tower"),
    ANIMALS("animals", "otter", "otters", "zoo"),
    WALK("walk", "walks", "stroll", "arcades"),
    BOAT("boat", "steamer", "cruise"),
    SWIM("swim", "swimming", "lido", "bath", "baths"),
    PLAYGROUND("playground", "kids", "children"),
    BOOKSHOP("bookshop", "books"),
    DESSERT("ice", "chocolate", "dessert", "cake"),
    MUSIC("music", "concert", "jazz"),
    DINNER("dinner", "supper");

    @SuppressWarnings("ImmutableEnumChecker") // Made by List.of.
    private final List<String> words;

    Kind(String... words) {
        this.words = List.of(words);
    }

    List<String> words() {
        return words;
    }

    /** As it stands in the data, and as one says it. */
    String word() {
        return name().toLowerCase(Locale.ROOT);
    }

    static String all() {
        return Arrays.stream(values()).map(Kind::word).collect(Collectors.joining(", "));
    }

    static Kind of(String word) {
        for (Kind kind : values()) {
            if (kind.word().equals(word.strip().toLowerCase(Locale.ROOT))) {
                return kind;
            }
        }
        throw new IllegalArgumentException("There is no kind of place called " + word + ". There are: " + all() + ".");
    }
}
