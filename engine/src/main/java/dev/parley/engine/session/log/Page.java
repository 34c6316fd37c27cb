package dev.parley.engine.session.log;

import java.util.List;

/**
 * A part of a list.
 *
 * @param more whether something is left behind it
 */
public record Page<E>(List<E> entries, boolean more) {}
