package dev.parley.server.realtime;

import dev.parley.engine.memory.Memory;
import dev.parley.engine.registry.Revocation;
import dev.parley.server.auth.Peer;
import dev.parley.server.auth.Principal;
import dev.parley.server.http.Shares;
import dev.parley.server.loop.EventLoop;
import dev.parley.server.wire.ConnectionDetails;
import dev.parley.server.wire.ErrorInfo;
import dev.parley.server.wire.Frames;
import dev.parley.server.wire.InboundFrame;
import dev.parley.server.wire.WireException;
import dev.parley.server.wire.WireFormat;
import io.netty.handler.codec.TooLongFrameException;
import io.vertx.core.http.ServerWebSocket;
import java.time.Instant;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One client's connection over one WebSocket: how it opens and ends, and which of its parts handles a frame. Used on one
 * event loop.
 */
final class Connection {
    /** How long a message may take to arrive. */
    private static final long MAX_ARRIVING_MILLIS = 30_000;

    /** How long a client that closes waits for its members to leave, if the engine has no room for that. */
    private static final long CLOSE_TIMEOUT_MILLIS = 5_000;

    private static final Logger LOG = LoggerFactory.getLogger(Connection.class);

    private final Client client;
    private final ServerWebSocket socket;
    private final Consumer<Connection> onGone;

    // From the client's bytes to frames, and from there to commands.
    private final Intake intake;
    private final Fragments fragments;
    private final Credentials credentials;
    private final Attachments attachments;
    private final Requests requests;
    private final Submissions submissions;

    private final Backpressure backpressure;
    private final Heartbeats heartbeats;

    private boolean closing;
    private boolean gone;

    /**
     * A connection that the client does not know of yet.
     *
     * @param onGone called once when the socket is gone
     */
    Connection(
            Site site,
            LocalConnections local,
            ServerWebSocket socket,
            WireFormat format,
            String id,
            Principal principal,
            Wishes wishes,
            Consumer<Connection> onGone) {
        this.socket = socket;
        this.onGone = onGone;
        Shares.Holder holder = site.holder(socket, principal);
        var outbox =
                new Outbox(local.loop(), socket, format, holder.ofAllConnections(Memory.Kind.BACKLOGS), this::hasRoom);
        this.intake = new Intake(socket, holder.of(Memory.Kind.ARRIVING), this::tooMuchArrives);
        long stayMillis = wishes.remain(site.settings().presenceGrace()).toMillis();
        this.client =
                new Client(site, local, id, wishes, outbox, site.footprints().arrived(id, stayMillis));
        this.heartbeats = new Heartbeats(outbox, wishes, site.settings().heartbeatInterval());
        this.fragments =
                new Fragments(intake, site.settings().readableFrameBytes(), this::received, this::tooManyFragments);
        var acks = new Acks();
        this.backpressure = new Backpressure(client, intake, acks);
        this.submissions = new Submissions(client, acks, backpressure::speedUp);
        this.credentials = new Credentials(site, outbox, principal);
        this.attachments = new Attachments(client, credentials, submissions, this::orEnd);
        this.requests = new Requests(client, credentials, attachments, submissions, acks);
    }

    String id() {
        return client.id();
    }

    EventLoop loop() {
        return client.loop();
    }

    Principal principal() {
        return credentials.principal();
    }

    private Site site() {
        return client.site();
    }

    private Outbox outbox() {
        return client.outbox();
    }

    private WireFormat format() {
        return outbox().format();
    }

    /**
     * Tells the client that it is connected, and starts to read from it.
     *
     * @param notResumed why this is not the connection that the client asked for, or null
     */
    void open(@Nullable ErrorInfo notResumed) {
        client.local().opened(this);
        heartbeats.start();
        // Mainly for a message that is too large: if it comes in fragments, its end may never arrive.
        socket.closeHandler(closed -> gone()).exceptionHandler(this::broken);
        socket.frameHandler(fragments::add);
        sendConnected(notResumed);
        credentials.heedRevocation();
    }

    /**
     * Ends the connection because the network failed, or because the data is not a message. In both cases the client
     * may come back, and finds what it left.
     */
    private void broken(Throwable failure) {
        LOG.debug("connection {} failed", id(), failure);
        if (!closing) {
            outbox().send(Frames.error(
                    format(),
                    null,
                    ErrorInfo.unreadable("The WebSocket message cannot be read; it may have "
                            + site().settings().frameBytes() + " bytes.")));
            goAway();
        }
    }

    private void sendConnected(@Nullable ErrorInfo notResumed) {
        Principal principal = principal();
        var details = new ConnectionDetails(
                principal.clientId(),
                site().keys().issue(id(), principal.app(), principal.clientId()),
                site().settings().messageBytes(),
                Site.MAX_INBOUND_RATE,
                site().settings().frameBytes(),
                Site.CONNECTION_STATE_TTL_MILLIS,
                heartbeats.interval().toMillis(),
                site().serverId(),
                Site.SITE_CODE,
                Site.OBJECTS_GRACE_PERIOD_MILLIS);
        outbox().send(Frames.connected(format(), id(), details, notResumed));
    }

    // What comes in

    private void tooManyFragments() {
        broken(new TooLongFrameException("a message in fragments"));
    }

    /**
     * Ends the connection because there is no room for incoming data. The client finds everything unchanged when it
     * comes back.
     */
    private void tooMuchArrives() {
        disconnect(ErrorInfo.NO_ROOM);
    }

    private void received(byte[] bytes) {
        if (closing) {
            return;
        }
        orEnd(() -> {
            InboundFrame frame = InboundFrame.read(format(), bytes);
            if (bytes.length > site().settings().frameBytes()) {
                refuseLarge(frame, bytes.length);
            } else {
                handle(frame);
            }
        });
        backpressure.slowDown();
    }

    /** Runs {@code step}. If it fails, the connection fails as well. */
    private void orEnd(Step step) {
        try {
            step.run();
        } catch (WireException e) {
            end(e.error());
        } catch (RuntimeException e) {
            LOG.error("a frame on connection {} failed", id(), e);
            end(ErrorInfo.INTERNAL);
        }
    }

    /**
     * Refuses a message that is too large. The connection continues if the client can be told which request was
     * refused.
     */
    private void refuseLarge(InboundFrame frame, int bytes) throws WireException {
        ErrorInfo error = ErrorInfo.tooLarge(bytes, site().settings().frameBytes());
        switch (frame.action()) {
            case MESSAGE, PRESENCE, ANNOTATION, OBJECT -> requests.refuse(frame, error);
            default -> throw new WireException(error);
        }
    }

    private void handle(InboundFrame frame) throws WireException {
        switch (frame.action()) {
            case HEARTBEAT -> outbox().send(Frames.heartbeat(format(), frame.id()));
            case ATTACH, DETACH, SYNC -> attachments.handle(frame, channelOf(frame));
            case MESSAGE, PRESENCE, ANNOTATION, OBJECT -> requests.handle(frame, channelOf(frame));
            case AUTH -> Peer.call(socket.remoteAddress(), () -> orEnd(() -> renew(frame.accessToken())));
            case CLOSE -> close();
            case DISCONNECT -> goAway();
            case CONNECT, ACTIVATE -> LOG.debug("connection {} sent a needless {}", id(), frame.action());
            case ACK, NACK, CONNECTED, DISCONNECTED, CLOSED, ERROR, ATTACHED, DETACHED, OBJECT_SYNC ->
                throw new WireException(ErrorInfo.badRequest("Only servers send " + frame.action() + "."));
        }
    }

    private static String channelOf(InboundFrame frame) throws WireException {
        String channel = frame.channel();
        if (channel == null) {
            throw new WireException(ErrorInfo.badRequest("The frame " + frame.action() + " names no channel."));
        }
        return channel;
    }

    private void renew(@Nullable String token) throws WireException {
        credentials.renew(token);
        sendConnected(null);
        credentials.heedRevocation();
        attachments.permit();
    }

    private void hasRoom() {
        attachments.feed();
        outbox().settle();
        backpressure.speedUp();
    }

    // Time and access

    /** Called about every second. */
    void tick(long nanos, long millis) {
        if (closing) {
            return;
        }
        if (outbox().fullForNanos(nanos) > site().settings().slowTimeout().toNanos()) {
            // A frame that says so would not arrive, either.
            LOG.debug("connection {} is too slow", id());
            goAway();
            outbox().abort();
            return;
        }
        if (heartbeats.isSilent(nanos, backpressure.isPaused())) {
            // Nor would this one.
            LOG.debug("connection {} is silent", id());
            goAway();
            outbox().abort();
            return;
        }
        if (!backpressure.isPaused() && intake.arrivingForNanos(nanos) > MAX_ARRIVING_MILLIS * 1_000_000) {
            disconnect(ErrorInfo.ARRIVES_TOO_SLOWLY);
            return;
        }
        if (attachments.isStarving()) {
            hasRoom();
        }
        heartbeats.giveSigns(nanos);
        ErrorInfo over = credentials.tick(Instant.ofEpochMilli(millis));
        if (over != null) {
            disconnect(over);
        }
    }

    /** Notes that tokens were revoked, which may include this client's. */
    void revoked(Revocation revocation) {
        ErrorInfo over = closing ? null : credentials.revoked(revocation);
        if (over != null) {
            disconnect(over);
        }
    }

    // The end

    /** Ends the connection because it has failed for good. */
    void end(ErrorInfo error) {
        end(error, () -> {});
    }

    /**
     * Does the same.
     *
     * @param left called by any thread once the client's members have left, or at once if the connection ends already
     */
    void end(ErrorInfo error, Runnable left) {
        if (closing) {
            left.run();
        } else {
            outbox().send(Frames.error(format(), null, error));
            release();
            site().footprints().ended(client.footprint(), site().clock().millis(), left);
            outbox().close(false);
            gone();
        }
    }

    /** Disconnects the client. It is expected to connect again, and finds everything unchanged. */
    void disconnect(ErrorInfo reason) {
        if (!closing) {
            outbox().send(Frames.disconnected(format(), reason));
            goAway();
        }
    }

    /**
     * Ends the connection at the client's request. The client will not come back. Its members have left before it is
     * told of the end.
     */
    private void close() {
        release();
        long timer = loop().vertx().setTimer(CLOSE_TIMEOUT_MILLIS, late -> closed(false));
        site().footprints()
                .ended(
                        client.footprint(),
                        site().clock().millis(),
                        () -> loop().post(() -> {
                            loop().vertx().cancelTimer(timer);
                            closed(true);
                        }));
    }

    private void closed(boolean left) {
        if (!gone) {
            if (left) {
                outbox().send(Frames.closed(format()));
            }
            outbox().close(false);
            gone();
        }
    }

    /** Closes this socket because another one has taken over the connection. */
    void superseded() {
        goAway();
    }

    /** Ends this socket of a connection that may come back. */
    private void goAway() {
        if (!closing) {
            release();
            site().footprints().lost(client.footprint(), site().clock().millis());
            outbox().close(true);
            gone();
        }
    }

    /** Executes the requests that came before the end of the connection and still wait, and ends all parts. */
    private void release() {
        closing = true;
        fragments.close();
        backpressure.close();
        attachments.placeAll();
        submissions.close();
        attachments.dropAll();
    }

    /** Cleans up when the socket is gone, whoever closed it. */
    private void gone() {
        if (gone) {
            return;
        }
        gone = true;
        if (!closing) {
            release();
            site().footprints().lost(client.footprint(), site().clock().millis());
        }
        intake.close();
        client.local().closed(this);
        onGone.accept(this);
    }
}
