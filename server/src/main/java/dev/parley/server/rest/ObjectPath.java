package dev.parley.server.rest;

import dev.parley.engine.session.ObjectValue;
import dev.parley.engine.session.ObjectValue.Ref;
import dev.parley.engine.session.object.MapEntry;
import dev.parley.engine.session.object.ObjectIds;
import dev.parley.engine.session.object.ObjectTable;
import dev.parley.server.wire.ErrorInfo;
import dev.parley.server.wire.WireException;
import java.util.ArrayList;
import java.util.List;

/**
 * A path through objects: keys of maps with dots between them. A star stands for all keys, and a backslash makes the
 * next character an ordinary one. The empty path leads to the object at which it starts.
 */
record ObjectPath(List<Segment> segments) {
    /** The greatest number of keys in a path. */
    static final int MAX_SEGMENTS = 64;

    /** The greatest number of values to which a path with stars may lead. */
    static final int MAX_FOUND = 1_000;

    /** A key, or all keys. */
    record Segment(String key, boolean any) {}

    static ObjectPath parse(String path) throws WireException {
        List<Segment> segments = new ArrayList<>();
        if (path.isEmpty()) {
            return new ObjectPath(segments);
        }
        StringBuilder key = new StringBuilder();
        boolean escaped = false;
        boolean literal = false;
        for (int i = 0; i < path.length(); i++) {
            char c = path.charAt(i);
            if (escaped) {
                key.append(c);
                escaped = false;
            } else if (c == '\\') {
                escaped = true;
                literal = true;
            } else if (c == '.') {
                segments.add(
                        new Segment(key.toString(), !literal && key.toString().equals("*")));
                key.setLength(0);
                literal = false;
            } else {
                key.append(c);
            }
        }
        segments.add(new Segment(key.toString(), !literal && key.toString().equals("*")));
        if (escaped || segments.size() > MAX_SEGMENTS) {
            throw new WireException(new ErrorInfo(
                    92007,
                    400,
                    "A path has at most " + MAX_SEGMENTS
                            + " keys, and does not end in a backslash that hides nothing."));
        }
        return new ObjectPath(segments);
    }

    boolean isEmpty() {
        return segments.isEmpty();
    }

    /** Whether the path may lead to several values. */
    boolean hasStar() {
        return segments.stream().anyMatch(Segment::any);
    }

    /** The last key. */
    Segment last() {
        return segments.getLast();
    }

    /** The path without its last key. */
    ObjectPath parent() {
        return new ObjectPath(segments.subList(0, segments.size() - 1));
    }

    /** The values to which the path leads from an object. */
    List<ObjectValue> resolve(ObjectTable objects, String from) throws WireException {
        List<ObjectValue> found = List.of(new Ref(from));
        for (Segment segment : segments) {
            List<ObjectValue> next = new ArrayList<>();
            for (ObjectValue value : found) {
                if (value instanceof Ref(String id) && ObjectIds.isMap(id)) {
                    List<MapEntry> entries = segment.any()
                            ? List.copyOf(objects.entries(id).values())
                            : entry(objects, id, segment.key());
                    for (MapEntry entry : entries) {
                        if (entry.value() != null) {
                            next.add(entry.value());
                        }
                    }
                }
                if (next.size() > MAX_FOUND) {
                    throw new WireException(
                            new ErrorInfo(92007, 400, "The path leads to more than " + MAX_FOUND + " values."));
                }
            }
            found = next;
        }
        return found;
    }

    private static List<MapEntry> entry(ObjectTable objects, String id, String key) {
        MapEntry entry = objects.entry(id, key);
        return entry == null ? List.of() : List.of(entry);
    }
}
