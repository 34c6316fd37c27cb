/** Remembered requests, so that no request is executed twice. */
@NullMarked
package dev.parley.engine.session.remembered;

import org.jspecify.annotations.NullMarked;
