/** What remains of sessions that were erased, with its rows, rules and reads. */
@NullMarked
package dev.parley.engine.session.erasure;

import org.jspecify.annotations.NullMarked;
