/** For tests of agents: a model that answers as it is told. */
@NullMarked
package dev.parley.springai.testing;

import org.jspecify.annotations.NullMarked;
