/** The commands that ask a running server, by its HTTP doors. */
@NullMarked
package dev.parley.server.cli.remote;

import org.jspecify.annotations.NullMarked;
