package dev.parley.server.streams;

import dev.parley.server.loop.SharedBytes;
import io.vertx.core.buffer.Buffer;

/**
 * An event encoded once for all readers of a stream that stand at the same position.
 *
 * @param from position before its entries
 * @param to position behind them
 * @param cursor the cursor in it
 * @param ends whether the stream ends with it
 * @param chunk the bytes as plain HTTP/1.1 has them on the wire
 */
record SharedEvent(long from, long to, long cursor, boolean upToDate, boolean ends, Buffer bytes, SharedBytes chunk) {}
