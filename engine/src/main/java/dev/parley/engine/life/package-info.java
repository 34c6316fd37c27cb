/** The lives of the nodes that submit to the log: which are over, and which go on. */
@NullMarked
package dev.parley.engine.life;

import org.jspecify.annotations.NullMarked;
