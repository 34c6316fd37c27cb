/** Commands: complete, self-contained requests to change something, in the form in which the journal has them. */
@NullMarked
package dev.parley.engine.command;

import org.jspecify.annotations.NullMarked;
