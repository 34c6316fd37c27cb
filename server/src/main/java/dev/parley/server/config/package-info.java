/** Settings: one table of them in code, and where their values come from. */
@NullMarked
package dev.parley.server.config;

import org.jspecify.annotations.NullMarked;
