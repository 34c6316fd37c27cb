package dev.parley.engine.session.annotation;

import org.jspecify.annotations.Nullable;

/**
 * The methods by which annotations are summarised. The end of a type names the method: {@code reaction:distinct.v1}.
 */
public enum SummaryMethod {
    /** The number of annotations. */
    TOTAL("total.v1", false, false),
    /** The clients that have made one. */
    FLAG("flag.v1", false, true),
    /** The clients that have made one, for each name. */
    DISTINCT("distinct.v1", true, true),
    /** Like distinct, but a client has one name at a time: the one that it used last. */
    UNIQUE("unique.v1", true, true),
    /** How often each client has made one, for each name. */
    MULTIPLE("multiple.v1", true, false);

    private final String ending;
    private final boolean named;
    private final boolean identified;

    SummaryMethod(String ending, boolean named, boolean identified) {
        this.ending = ending;
        this.named = named;
        this.identified = identified;
    }

    /** The method for annotations of {@code type}, or null if they are not summarised. */
    public static @Nullable SummaryMethod of(String type) {
        for (SummaryMethod method : values()) {
            if (type.endsWith(":" + method.ending)) {
                return method;
            }
        }
        return null;
    }

    /** Whether each name has its own tally. */
    public boolean named() {
        return named;
    }

    /** Whether annotations need a client id. */
    public boolean identified() {
        return identified;
    }
}
