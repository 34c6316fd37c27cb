/** What time it is for this node, whatever is done to the machine's clock. */
@NullMarked
package dev.parley.server.time;

import org.jspecify.annotations.NullMarked;
