/** The door for Ably's REST protocol. */
@NullMarked
package dev.parley.server.rest;

import org.jspecify.annotations.NullMarked;
