/** The door for the Durable Streams protocol 1.0 over HTTP. Section numbers refer to its PROTOCOL.md. */
@NullMarked
package dev.parley.server.streams;

import org.jspecify.annotations.NullMarked;
