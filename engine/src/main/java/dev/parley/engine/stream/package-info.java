/** Streams as in Durable Streams: the state machine, what it remembers and what it answers. */
@NullMarked
package dev.parley.engine.stream;

import org.jspecify.annotations.NullMarked;
