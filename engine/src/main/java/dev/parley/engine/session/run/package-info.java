/** Runs of agents: their rows, rules and reads. */
@NullMarked
package dev.parley.engine.session.run;

import org.jspecify.annotations.NullMarked;
