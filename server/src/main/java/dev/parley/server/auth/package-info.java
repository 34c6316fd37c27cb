/** Who may do what: keys, tokens, capabilities. Shared by all doors. */
@NullMarked
package dev.parley.server.auth;

import org.jspecify.annotations.NullMarked;
