/** The agents that sessions name, what wakes them, and who does it, with rows, rules and reads. */
@NullMarked
package dev.parley.engine.session.wake;

import org.jspecify.annotations.NullMarked;
