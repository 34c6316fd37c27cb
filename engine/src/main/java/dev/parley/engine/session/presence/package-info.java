/** Presence: members and presence events, with their rows, rules and reads. */
@NullMarked
package dev.parley.engine.session.presence;

import org.jspecify.annotations.NullMarked;
