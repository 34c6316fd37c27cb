/** Runs of agents, with their rows, rules and reads. */
@NullMarked
package dev.parley.engine.session.run;

import org.jspecify.annotations.NullMarked;
