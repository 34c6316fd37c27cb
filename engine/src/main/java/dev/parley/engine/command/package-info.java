/** Commands: complete, self-contained requests to change something, as they stand in the journal. */
@NullMarked
package dev.parley.engine.command;

import org.jspecify.annotations.NullMarked;
