/** What a door keeps for one event loop: work that comes to it from other threads, and rounds to those who read live. */
@NullMarked
package dev.parley.server.loop;

import org.jspecify.annotations.NullMarked;
