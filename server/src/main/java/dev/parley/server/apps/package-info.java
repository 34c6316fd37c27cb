/** Apps, which separate sessions from each other: their keys, and the rules for their sessions. */
@NullMarked
package dev.parley.server.apps;

import org.jspecify.annotations.NullMarked;
