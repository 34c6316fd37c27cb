/** Apps: whose sessions are kept apart, with which keys, and how long what is in them is kept. */
@NullMarked
package dev.parley.server.apps;

import org.jspecify.annotations.NullMarked;
