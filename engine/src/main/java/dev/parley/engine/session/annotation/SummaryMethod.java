package dev.parley.engine.session.annotation;

import org.jspecify.annotations.Nullable;

/** How annotations are summed up, which the end of their type says: {@code reaction:distinct.v1}. */
public enum SummaryMethod {
    /** How many there are, whoever made them. */
    TOTAL("total.v1", false, false),
    /** Which clients made one. */
    FLAG("flag.v1", false, true),
    /** Which clients made one, for each name. */
    DISTINCT("distinct.v1", true, true),
    /** As distinct, but a client has one name at a time: the one that it used last. */
    UNIQUE("unique.v1", true, true),
    /** How often each client made one, for each name. */
    MULTIPLE("multiple.v1", true, false);

    private final String ending;
    private final boolean named;
    private final boolean identified;

    SummaryMethod(String ending, boolean named, boolean identified) {
        this.ending = ending;
        this.named = named;
        this.identified = identified;
    }

    /** The method of annotations of {@code type}, or null if they are not summed up. */
    public static @Nullable SummaryMethod of(String type) {
        for (SummaryMethod method : values()) {
            if (type.endsWith(":" + method.ending)) {
                return method;
            }
        }
        return null;
    }

    /** Whether each name is summed up by itself. */
    public boolean named() {
        return named;
    }

    /** Whether nobody can make one without a client id. */
    public boolean identified() {
        return identified;
    }
}
