/** Subscriptions to streams, which have durable cursors and wake workers (Durable Streams, sections 6 and 7). */
@NullMarked
package dev.parley.engine.subscription;

import org.jspecify.annotations.NullMarked;
