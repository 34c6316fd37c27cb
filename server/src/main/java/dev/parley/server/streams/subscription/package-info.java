/** Subscriptions of the Durable Streams protocol: their routes below {@code __ds}, and the delivery of wakes. */
@NullMarked
package dev.parley.server.streams.subscription;

import org.jspecify.annotations.NullMarked;
