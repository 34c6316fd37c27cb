/** Calls to others by HTTP, which are signed, and which lead nobody inside: what all doors that make them share. */
@NullMarked
package dev.parley.server.webhook;

import org.jspecify.annotations.NullMarked;
