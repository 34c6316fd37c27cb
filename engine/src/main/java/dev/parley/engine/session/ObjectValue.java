package dev.parley.engine.session;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** The value of a key of a map. */
public sealed interface ObjectValue {
    /** The size in bytes, roughly. Limits use it. */
    int size();

    /** A reference to another object of the session. */
    record Ref(String objectId) implements ObjectValue {
        @Override
        public int size() {
            return objectId.length();
        }
    }

    /** A text. */
    record Text(String text) implements ObjectValue {
        @Override
        public int size() {
            return text.length();
        }
    }

    /** A finite number. */
    record Numeric(double number) implements ObjectValue {
        @Override
        public int size() {
            return Double.BYTES;
        }
    }

    /** True or false. */
    record Bool(boolean value) implements ObjectValue {
        @Override
        public int size() {
            return 1;
        }
    }

    /** A JSON object or array as text, which the engine does not look into. */
    record Json(String text) implements ObjectValue {
        @Override
        public int size() {
            return text.length();
        }
    }

    /** Bytes, not to be changed afterwards. */
    record Bytes(byte[] bytes) implements ObjectValue {
        @Override
        public int size() {
            return bytes.length;
        }

        @Override
        public boolean equals(@Nullable Object other) {
            return other instanceof Bytes that && Arrays.equals(bytes, that.bytes);
        }

        @Override
        public int hashCode() {
            return Arrays.hashCode(bytes);
        }

        @Override
        public String toString() {
            return bytes.length + " bytes";
        }
    }
}
