/** The one account of the memory that clients can make the server hold: reserved before it is held, given back after. */
@NullMarked
package dev.parley.engine.memory;

import org.jspecify.annotations.NullMarked;
