/**
 * The form of the realtime and the REST protocol on the wire, in JSON and in MessagePack. The doors of both share it.
 */
@NullMarked
package dev.parley.server.wire;

import org.jspecify.annotations.NullMarked;
