/** Agents that sessions name: how doors read and show them, and the calls that wake them. */
@NullMarked
package dev.parley.server.wake;

import org.jspecify.annotations.NullMarked;
