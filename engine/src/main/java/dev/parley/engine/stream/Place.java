package dev.parley.engine.stream;

import dev.parley.engine.stream.StreamCommand.Span;

/**
 * A position as an offset names it: together with the incarnation for which it was given out. A path may have one
 * stream after another, and a fork has the incarnations of its ancestors for the part that it inherits.
 */
public sealed interface Place {
    /** The start of every incarnation. */
    record Start() implements Place {}

    /**
     * A position in one incarnation.
     *
     * @param streamId the incarnation: the id of the stream
     * @param pathHash hash of the path of that stream: tells whether this path had that incarnation
     */
    record Named(long streamId, int pathHash, long position) implements Place {}

    /**
     * A position that was given out when offsets did not name incarnations.
     *
     * @param before ids of the streams of that time are below this
     */
    record Unnamed(long before, long position) implements Place {}

    /**
     * A position that was given out before the data folder was restored from a backup. Nobody knows what was stored
     * there.
     *
     * @param pathHash hash of the path of the stream for which it was given out
     */
    record Lapsed(int pathHash) implements Place {}

    /** The result of looking a place up in a stream. */
    sealed interface Resolved {}

    /** The place is this position. */
    record At(long position) implements Resolved {}

    /** The place is after {@code end}, where its incarnation ends in this stream. */
    record Beyond(long end) implements Resolved {}

    /** The place belongs to an earlier stream at this path, or to a time before a restore. */
    record Earlier() implements Resolved {}

    /** The place was never given out for this stream. */
    record Unknown() implements Resolved {}

    /** Looks the place up in {@code stream}. */
    default Resolved in(StreamState stream) {
        return switch (this) {
            case Start start -> new At(0);
            case Named named -> find(named, stream);
            case Unnamed unnamed -> find(unnamed, stream);
            case Lapsed lapsed -> lapsed.pathHash() == stream.pathHash() ? new Earlier() : new Unknown();
        };
    }

    private static Resolved find(Named place, StreamState stream) {
        for (Span span : Streams.spans(stream)) {
            if (span.streamId() == place.streamId()) {
                if (place.position() < span.from()) {
                    return new Unknown();
                }
                return place.position() <= span.to() ? new At(place.position()) : new Beyond(span.to());
            }
        }
        // Ids only grow, so a stream with a later id was never at this path.
        return place.pathHash() == stream.pathHash() && place.streamId() < stream.id() ? new Earlier() : new Unknown();
    }

    private static Resolved find(Unnamed place, StreamState stream) {
        if (stream.id() < place.before()) {
            return place.position() <= stream.tail() ? new At(place.position()) : new Beyond(stream.tail());
        }
        for (Span span : Streams.spans(stream)) {
            if (span.streamId() < place.before() && span.from() <= place.position() && place.position() <= span.to()) {
                return new At(place.position());
            }
        }
        return new Earlier();
    }
}
