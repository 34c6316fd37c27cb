package dev.parley.server.realtime;

import dev.parley.engine.session.SessionCommand.Sender;
import dev.parley.server.loop.EventLoop;

/**
 * The client of a connection, as all parts of the connection know it.
 *
 * @param local the connections of the same event loop
 * @param id the id of the connection
 * @param wishes the options that the client has set
 * @param outbox sends frames to the client
 * @param footprint the sessions in which the connection has left something
 */
record Client(
        Site site, LocalConnections local, String id, Wishes wishes, Outbox outbox, Footprints.Footprint footprint) {
    EventLoop loop() {
        return local.loop();
    }

    /** Identifies a request of the client. */
    Sender sender(long msgSerial) {
        return new Sender(id, footprint.epoch(), msgSerial);
    }
}
