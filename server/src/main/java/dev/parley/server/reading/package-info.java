/** Reads logs live, for all doors: on the event loop of a client, and as far as the client has room. */
@NullMarked
package dev.parley.server.reading;

import org.jspecify.annotations.NullMarked;
