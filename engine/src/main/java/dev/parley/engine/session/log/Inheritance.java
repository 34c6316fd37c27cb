package dev.parley.engine.session.log;

import dev.parley.engine.session.Origin;

/**
 * A session that goes on from another one.
 *
 * @param filled whether it has what was said there
 */
public record Inheritance(Origin origin, boolean filled) {}
