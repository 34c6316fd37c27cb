/**
 * The engine: journal, store, state machines and delivery. It gives commands one durable order. It knows no door and no
 * wire format.
 */
@NullMarked
package dev.parley.engine;

import org.jspecify.annotations.NullMarked;
