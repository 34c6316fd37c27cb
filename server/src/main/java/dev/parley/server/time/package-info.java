/** The time of this node, whatever happens to the machine's clock. */
@NullMarked
package dev.parley.server.time;

import org.jspecify.annotations.NullMarked;
