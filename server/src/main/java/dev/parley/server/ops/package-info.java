/** What an operator sees: health, metrics, logs. */
@NullMarked
package dev.parley.server.ops;

import org.jspecify.annotations.NullMarked;
