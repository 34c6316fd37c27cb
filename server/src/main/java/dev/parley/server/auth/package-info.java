/** Authentication and authorisation for all doors: keys, tokens and capabilities. */
@NullMarked
package dev.parley.server.auth;

import org.jspecify.annotations.NullMarked;
