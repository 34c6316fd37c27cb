/**
 * The client of a Parley server: sessions over one WebSocket, and streams over HTTP.
 *
 * <p>{@link dev.parley.client.ParleyClient} is the way in.
 *
 * <p><b>Threads.</b> All types are safe for use by several threads. Methods block until the server has answered and are at home
 * on virtual threads; those whose names end in {@code Async} do not wait for the answer. Listeners run on the listener executor
 * of the client, those of one session one after the other, and may block. Continuations of futures run where answers arrive and
 * must not block: there, methods that would wait throw {@link java.lang.IllegalStateException}.
 *
 * <p><b>Errors.</b> Failures are the subclasses of {@link dev.parley.client.ParleyException}. Every method that waits for the
 * server can throw {@link dev.parley.client.ParleyException.Refused}, {@link dev.parley.client.ParleyException.AccessDenied},
 * {@link dev.parley.client.ParleyException.Unreachable}, {@link dev.parley.client.ParleyException.TimedOut},
 * {@link dev.parley.client.ParleyException.Interrupted} and {@link dev.parley.client.ParleyException.Closed}; futures complete
 * with the same. Methods name only what is special about them. Arguments that cannot be right are refused with
 * {@link java.lang.IllegalArgumentException}.
 *
 * <p><b>Units.</b> Times are those of the server's clock. Serials and positions of a session are ordered as text. Sizes are in
 * bytes as on the wire, unless they are said to be in characters.
 */
@NullMarked
package dev.parley.client;

import org.jspecify.annotations.NullMarked;
