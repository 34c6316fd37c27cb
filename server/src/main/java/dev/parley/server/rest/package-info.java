/** The REST door: sessions by single requests, in the paths and bodies of the Ably protocol. */
@NullMarked
package dev.parley.server.rest;

import org.jspecify.annotations.NullMarked;
