/** Tails: a reader's way from history into live entries without a seam. */
@NullMarked
package dev.parley.engine.delivery;

import org.jspecify.annotations.NullMarked;
