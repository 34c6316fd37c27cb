/** How many connections are attached to sessions: only as long as they are, and counted nowhere else. */
@NullMarked
package dev.parley.server.occupancy;

import org.jspecify.annotations.NullMarked;
