/** The session door: sessions as what people and agents say in them, over plain HTTP and JSON. */
@NullMarked
package dev.parley.server.session;

import org.jspecify.annotations.NullMarked;
