package dev.parley.engine.session;

import java.util.List;

/**
 * What a session goes on from.
 *
 * @param session the name of the session of which it is a fork, in the same app
 * @param upTo the position up to which it has what was said there
 * @param ancestors the id of that session, then the ids of those of which that one is a fork itself; at most {@link
 *     #MAX_ANCESTORS}
 */
public record Origin(String session, long upTo, List<Long> ancestors) {
    /** The greatest number of sessions that one goes on from, directly and indirectly. */
    public static final int MAX_ANCESTORS = 64;

    public Origin {
        ancestors = List.copyOf(ancestors);
    }
}
