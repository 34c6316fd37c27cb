package dev.parley.server.apps;

import dev.parley.server.auth.ApiKey;
import java.util.List;

/**
 * An app.
 *
 * @param id what stands before the dot in the names of its keys
 * @param removed whether it is gone, and only waits for its sessions to be removed
 */
public record App(String id, List<ApiKey> keys, List<Namespace> namespaces, boolean removed) {

    /** The same, gone. */
    App gone() {
        return new App(id, List.of(), List.of(), true);
    }
}
