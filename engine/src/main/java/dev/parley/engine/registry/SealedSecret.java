package dev.parley.engine.registry;

import java.util.Arrays;

/**
 * The secret of a key, encrypted by the server. The engine stores the bytes as they are and cannot open them.
 *
 * @param bytes not to be changed
 */
public record SealedSecret(byte[] bytes) {
    @Override
    public boolean equals(Object other) {
        return other instanceof SealedSecret sealed && Arrays.equals(bytes, sealed.bytes);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(bytes);
    }

    @Override
    public String toString() {
        return "SealedSecret[" + bytes.length + " bytes]";
    }
}
