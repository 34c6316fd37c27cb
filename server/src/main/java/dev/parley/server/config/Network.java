package dev.parley.server.config;

import java.net.InetAddress;

/**
 * A network: addresses that begin with the same bits.
 *
 * @param address one of the addresses
 * @param bits the number of these bits
 */
public record Network(InetAddress address, int bits) {

    public Network {
        if (bits < 0 || bits > Byte.SIZE * address.getAddress().length) {
            throw new IllegalArgumentException("an address has not that many bits: " + bits);
        }
    }

    /**
     * Parses an address, or a network in a notation such as 10.0.0.0/8.
     *
     * @throws IllegalArgumentException if the text is neither
     */
    public static Network parse(String text) {
        int slash = text.indexOf('/');
        InetAddress address = InetAddress.ofLiteral(slash < 0 ? text : text.substring(0, slash));
        int all = Byte.SIZE * address.getAddress().length;
        return new Network(address, slash < 0 ? all : Integer.parseInt(text.substring(slash + 1)));
    }

    /** Whether {@code other} is an address of the network. */
    public boolean contains(InetAddress other) {
        byte[] ours = address.getAddress();
        byte[] theirs = other.getAddress();
        if (ours.length != theirs.length) {
            return false;
        }
        for (int bit = 0; bit < bits; bit++) {
            int mask = 0x80 >> bit % Byte.SIZE;
            if (((ours[bit / Byte.SIZE] ^ theirs[bit / Byte.SIZE]) & mask) != 0) {
                return false;
            }
        }
        return true;
    }
}
