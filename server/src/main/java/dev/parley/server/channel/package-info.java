/** The rules of channels that are the same at the doors of sessions; a channel is what these doors call a session. */
@NullMarked
package dev.parley.server.channel;

import org.jspecify.annotations.NullMarked;
