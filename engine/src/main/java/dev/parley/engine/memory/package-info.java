/**
 * The account of the memory that clients can make the server hold. Memory is reserved before it is held, and given back
 * afterwards.
 */
@NullMarked
package dev.parley.engine.memory;

import org.jspecify.annotations.NullMarked;
