/** All concepts of sessions together: what a command does, what a batch sees, what readers see. */
@NullMarked
package dev.parley.engine.session.machine;

import org.jspecify.annotations.NullMarked;
