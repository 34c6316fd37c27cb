/** Annotations of messages and their summaries, with their rows, rules and reads. */
@NullMarked
package dev.parley.engine.session.annotation;

import org.jspecify.annotations.NullMarked;
