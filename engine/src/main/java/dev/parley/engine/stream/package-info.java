/** Streams as in the Durable Streams protocol: commands, the state machine, its state and its outcomes. */
@NullMarked
package dev.parley.engine.stream;

import org.jspecify.annotations.NullMarked;
