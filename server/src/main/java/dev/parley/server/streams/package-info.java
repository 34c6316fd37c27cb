/** The streams door: the Durable Streams protocol 1.0 over HTTP. Section numbers are those of its PROTOCOL.md. */
@NullMarked
package dev.parley.server.streams;

import org.jspecify.annotations.NullMarked;
