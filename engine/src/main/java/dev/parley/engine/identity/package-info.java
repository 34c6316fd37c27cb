/** The identity that distinguishes a data folder from all others. */
@NullMarked
package dev.parley.engine.identity;

import org.jspecify.annotations.NullMarked;
