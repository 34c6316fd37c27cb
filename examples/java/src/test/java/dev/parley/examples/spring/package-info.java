@NullMarked
package dev.parley.examples.spring;

import org.jspecify.annotations.NullMarked;
