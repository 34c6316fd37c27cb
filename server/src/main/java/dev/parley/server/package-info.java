/** The doors and all that runs them: access, configuration, operations, command line. */
@NullMarked
package dev.parley.server;

import org.jspecify.annotations.NullMarked;
