/** Durable order: journal, store, state machines and delivery. Knows no door and no wire format. */
@NullMarked
package dev.parley.engine;

import org.jspecify.annotations.NullMarked;
