package dev.parley.server.wire;

import dev.parley.engine.session.Data;
import org.jspecify.annotations.Nullable;

/** Writes one value in a wire format, part by part. A field that is absent is not written. */
public sealed interface WireWriter permits JsonWriter, MsgpackWriter {
    WireWriter beginObject();

    WireWriter endObject();

    WireWriter beginArray();

    WireWriter endArray();

    /** The name of the field whose value comes next. */
    WireWriter name(String name);

    WireWriter value(String text);

    WireWriter value(long number);

    WireWriter value(boolean truth);

    /** A number that may have a fraction; in MessagePack always a floating one. */
    WireWriter value(double number);

    /** Bytes, in JSON as text in base64. */
    WireWriter value(byte[] bytes);

    /** The place in an array of something that is not known. */
    WireWriter nothing();

    /** A value that is known as the text of a JSON document. */
    WireWriter json(String json);

    /** The fields {@code data} and {@code encoding}: how bytes are written is where the formats differ. */
    WireWriter data(@Nullable Data data, @Nullable String encoding);

    default WireWriter field(String name, @Nullable String text) {
        return text == null ? this : name(name).value(text);
    }

    default WireWriter field(String name, long number) {
        return name(name).value(number);
    }

    default WireWriter field(String name, boolean truth) {
        return name(name).value(truth);
    }

    /** A field whose value is known as the text of a JSON document. */
    default WireWriter jsonField(String name, @Nullable String json) {
        return json == null ? this : name(name).json(json);
    }
}
