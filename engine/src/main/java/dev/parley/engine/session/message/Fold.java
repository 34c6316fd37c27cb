package dev.parley.engine.session.message;

import dev.parley.engine.codec.BinaryWriter;
import dev.parley.engine.session.Body;
import dev.parley.engine.session.Data;
import org.jspecify.annotations.Nullable;

/** Joins a message and the pieces that were appended to it. Not thread-safe. */
final class Fold {
    private Body fields;
    private boolean text;
    private boolean hasData;
    private final BinaryWriter data;

    /**
     * Starts with a whole content.
     *
     * @param room the size that the data will have, in bytes
     */
    Fold(Body whole, int room) {
        fields = whole;
        data = new BinaryWriter(Math.max(0, room));
        add(whole.data());
    }

    void append(Body fragment) {
        fields = fields.mixedWith(fragment);
        add(fragment.data());
    }

    private void add(@Nullable Data more) {
        if (more != null) {
            hasData = true;
            text = more.text();
            data.raw(more.bytes());
        }
    }

    Body body() {
        return new Body(
                fields.name(), hasData ? new Data(data.toBytes(), text) : null, fields.encoding(), fields.extras());
    }
}
