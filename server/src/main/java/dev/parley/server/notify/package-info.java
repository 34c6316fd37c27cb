/** Tells applications of what happens in the sessions of their namespaces. */
@NullMarked
package dev.parley.server.notify;

import org.jspecify.annotations.NullMarked;
