/** The HTTP server in front of the doors: connections, limits, routing, shutdown. */
@NullMarked
package dev.parley.server.http;

import org.jspecify.annotations.NullMarked;
