/** What operators see: health, metrics and logs. */
@NullMarked
package dev.parley.server.ops;

import org.jspecify.annotations.NullMarked;
