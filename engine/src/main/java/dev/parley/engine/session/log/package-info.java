/** What all concepts of sessions build on: states, the log, pages and ranges of it, and what keys begin with. */
@NullMarked
package dev.parley.engine.session.log;

import org.jspecify.annotations.NullMarked;
