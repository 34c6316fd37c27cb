package dev.parley.server.wire;

import dev.parley.engine.session.Data;
import org.jspecify.annotations.Nullable;

/** Writes one value in a wire format, piece by piece. An absent field is not written. */
public sealed interface WireWriter permits JsonWriter, MsgpackWriter {
    WireWriter beginObject();

    WireWriter endObject();

    WireWriter beginArray();

    WireWriter endArray();

    /** Writes the name of a field. The next value is that of the field. */
    WireWriter name(String name);

    WireWriter value(String text);

    WireWriter value(long number);

    WireWriter value(boolean truth);

    /** Writes a number that may have a fraction. In MessagePack, it is always a floating-point number. */
    WireWriter value(double number);

    /** Writes bytes; in JSON, as base64. */
    WireWriter value(byte[] bytes);

    /** Writes null, for an unknown element of an array. */
    WireWriter nothing();

    /** Writes the value that the text of a JSON document represents. */
    WireWriter json(String json);

    /** Writes the fields {@code data} and {@code encoding}, which differ between the formats if the data is bytes. */
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

    /** Writes a field whose value is given as the text of a JSON document. */
    default WireWriter jsonField(String name, @Nullable String json) {
        return json == null ? this : name(name).json(json);
    }
}
