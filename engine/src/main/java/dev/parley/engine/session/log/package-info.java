/** What all concepts of sessions build on: states, the log, pages and ranges of it, and the beginnings of keys. */
@NullMarked
package dev.parley.engine.session.log;

import org.jspecify.annotations.NullMarked;
