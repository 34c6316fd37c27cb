@NullMarked
package dev.parley.springai;

import org.jspecify.annotations.NullMarked;
