/** What happened between sessions and those who read them, as far as it is remembered. */
@NullMarked
package dev.parley.server.timeline;

import org.jspecify.annotations.NullMarked;
