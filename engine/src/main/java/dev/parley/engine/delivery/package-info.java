/** Delivery to readers: tails lead a reader from history into live entries without a gap or an overlap. */
@NullMarked
package dev.parley.engine.delivery;

import org.jspecify.annotations.NullMarked;
