/** Who has the control of a session, an agent or a person, with its rows, rules and reads. */
@NullMarked
package dev.parley.engine.session.control;

import org.jspecify.annotations.NullMarked;
