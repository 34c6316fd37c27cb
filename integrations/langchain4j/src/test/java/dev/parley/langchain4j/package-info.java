@NullMarked
package dev.parley.langchain4j;

import org.jspecify.annotations.NullMarked;
