/** The compact binary form shared by journal records and store values. */
@NullMarked
package dev.parley.engine.codec;

import org.jspecify.annotations.NullMarked;
