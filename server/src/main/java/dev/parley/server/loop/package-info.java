/** What the server has for each event loop: work from other threads, and rounds to live readers. */
@NullMarked
package dev.parley.server.loop;

import org.jspecify.annotations.NullMarked;
