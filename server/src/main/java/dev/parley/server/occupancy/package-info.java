/** The numbers of connections that are attached to sessions. They are kept in memory only. */
@NullMarked
package dev.parley.server.occupancy;

import org.jspecify.annotations.NullMarked;
