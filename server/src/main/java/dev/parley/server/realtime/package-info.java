/** The realtime door: the protocol of Ably's clients over WebSocket. */
@NullMarked
package dev.parley.server.realtime;

import org.jspecify.annotations.NullMarked;
