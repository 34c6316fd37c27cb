/** Shared objects of sessions: maps and counters, which changes are applied to in the order of the log. */
@NullMarked
package dev.parley.engine.session.object;

import org.jspecify.annotations.NullMarked;
