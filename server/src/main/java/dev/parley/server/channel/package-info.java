/** The rules for channels that all doors of sessions have in common. A channel is what these doors call a session. */
@NullMarked
package dev.parley.server.channel;

import org.jspecify.annotations.NullMarked;
