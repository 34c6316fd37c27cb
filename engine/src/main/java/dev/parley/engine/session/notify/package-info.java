/** What the applications of sessions are to be told. */
@NullMarked
package dev.parley.engine.session.notify;

import org.jspecify.annotations.NullMarked;
