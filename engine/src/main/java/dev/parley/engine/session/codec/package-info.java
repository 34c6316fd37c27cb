/** The binary form of session commands, and of values that they have in common with rows. */
@NullMarked
package dev.parley.engine.session.codec;

import org.jspecify.annotations.NullMarked;
