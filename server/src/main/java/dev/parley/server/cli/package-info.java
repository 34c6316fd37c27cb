/** The command line, and the assembly of a server. */
@NullMarked
package dev.parley.server.cli;

import org.jspecify.annotations.NullMarked;
