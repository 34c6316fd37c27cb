package dev.parley.engine;

import java.util.function.Supplier;

/**
 * Ids for the pins of forks, by which a node recognises its own. On a shared log, another node may be about to create
 * the fork of a pin. Only the node that asked for the pin knows whether somebody will.
 *
 * @param node the beginning of the ids of this node; empty if there is only one node
 * @param unique supplies the rest, which is different each time
 */
record PinIds(String node, Supplier<String> unique) {
    String next() {
        return node + unique.get();
    }

    boolean isOwn(String pinId) {
        return pinId.startsWith(node);
    }
}
