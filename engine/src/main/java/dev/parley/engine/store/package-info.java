/** The derived state on disk. It follows from the journal, and is never ahead of it. */
@NullMarked
package dev.parley.engine.store;

import org.jspecify.annotations.NullMarked;
