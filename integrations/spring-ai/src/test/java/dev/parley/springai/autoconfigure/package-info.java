@NullMarked
package dev.parley.springai.autoconfigure;

import org.jspecify.annotations.NullMarked;
