package dev.parley.server.wire;

import dev.parley.engine.session.Data;
import java.io.ByteArrayOutputStream;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonGenerator;

/** Writes JSON. Bytes are written as base64, and the encoding says so. */
final class JsonWriter implements WireWriter {
    /** Up to this number, floating-point numbers represent all whole numbers exactly. */
    private static final long MAX_WHOLE = 1L << 53;

    private final ByteArrayOutputStream out = new ByteArrayOutputStream(512);
    private final JsonGenerator json = WireFormat.MAPPER.createGenerator(out);

    byte[] toBytes() {
        json.close();
        return out.toByteArray();
    }

    @Override
    public WireWriter beginObject() {
        json.writeStartObject();
        return this;
    }

    @Override
    public WireWriter endObject() {
        json.writeEndObject();
        return this;
    }

    @Override
    public WireWriter beginArray() {
        json.writeStartArray();
        return this;
    }

    @Override
    public WireWriter endArray() {
        json.writeEndArray();
        return this;
    }

    @Override
    public WireWriter name(String name) {
        json.writeName(name);
        return this;
    }

    @Override
    public WireWriter value(String text) {
        json.writeString(text);
        return this;
    }

    @Override
    public WireWriter value(long number) {
        json.writeNumber(number);
        return this;
    }

    @Override
    public WireWriter value(boolean truth) {
        json.writeBoolean(truth);
        return this;
    }

    @Override
    public WireWriter value(double number) {
        long whole = (long) number;
        if (whole == number && Math.abs(whole) < MAX_WHOLE) {
            json.writeNumber(whole);
        } else {
            json.writeNumber(number);
        }
        return this;
    }

    @Override
    public WireWriter value(byte[] bytes) {
        json.writeBinary(bytes);
        return this;
    }

    @Override
    public WireWriter nothing() {
        json.writeNull();
        return this;
    }

    @Override
    public WireWriter json(String text) {
        json.writeRawValue(text);
        return this;
    }

    @Override
    public WireWriter data(@Nullable Data data, @Nullable String encoding) {
        if (data == null) {
            return field("encoding", encoding);
        }
        json.writeName("data");
        if (data.text()) {
            json.writeUTF8String(data.bytes(), 0, data.bytes().length);
            return field("encoding", encoding);
        }
        json.writeBinary(data.bytes());
        return field("encoding", encoding == null ? "base64" : encoding + "/base64");
    }
}
