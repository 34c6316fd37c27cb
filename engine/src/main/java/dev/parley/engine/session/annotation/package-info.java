/** Annotations of messages, and what they come to: their rows, rules and reads. */
@NullMarked
package dev.parley.engine.session.annotation;

import org.jspecify.annotations.NullMarked;
