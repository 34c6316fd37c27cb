/** All concepts of sessions together: the rules, what a batch of commands sees and changes, and what readers see. */
@NullMarked
package dev.parley.engine.session.machine;

import org.jspecify.annotations.NullMarked;
