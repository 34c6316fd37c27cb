@NullMarked
package dev.parley.dayout;

import org.jspecify.annotations.NullMarked;
