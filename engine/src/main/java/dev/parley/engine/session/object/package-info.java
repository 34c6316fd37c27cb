/** Shared state in a session: maps and counters, folded in the order of the log. */
@NullMarked
package dev.parley.engine.session.object;

import org.jspecify.annotations.NullMarked;
