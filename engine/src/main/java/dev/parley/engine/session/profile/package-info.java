/** What somebody has said about sessions that were made explicitly, with its rows, rules and reads. */
@NullMarked
package dev.parley.engine.session.profile;

import org.jspecify.annotations.NullMarked;
