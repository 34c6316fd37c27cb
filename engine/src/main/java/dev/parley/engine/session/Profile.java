package dev.parley.engine.session;

import java.util.Collections;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * What somebody has said about a session. A session that has a profile stays when it is empty.
 *
 * @param made when the session was made explicitly, in milliseconds since 1970
 * @param by who has done so
 * @param labels by key
 */
public record Profile(long made, @Nullable String by, SortedMap<String, String> labels) {
    /** Copies the labels. */
    public Profile {
        labels = Collections.unmodifiableSortedMap(new TreeMap<>(labels));
    }
}
