/** Messages: their rows, rules and reads. */
@NullMarked
package dev.parley.engine.session.message;

import org.jspecify.annotations.NullMarked;
