package dev.parley.engine.session.log;

import java.util.List;

/**
 * A part of a list.
 *
 * @param more whether the list continues
 */
public record Page<E>(List<E> entries, boolean more) {}
