/** Requests whose work blocks, for all doors that answer such requests: how they are read, bounded, worked on and answered. */
@NullMarked
package dev.parley.server.request;

import org.jspecify.annotations.NullMarked;
