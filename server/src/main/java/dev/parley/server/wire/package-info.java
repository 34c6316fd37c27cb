/** What the realtime and the REST protocol look like on the wire, in JSON and in MessagePack; shared by both doors. */
@NullMarked
package dev.parley.server.wire;

import org.jspecify.annotations.NullMarked;
