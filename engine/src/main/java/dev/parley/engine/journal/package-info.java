/** The durable total order of commands. */
@NullMarked
package dev.parley.engine.journal;

import org.jspecify.annotations.NullMarked;
