/** The settings: their one table, and the sources of their values. */
@NullMarked
package dev.parley.server.config;

import org.jspecify.annotations.NullMarked;
