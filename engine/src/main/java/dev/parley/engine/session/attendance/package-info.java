/** Connections that were lost, and when what they have left goes. */
@NullMarked
package dev.parley.engine.session.attendance;

import org.jspecify.annotations.NullMarked;
