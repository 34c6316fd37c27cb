/** The programs that docs/java.md explains, in the order in which it does. A region is what the document shows of it. */
@NullMarked
package dev.parley.examples;

import org.jspecify.annotations.NullMarked;
