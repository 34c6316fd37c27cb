package dev.parley.engine;

import java.util.function.Supplier;

/**
 * Names for the pins of forks, from which a node recognises its own. On a shared log, another node may be about to create
 * the fork of a pin, so that only the node that asked for the pin can tell that nobody will.
 *
 * @param node what the names of this node begin with; nothing if there is only one node
 * @param unique supplies the rest, different each time
 */
record PinIds(String node, Supplier<String> unique) {
    String next() {
        return node + unique.get();
    }

    boolean isOwn(String pinId) {
        return pinId.startsWith(node);
    }
}
