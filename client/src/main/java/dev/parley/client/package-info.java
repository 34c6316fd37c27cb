/**
 * The client of a Parley server: sessions over one WebSocket, and streams over HTTP.
 *
 * <p>{@link dev.parley.client.ParleyClient} is the way in. Methods block until the server has answered and are at home on
 * virtual threads; those whose names end in {@code Async} do not wait for the answer. All types are safe for use by several
 * threads. Failures are the subclasses of {@link dev.parley.client.ParleyException}.
 */
@NullMarked
package dev.parley.client;

import org.jspecify.annotations.NullMarked;
