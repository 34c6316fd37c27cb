/** What tells one data folder from all others. */
@NullMarked
package dev.parley.engine.identity;

import org.jspecify.annotations.NullMarked;
