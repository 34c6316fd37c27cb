package dev.parley.engine.session.codec;

import dev.parley.engine.codec.BinaryReader;
import dev.parley.engine.codec.BinaryWriter;
import dev.parley.engine.codec.MalformedBinaryException;
import dev.parley.engine.session.AnnotationEntry;
import dev.parley.engine.session.Body;
import dev.parley.engine.session.Control;
import dev.parley.engine.session.Data;
import dev.parley.engine.session.MessageEntry.Action;
import dev.parley.engine.session.Operation;
import dev.parley.engine.session.PresenceEntry;
import dev.parley.engine.session.SessionName;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The binary form of values that commands and rows have in common. */
public final class ValueCodec {
    private static final int HAS_NAME = 1;
    private static final int HAS_DATA = 2;
    private static final int IS_TEXT = 4;
    private static final int HAS_ENCODING = 8;
    private static final int HAS_EXTRAS = 16;

    private ValueCodec() {}

    /** Writes the name of a session. */
    public static void name(BinaryWriter out, SessionName name) {
        out.string(name.app()).string(name.name());
    }

    /** Reads the name of a session. */
    public static SessionName name(BinaryReader in) {
        return new SessionName(in.string(), in.string());
    }

    /** Writes what was done to a message. */
    public static void action(BinaryWriter out, Action action) {
        out.u8(
                switch (action) {
                    case CREATE -> 0;
                    case UPDATE -> 1;
                    case DELETE -> 2;
                    case APPEND -> 3;
                });
    }

    /** Reads what was done to a message. */
    public static Action action(BinaryReader in) {
        return switch (in.u8()) {
            case 0 -> Action.CREATE;
            case 1 -> Action.UPDATE;
            case 2 -> Action.DELETE;
            case 3 -> Action.APPEND;
            default -> throw new MalformedBinaryException("an unknown action", null);
        };
    }

    /** Writes what a member did. */
    public static void presenceAction(BinaryWriter out, PresenceEntry.Action action) {
        out.u8(
                switch (action) {
                    case PRESENT -> 0;
                    case ENTER -> 1;
                    case UPDATE -> 2;
                    case LEAVE -> 3;
                });
    }

    /** Reads what a member did. */
    public static PresenceEntry.Action presenceAction(BinaryReader in) {
        return switch (in.u8()) {
            case 0 -> PresenceEntry.Action.PRESENT;
            case 1 -> PresenceEntry.Action.ENTER;
            case 2 -> PresenceEntry.Action.UPDATE;
            case 3 -> PresenceEntry.Action.LEAVE;
            default -> throw new MalformedBinaryException("an unknown presence action", null);
        };
    }

    /** Writes what was done with an annotation. */
    public static void annotationAction(BinaryWriter out, AnnotationEntry.Action action) {
        out.u8(
                switch (action) {
                    case CREATE -> 0;
                    case DELETE -> 1;
                });
    }

    /** Reads what was done with an annotation. */
    public static AnnotationEntry.Action annotationAction(BinaryReader in) {
        return switch (in.u8()) {
            case 0 -> AnnotationEntry.Action.CREATE;
            case 1 -> AnnotationEntry.Action.DELETE;
            default -> throw new MalformedBinaryException("an unknown action of an annotation", null);
        };
    }

    /** Writes who has the control of a session. */
    public static void mode(BinaryWriter out, Control.Mode mode) {
        out.u8(
                switch (mode) {
                    case AGENT -> 0;
                    case PERSON -> 1;
                    case SHARED -> 2;
                });
    }

    /** Reads who has the control of a session. */
    public static Control.Mode mode(BinaryReader in) {
        return switch (in.u8()) {
            case 0 -> Control.Mode.AGENT;
            case 1 -> Control.Mode.PERSON;
            case 2 -> Control.Mode.SHARED;
            default -> throw new MalformedBinaryException("an unknown mode of control", null);
        };
    }

    /** Writes several texts. */
    public static BinaryWriter texts(BinaryWriter out, List<String> texts) {
        out.varint(texts.size());
        texts.forEach(out::string);
        return out;
    }

    /** Reads several texts. */
    public static List<String> texts(BinaryReader in) {
        int count = in.count();
        List<String> texts = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            texts.add(in.string());
        }
        return List.copyOf(texts);
    }

    /** Writes who has changed a message, or nobody. */
    public static void operation(BinaryWriter out, @Nullable Operation operation) {
        out.bool(operation != null);
        if (operation != null) {
            out.optional(operation.clientId()).optional(operation.description()).optional(operation.metadata());
        }
    }

    /** Reads who has changed a message, or nobody. */
    public static @Nullable Operation operation(BinaryReader in) {
        return in.bool() ? new Operation(in.optional(), in.optional(), in.optional()) : null;
    }

    /** Writes a content. */
    public static void body(BinaryWriter out, Body body) {
        Data data = body.data();
        out.u8((body.name() == null ? 0 : HAS_NAME)
                | (data == null ? 0 : data.text() ? HAS_DATA | IS_TEXT : HAS_DATA)
                | (body.encoding() == null ? 0 : HAS_ENCODING)
                | (body.extras() == null ? 0 : HAS_EXTRAS));
        if (body.name() != null) {
            out.string(body.name());
        }
        if (data != null) {
            out.blob(data.bytes());
        }
        if (body.encoding() != null) {
            out.string(body.encoding());
        }
        if (body.extras() != null) {
            out.string(body.extras());
        }
    }

    /** Reads a content. */
    public static Body body(BinaryReader in) {
        int has = in.u8();
        return new Body(
                (has & HAS_NAME) == 0 ? null : in.string(),
                (has & HAS_DATA) == 0 ? null : new Data(in.blob(), (has & IS_TEXT) != 0),
                (has & HAS_ENCODING) == 0 ? null : in.string(),
                (has & HAS_EXTRAS) == 0 ? null : in.string());
    }
}
