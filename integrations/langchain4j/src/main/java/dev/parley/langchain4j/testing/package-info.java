/** For tests of agents: a model that answers as it is told. */
@NullMarked
package dev.parley.langchain4j.testing;

import org.jspecify.annotations.NullMarked;
