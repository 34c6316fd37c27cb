/** Derived state on disk: a function of the journal, and never ahead of it. */
@NullMarked
package dev.parley.engine.store;

import org.jspecify.annotations.NullMarked;
