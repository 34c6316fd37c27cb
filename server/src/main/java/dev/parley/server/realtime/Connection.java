package dev.parley.server.realtime;

import dev.parley.engine.Reply;
import dev.parley.engine.memory.Memory;
import dev.parley.engine.memory.Waiting;
import dev.parley.engine.registry.Revocation;
import dev.parley.engine.session.MessageEntry;
import dev.parley.engine.session.ObjectLimits;
import dev.parley.engine.session.SessionCommand;
import dev.parley.engine.session.SessionCommand.MessageOp.Change;
import dev.parley.engine.session.SessionName;
import dev.parley.engine.session.SessionOutcome;
import dev.parley.server.apps.Namespace;
import dev.parley.server.auth.Access;
import dev.parley.server.auth.CapabilityOp;
import dev.parley.server.auth.Peer;
import dev.parley.server.auth.Principal;
import dev.parley.server.auth.Revocations;
import dev.parley.server.channel.Annotating;
import dev.parley.server.channel.ChannelName;
import dev.parley.server.channel.MessageFilter;
import dev.parley.server.channel.ObjectPublishing;
import dev.parley.server.channel.Publishing;
import dev.parley.server.channel.Refusals;
import dev.parley.server.channel.RunNotes;
import dev.parley.server.http.Shares;
import dev.parley.server.loop.EventLoop;
import dev.parley.server.wire.ConnectionDetails;
import dev.parley.server.wire.ErrorInfo;
import dev.parley.server.wire.Flags;
import dev.parley.server.wire.Frames;
import dev.parley.server.wire.InboundFrame;
import dev.parley.server.wire.InboundPresence;
import dev.parley.server.wire.WireException;
import dev.parley.server.wire.WireFormat;
import io.netty.handler.codec.TooLongFrameException;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.ServerWebSocket;
import io.vertx.core.http.WebSocketFrame;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One client's connection over one WebSocket. Used on one event loop. */
final class Connection {
    /** Requests of a client that may wait for their outcome before the server stops reading from it. */
    private static final int MAX_UNACKNOWLEDGED = 1_024;

    private static final int MAX_UNACKNOWLEDGED_BYTES = 4 << 20;

    /** How long a message may take to arrive. */
    private static final long MAX_ARRIVING_MILLIS = 30_000;

    /** How long before a token expires its client is asked for a new one, if the token lives longer than that. */
    private static final Duration REAUTH_LEAD = Duration.ofSeconds(30);

    /** How long a client that closes waits for its members to leave, if the engine has no room for that. */
    private static final long CLOSE_TIMEOUT_MILLIS = 5_000;

    /** After what time members leave a channel if the engine had no room for it before. */
    private static final long LEAVE_AGAIN_MILLIS = 100;

    private static final ErrorInfo UNKNOWN_QUALIFIER =
            new ErrorInfo(40010, 400, "The qualifier in the channel's name is not known, or not for this.");

    /** The beginning of the qualifier of a channel that shows only some messages. */
    private static final String FILTER = "filter=";

    private static final Logger LOG = LoggerFactory.getLogger(Connection.class);

    private final Site site;
    private final LocalConnections local;
    private final EventLoop loop;
    private final ServerWebSocket socket;
    private final Outbox outbox;
    private final Intake intake;
    private final String id;
    private final Wishes wishes;
    private final Footprints.Footprint footprint;
    private final LastHeard lastHeard = new LastHeard();

    /**
     * Interval in which the client hears from the server. The client itself has to send something within twice this
     * time.
     */
    private final Duration heartbeat;

    private final Consumer<Connection> onGone;
    private final Acks acks = new Acks();
    private final RunNotes runNotes = new RunNotes();
    private final Appends appends;
    private final Map<String, Attachment> attachments = new LinkedHashMap<>();

    /**
     * Attachments that have no place in the log yet, and the later requests for their sessions. The effects of these
     * requests come after that place, so that the client sees them.
     */
    private final Map<Attachment, List<Runnable>> attaching = new LinkedHashMap<>();

    /** Attachments with something to send for which there was no room, in the order in which they noticed. */
    private final Set<Attachment> starving = new LinkedHashSet<>();

    private Principal principal;
    private @Nullable Instant askedToRenew;

    /** When the client's token ends because it was revoked. */
    private @Nullable Instant revokedAt;

    /** The message of which parts have arrived, and the size of these parts on the wire. */
    private @Nullable Buffer arrivedParts;

    private long arrivedBytes;
    private long lastPingNanos = System.nanoTime();
    private boolean flushing;
    private boolean paused;
    /** The place of this connection in the line for room in the engine, or null. */
    private @Nullable Waiting engineRoom;

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
        this.site = site;
        this.local = local;
        this.loop = local.loop();
        this.socket = socket;
        Shares.Holder holder = site.holder(socket, principal);
        this.outbox = new Outbox(loop, socket, format, holder.ofAllConnections(Memory.Kind.BACKLOGS), this::hasRoom);
        this.intake = new Intake(socket, holder.of(Memory.Kind.ARRIVING), this::tooMuchArrives);
        this.id = id;
        this.principal = principal;
        this.wishes = wishes;
        this.appends = new Appends(loop.vertx(), wishes.appendWindowMillis(), this::submitAppends);
        this.onGone = onGone;
        Duration usual = site.settings().presenceGrace();
        this.footprint = site.footprints().arrived(id, wishes.remain(usual).toMillis());
        this.heartbeat = wishes.heartbeat(site.settings().heartbeatInterval());
    }

    Site site() {
        return site;
    }

    EventLoop loop() {
        return loop;
    }

    /** The connections of the same event loop. */
    LocalConnections local() {
        return local;
    }

    Outbox outbox() {
        return outbox;
    }

    String id() {
        return id;
    }

    boolean echo() {
        return wishes.echo();
    }

    Principal principal() {
        return principal;
    }

    /**
     * Tells the client that it is connected, and starts to read from it.
     *
     * @param notResumed why this is not the connection that the client asked for, or null
     */
    void open(@Nullable ErrorInfo notResumed) {
        local.opened(this);
        outbox.tellWhenHeard(lastHeard);
        // Mainly for a message that is too large: if it comes in fragments, its end may never arrive.
        socket.closeHandler(closed -> gone()).exceptionHandler(this::broken);
        socket.frameHandler(this::arrived);
        sendConnected(notResumed);
        heedRevocation();
    }

    /**
     * Ends the connection because the network failed, or because the data is not a message. In both cases the client
     * may come back, and finds what it left.
     */
    private void broken(Throwable failure) {
        LOG.debug("connection {} failed", id, failure);
        if (!closing) {
            outbox.send(Frames.error(
                    outbox.format(),
                    null,
                    ErrorInfo.unreadable("The WebSocket message cannot be read; it may have "
                            + site.settings().frameBytes() + " bytes.")));
            finish(true);
        }
    }

    private void sendConnected(@Nullable ErrorInfo notResumed) {
        var details = new ConnectionDetails(
                principal.clientId(),
                site.keys().issue(id, principal.app(), principal.clientId()),
                site.settings().messageBytes(),
                Site.MAX_INBOUND_RATE,
                site.settings().frameBytes(),
                Site.CONNECTION_STATE_TTL_MILLIS,
                heartbeat.toMillis(),
                site.serverId(),
                Site.SITE_CODE,
                Site.OBJECTS_GRACE_PERIOD_MILLIS);
        outbox.send(Frames.connected(outbox.format(), id, details, notResumed));
    }

    // What comes in

    /** Handles a whole message, or a part of one. */
    private void arrived(WebSocketFrame frame) {
        if (!(frame.isText() || frame.isBinary() || frame.isContinuation())) {
            return;
        }
        Buffer payload = frame.binaryData();
        arrivedBytes += Intake.wireBytes(payload.length());
        if (closing) {
            arrivedParts = null;
            intake.taken(arrivedBytes);
            arrivedBytes = 0;
            return;
        }
        Buffer parts = arrivedParts;
        if (parts == null && frame.isFinal()) {
            received(payload.getBytes());
        } else {
            arrivedParts = parts == null ? payload.copy() : parts.appendBuffer(payload);
            if (arrivedParts.length() > site.settings().readableFrameBytes()) {
                broken(new TooLongFrameException("a message in fragments"));
            } else if (frame.isFinal()) {
                received(arrivedParts.getBytes());
            } else {
                return;
            }
        }
        arrivedParts = null;
        intake.taken(arrivedBytes);
        arrivedBytes = 0;
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
            InboundFrame frame = InboundFrame.read(outbox.format(), bytes);
            if (bytes.length > site.settings().frameBytes()) {
                refuseLarge(frame, bytes.length);
            } else {
                handle(frame);
            }
        });
        slowDown();
    }

    /** The reaction to a frame. */
    private interface Step {
        void run() throws WireException;
    }

    /** Runs {@code step}. If it fails, the connection fails as well. */
    private void orEnd(Step step) {
        try {
            step.run();
        } catch (WireException e) {
            end(e.error());
        } catch (RuntimeException e) {
            LOG.error("a frame on connection {} failed", id, e);
            end(ErrorInfo.INTERNAL);
        }
    }

    /**
     * Refuses a message that is too large. The connection continues if the client can be told which request was
     * refused.
     */
    private void refuseLarge(InboundFrame frame, int bytes) throws WireException {
        ErrorInfo error = ErrorInfo.tooLarge(bytes, site.settings().frameBytes());
        switch (frame.action()) {
            case MESSAGE, PRESENCE, ANNOTATION, OBJECT -> {
                if (frame.msgSerial() < 0) {
                    throw new WireException(error);
                }
                acks.add(frame.msgSerial(), 0).refuse(error);
                flushSoon();
            }
            default -> throw new WireException(error);
        }
    }

    private void handle(InboundFrame frame) throws WireException {
        switch (frame.action()) {
            case HEARTBEAT -> outbox.send(Frames.heartbeat(outbox.format(), frame.id()));
            case ATTACH, DETACH, SYNC -> inTurn(frame, channelOf(frame));
            case MESSAGE, PRESENCE, ANNOTATION, OBJECT -> request(frame, channelOf(frame));
            case AUTH -> Peer.call(socket.remoteAddress(), () -> renew(frame.accessToken()));
            case CLOSE -> close();
            case DISCONNECT -> finish(true);
            case CONNECT, ACTIVATE -> LOG.debug("connection {} sent a needless {}", id, frame.action());
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

    /**
     * Handles a frame for an attachment when no other task of the attachment is in progress. By then the channel may
     * have another attachment.
     */
    private void inTurn(InboundFrame frame, String name) throws WireException {
        Attachment known = attachments.get(name);
        if (known != null && known.isBusy()) {
            if (!known.whenFree(() -> orEnd(() -> inTurn(frame, name)))) {
                throw new WireException(ErrorInfo.TOO_MANY_REQUESTS);
            }
            return;
        }
        switch (frame.action()) {
            case ATTACH -> attach(frame, name, known);
            case DETACH -> detach(name, known);
            default -> {
                if (known != null) {
                    known.sync();
                }
            }
        }
    }

    private void attach(InboundFrame frame, String name, @Nullable Attachment known) {
        SessionName session;
        MessageFilter filter;
        AttachParams params;
        try {
            ChannelName parsed = ChannelName.parse(name);
            AttachParams read = AttachParams.read(frame.flags(), parsed.params(), frame.params());
            filter = filter(parsed);
            session = filter == null ? session(parsed) : new SessionName(principal.app(), parsed.name());
            params = filter == null ? read : read.filtered();
            if (known == null) {
                refuseTooMany();
            }
        } catch (WireException e) {
            refuse(known, name, e.error());
            return;
        }
        long granted = Modes.granted(params.modes(), principal, name);
        if (granted == 0) {
            refuse(known, name, ErrorInfo.notPermitted("attach", name));
            return;
        }
        Attachment attachment = known;
        if (attachment == null) {
            attachment = new Attachment(this, name, session, filter);
            attachments.put(name, attachment);
            attaching.put(attachment, new ArrayList<>());
            site.attachments().incrementAndGet();
        }
        boolean returning = (frame.flags() & Flags.ATTACH_RESUME) != 0;
        attachment.attach(params, granted, frame.channelSerial(), returning);
    }

    /** Notes that the attachment has its place in the log, or will not get one. */
    void placed(Attachment attachment) {
        List<Runnable> behind = attaching.remove(attachment);
        if (behind != null) {
            behind.forEach(Runnable::run);
        }
    }

    /** Executes the requests that came before the end of the connection and still wait. */
    private void doTheRest() {
        while (!attaching.isEmpty()) {
            placed(attaching.keySet().iterator().next());
        }
        appends.flush(null);
    }

    private static @Nullable MessageFilter filter(ChannelName name) throws WireException {
        String qualifier = name.qualifier();
        return qualifier.startsWith(FILTER) ? MessageFilter.parse(qualifier.substring(FILTER.length())) : null;
    }

    private SessionName session(ChannelName name) throws WireException {
        if (!name.qualifier().isEmpty()) {
            throw new WireException(UNKNOWN_QUALIFIER);
        }
        return name.in(principal.app());
    }

    private void refuse(@Nullable Attachment known, String name, ErrorInfo error) {
        if (known == null) {
            outbox.send(Frames.error(outbox.format(), name, error));
        } else {
            known.fail(error);
        }
    }

    private void refuseTooMany() throws WireException {
        if (attachments.size() >= site.settings().channelsPerConnection()) {
            throw new WireException(new ErrorInfo(
                    90010,
                    400,
                    "A connection may be attached to " + site.settings().channelsPerConnection()
                            + " channels; detach from some."));
        }
        if (site.attachments().get() >= site.settings().attachments()) {
            throw new WireException(ErrorInfo.TOO_MANY_REQUESTS);
        }
    }

    private void detach(String name, @Nullable Attachment known) {
        if (known == null) {
            outbox.send(Frames.detached(outbox.format(), name, null));
        } else {
            known.detach();
        }
    }

    /** Removes an attachment that has ended. */
    void drop(Attachment attachment) {
        if (attachments.remove(attachment.name(), attachment)) {
            starving.remove(attachment);
            attachment.close();
            site.attachments().decrementAndGet();
            placed(attachment);
        }
    }

    /** Makes this connection's members leave the channel's session, and runs {@code then} when they have. */
    void leave(Attachment attachment, Runnable then) {
        SessionName session = attachment.session();
        if (!footprint.leaves(session)) {
            then.run();
            return;
        }
        appends.flush(session);
        var leave = new SessionCommand.Leave(session, site.clock().millis(), id, false);
        site.engine().submit(leave, new Reply<SessionOutcome.Done>() {
            @Override
            public void done(SessionOutcome.Done outcome) {
                loop.post(then);
            }

            @Override
            public void failed(Exception failure) {
                LOG.debug("connection {} cannot leave {} now", id, session, failure);
                footprint.enters(session);
                loop.post(() -> {
                    // If the connection ends before, they leave with it.
                    if (!closing) {
                        loop.vertx().setTimer(LEAVE_AGAIN_MILLIS, again -> leave(attachment, then));
                    }
                });
            }
        });
    }

    // Requests, which are acknowledged

    private void request(InboundFrame frame, String name) throws WireException {
        if (frame.msgSerial() < 0) {
            throw new WireException(ErrorInfo.badRequest("The frame " + frame.action() + " has no msgSerial."));
        }
        Acks.Request request = acks.add(frame.msgSerial(), size(frame));
        try {
            if (frame.error() != null) {
                throw new WireException(frame.error());
            }
            perform(request, frame, name, session(ChannelName.parse(name)));
        } catch (WireException e) {
            request.refuse(e.error());
            flushSoon();
        }
    }

    /** Executes a request as soon as all earlier attachments to its session have their places in the log. */
    private void perform(Acks.Request request, InboundFrame frame, String name, SessionName session) {
        for (var entry : attaching.entrySet()) {
            if (entry.getKey().session().equals(session)) {
                entry.getValue().add(() -> orEnd(() -> perform(request, frame, name, session)));
                return;
            }
        }
        try {
            switch (frame.action()) {
                case MESSAGE -> {
                    SessionCommand.Publish publish = publish(frame, name, session);
                    Change append = appendOf(publish);
                    if (append == null) {
                        submit(request, publish, Refusals::of);
                    } else {
                        appends.add(session, append, request, frame.msgSerial());
                    }
                }
                case PRESENCE -> {
                    var command = changePresence(frame, name, session);
                    footprint.enters(session);
                    submit(request, command, Refusals::of);
                }
                case OBJECT -> submit(request, changeObjects(frame, name, session), Refusals::of);
                case ANNOTATION -> submit(request, annotate(frame, name, session), Refusals::of);
                default -> throw new IllegalStateException(frame.action() + " is no request");
            }
        } catch (WireException e) {
            request.refuse(e.error());
            flushSoon();
        }
    }

    private static int size(InboundFrame frame) {
        int size = 0;
        for (var message : frame.messages()) {
            size += message.size();
        }
        for (var event : frame.presence()) {
            size += event.size();
        }
        for (var annotation : frame.annotations()) {
            size += annotation.size();
        }
        for (var object : frame.objects()) {
            size += object.size();
        }
        return size;
    }

    /**
     * Checks that an attached channel has the mode. Whether the capabilities allow the operation is checked elsewhere.
     */
    private void requireMode(String name, long mode, CapabilityOp operation) throws WireException {
        Attachment attachment = attachments.get(name);
        if (attachment != null && attachment.isAttached() && !attachment.has(mode) && principal.may(operation, name)) {
            throw new WireException(ErrorInfo.modeNotGranted(operation.wireName(), name));
        }
    }

    private SessionCommand.Publish publish(InboundFrame frame, String name, SessionName session) throws WireException {
        if (frame.params().containsKey("_forceNack")) {
            throw new WireException(ErrorInfo.FORCED_NACK);
        }
        requireMode(name, Flags.PUBLISH, CapabilityOp.PUBLISH);
        Namespace rules = site.apps().namespace(session.app(), session.name());
        var publishing = new Publishing(
                site.gate(),
                principal,
                name,
                rules.mutableMessages(),
                id,
                site.settings().messageBytes(),
                site.settings().grownBytes());
        return new SessionCommand.Publish(
                session,
                site.clock().millis(),
                sender(frame),
                publishing.operations(frame.messages(), id + ":" + frame.msgSerial()),
                runNotes.of(name, frame.messages()));
    }

    private SessionCommand.ChangeObjects changeObjects(InboundFrame frame, String name, SessionName session)
            throws WireException {
        requireMode(name, Flags.OBJECT_PUBLISH, CapabilityOp.OBJECT_PUBLISH);
        var publishing = new ObjectPublishing(
                site.gate(), principal, name, id, site.settings().messageBytes());
        return new SessionCommand.ChangeObjects(
                session,
                site.clock().millis(),
                sender(frame),
                publishing.operations(frame.objects(), id + ":" + frame.msgSerial()),
                ObjectLimits.DEFAULT);
    }

    private SessionCommand.Annotate annotate(InboundFrame frame, String name, SessionName session)
            throws WireException {
        requireMode(name, Flags.ANNOTATION_PUBLISH, CapabilityOp.ANNOTATION_PUBLISH);
        var annotating = new Annotating(
                site.gate(),
                principal,
                name,
                site.apps().namespace(session.app(), session.name()).mutableMessages(),
                id,
                site.settings().messageBytes());
        return new SessionCommand.Annotate(
                session,
                site.clock().millis(),
                sender(frame),
                annotating.operations(frame.annotations(), id + ":" + frame.msgSerial()),
                Annotating.MAX_PER_MESSAGE);
    }

    private SessionCommand.Sender sender(InboundFrame frame) {
        return new SessionCommand.Sender(id, frame.msgSerial());
    }

    private SessionCommand.ChangePresence changePresence(InboundFrame frame, String name, SessionName session)
            throws WireException {
        requireMode(name, Flags.PRESENCE, CapabilityOp.PRESENCE);
        if (site.gate().permit(principal, CapabilityOp.PRESENCE, name) instanceof Access.Refused refused) {
            throw new WireException(Refusals.of(refused));
        }
        List<SessionCommand.PresenceOp> operations = new ArrayList<>();
        long bytes = 0;
        for (InboundPresence event : frame.presence()) {
            bytes += event.size();
            String given = event.id();
            // A member that enters again keeps its id, by which clients see that nothing has happened.
            String kept = given != null && given.startsWith(id + ":") ? given : null;
            operations.add(new SessionCommand.PresenceOp(
                    event.action(),
                    kept == null ? id + ":" + frame.msgSerial() + ":" + operations.size() : kept,
                    memberName(event),
                    event.body()));
        }
        if (operations.isEmpty()) {
            throw new WireException(ErrorInfo.badRequest("There is no presence message in the frame."));
        }
        if (bytes > site.settings().messageBytes()) {
            throw new WireException(ErrorInfo.tooLarge(bytes, site.settings().messageBytes()));
        }
        Namespace rules = site.apps().namespace(session.app(), session.name());
        return new SessionCommand.ChangePresence(
                session, site.clock().millis(), sender(frame), id, operations, rules.maxMembers());
    }

    private String memberName(InboundPresence event) throws WireException {
        String clientId = Publishing.clientId(site.gate(), principal, event.clientId());
        if (clientId == null) {
            throw new WireException(ErrorInfo.noClientId());
        }
        return clientId;
    }

    /** The append, if the request consists of nothing else. */
    private static @Nullable Change appendOf(SessionCommand.Publish publish) {
        return publish.messages().size() == 1
                        && publish.runs().isEmpty()
                        && publish.messages().getFirst() instanceof Change change
                        && change.action() == MessageEntry.Action.APPEND
                ? change
                : null;
    }

    private void submitAppends(SessionName session, long serial, List<Appends.Append> batch, Runnable done) {
        footprint.requests(session);
        long now = site.clock().millis();
        if (batch.size() == 1) {
            submitAlone(session, now, serial, batch.getFirst(), done);
            return;
        }
        List<SessionCommand.Part> parts =
                batch.stream().map(Appends.Append::part).toList();
        submit(new SessionCommand.Rollup(session, now, id, serial, parts), new Outcome<>() {
            @Override
            public void done(SessionOutcome.OfPublish outcome) {
                if (outcome instanceof SessionOutcome.Accepted accepted) {
                    for (int i = 0; i < batch.size(); i++) {
                        batch.get(i)
                                .request()
                                .accept(List.of(accepted.positions().get(i)));
                    }
                    flushSoon();
                    done.run();
                } else {
                    // Each one is submitted on its own, to find out which of them is at fault. Other appends of the
                    // message wait for all of them.
                    for (int i = 0; i < batch.size(); i++) {
                        boolean last = i == batch.size() - 1;
                        submitAlone(session, now, serial, batch.get(i), last ? done : () -> {});
                    }
                }
            }

            @Override
            public void failed(ErrorInfo error) {
                batch.forEach(append -> append.request().refuse(error));
                flushSoon();
                done.run();
            }
        });
    }

    private void submitAlone(SessionName session, long time, long serial, Appends.Append append, Runnable done) {
        SessionCommand.Part part = append.part();
        var change = new Change(
                MessageEntry.Action.APPEND,
                serial,
                part.fragment(),
                part.operation(),
                part.any(),
                false,
                part.maxBytes());
        var sender = new SessionCommand.Sender(id, part.msgSerial());
        submit(
                new SessionCommand.Publish(session, time, sender, List.of(change)),
                answer(append.request(), Refusals::of, done));
    }

    /** Submits {@code command} after all earlier appends. */
    private <O extends SessionOutcome> void submit(
            Acks.Request request, SessionCommand<O> command, Function<O, @Nullable ErrorInfo> refusal) {
        footprint.requests(command.session());
        appends.flush(command.session());
        submit(command, answer(request, refusal, () -> {}));
    }

    /** Receives the outcome of a command, on the connection's event loop. */
    private interface Outcome<O> {
        void done(O outcome);

        void failed(ErrorInfo error);
    }

    /** Acknowledges a request. {@code refusal} returns what is wrong with an outcome, or null. */
    private <O extends SessionOutcome> Outcome<O> answer(
            Acks.Request request, Function<O, @Nullable ErrorInfo> refusal, Runnable done) {
        return new Outcome<>() {
            @Override
            public void done(O outcome) {
                ErrorInfo error = refusal.apply(outcome);
                if (error == null && outcome instanceof SessionOutcome.Accepted accepted) {
                    request.accept(accepted.positions());
                } else {
                    request.refuse(error == null ? ErrorInfo.INTERNAL : error);
                }
                flushSoon();
                done.run();
            }

            @Override
            public void failed(ErrorInfo error) {
                request.refuse(error);
                flushSoon();
                done.run();
            }
        };
    }

    private <O extends SessionOutcome> void submit(SessionCommand<O> command, Outcome<O> outcome) {
        site.engine().submit(command, new Reply<O>() {
            @Override
            public void done(O result) {
                loop.post(() -> outcome.done(result));
            }

            @Override
            public void failed(Exception failure) {
                loop.post(() -> outcome.failed(Refusals.because(failure)));
            }
        });
    }

    /** Acknowledges requests together if their outcomes arrive together. */
    private void flushSoon() {
        if (!flushing) {
            flushing = true;
            loop.post(() -> {
                flushing = false;
                acks.flush(outbox);
                speedUp();
            });
        }
    }

    // Back-pressure

    private boolean mustWait() {
        return acks.count() >= MAX_UNACKNOWLEDGED
                || acks.bytes() >= MAX_UNACKNOWLEDGED_BYTES
                || !intake.keeps(acks.bytes())
                || !outbox.hasRoom()
                || site.engine().isBusy();
    }

    private void slowDown() {
        if (!paused && !closing && mustWait()) {
            paused = true;
            intake.pause();
            speedUp();
        }
    }

    private void speedUp() {
        if (!paused || closing) {
            return;
        }
        if (!mustWait()) {
            paused = false;
            intake.resume();
        } else if (site.engine().isBusy() && engineRoom == null) {
            engineRoom = site.engine()
                    .whenRoom(() -> loop.post(() -> {
                        engineRoom = null;
                        speedUp();
                    }));
        }
    }

    /** Calls {@link Attachment#pump} when there is room again. */
    void starve(Attachment attachment) {
        starving.add(attachment);
    }

    void hasRoom() {
        boolean served = true;
        while (served && !starving.isEmpty() && outbox.hasRoom()) {
            Attachment first = starving.iterator().next();
            starving.remove(first);
            first.pump();
            // If there is no room for what it wants, this method is called again when there is.
            served = !starving.contains(first);
        }
        outbox.settle();
        speedUp();
    }

    // Time and access

    /** Called about every second. */
    void tick(long nanos, long millis) {
        if (closing) {
            return;
        }
        if (outbox.fullForNanos(nanos) > site.settings().slowTimeout().toNanos()) {
            // A frame that says so would not arrive, either.
            LOG.debug("connection {} is too slow", id);
            finish(true);
            outbox.abort();
            return;
        }
        if (isSilent(nanos)) {
            // Nor would this one.
            LOG.debug("connection {} is silent", id);
            finish(true);
            outbox.abort();
            return;
        }
        if (!paused && intake.arrivingForNanos(nanos) > MAX_ARRIVING_MILLIS * 1_000_000) {
            disconnect(ErrorInfo.ARRIVES_TOO_SLOWLY);
            return;
        }
        if (!starving.isEmpty()) {
            hasRoom();
        }
        giveSigns(nanos);
        Instant now = Instant.ofEpochMilli(millis);
        Instant revoked = revokedAt;
        if (revoked != null && !now.isBefore(revoked)) {
            disconnect(new ErrorInfo(40141, 401, "The token was revoked."));
            return;
        }
        Instant expires = principal.expires();
        if (expires == null) {
            return;
        }
        if (!now.isBefore(expires)) {
            disconnect(new ErrorInfo(40142, 401, "The token has expired."));
        } else if (askedToRenew == null && !now.isBefore(expires.minus(REAUTH_LEAD)) && livesLong(expires)) {
            askedToRenew = now;
            outbox.send(Frames.auth(outbox.format()));
        }
    }

    /** Whether the client is gone although its TCP connection, perhaps to a proxy, is not. */
    private boolean isSilent(long nanos) {
        if (paused || outbox.fullForNanos(nanos) > 0) {
            // The client cannot answer what it has not received, and the server does not hear it while it does not
            // read.
            lastHeard.now(nanos);
        }
        return lastHeard.nanosSince(nanos) > 2 * heartbeat.toNanos();
    }

    /** Shows the client that the connection is alive, and checks whether the client is. */
    private void giveSigns(long nanos) {
        // Well before the client expects it.
        long due = heartbeat.toNanos() / 3 * 2;
        boolean quiet = outbox.silentForNanos(nanos) > due;
        if (quiet && wishes.heartbeats()) {
            outbox.send(Frames.heartbeat(outbox.format(), null));
        }
        if ((quiet || lastHeard.nanosSince(nanos) > due) && nanos - lastPingNanos > due) {
            lastPingNanos = nanos;
            outbox.ping();
        }
    }

    private boolean livesLong(Instant expires) {
        Instant issued = principal.issued();
        return issued != null && Duration.between(issued, expires).compareTo(REAUTH_LEAD) > 0;
    }

    /** Replaces the client's token by the one that it has sent. */
    private void renew(@Nullable String token) {
        if (token == null) {
            end(ErrorInfo.badRequest("The frame AUTH has no access token."));
            return;
        }
        Access access = site.gate().sessionToken(token);
        if (access instanceof Access.Granted(Principal shown) && !shown.app().equals(principal.app())) {
            end(new ErrorInfo(40102, 401, "The token is one of another app."));
            return;
        }
        String clientId = principal.clientId();
        if (access instanceof Access.Granted(Principal shown)
                && clientId != null
                && !clientId.equals(Principal.ANY_CLIENT)) {
            access = site.gate().as(shown, clientId);
        }
        switch (access) {
            // Clients react to most codes of bad tokens by getting a new one, which they have just done.
            case Access.Refused refused
            when refused.reason() == Access.Reason.INVALID_TOKEN -> end(new ErrorInfo(40101, 401, refused.message()));
            case Access.Refused refused -> end(Refusals.of(refused));
            case Access.Granted(Principal renewed) -> {
                principal = renewed;
                askedToRenew = null;
                sendConnected(null);
                heedRevocation();
                for (Attachment attachment : List.copyOf(attachments.values())) {
                    if (!attachment.permit(principal)) {
                        end(ErrorInfo.TOO_MANY_REQUESTS);
                        return;
                    }
                }
            }
        }
    }

    /** Notes when the token ends, if it was revoked before the client sent it but is still valid for a while. */
    private void heedRevocation() {
        revokedAt = site.gate().revokedFrom(principal);
        if (revokedAt != null) {
            outbox.send(Frames.auth(outbox.format()));
        }
    }

    /** Notes that tokens were revoked, which may include this client's. */
    void revoked(Revocation revocation) {
        if (closing || !Revocations.covers(revocation, principal)) {
            return;
        }
        Instant now = site.clock().wall().instant();
        Instant appliesAt = Instant.ofEpochMilli(revocation.appliesAt());
        if (now.isBefore(appliesAt)) {
            revokedAt = appliesAt;
            outbox.send(Frames.auth(outbox.format()));
        } else {
            disconnect(new ErrorInfo(40141, 401, "The token was revoked."));
        }
    }

    // The end

    /** Ends the connection because it has failed for good. */
    void end(ErrorInfo error) {
        if (!closing) {
            outbox.send(Frames.error(outbox.format(), null, error));
            finish(false);
        }
    }

    /** Disconnects the client. It is expected to connect again, and finds everything unchanged. */
    void disconnect(ErrorInfo reason) {
        if (!closing) {
            outbox.send(Frames.disconnected(outbox.format(), reason));
            finish(true);
        }
    }

    /**
     * Ends the connection at the client's request. The client will not come back. Its members have left before it is
     * told of the end.
     */
    private void close() {
        closing = true;
        doTheRest();
        release();
        long timer = loop.vertx().setTimer(CLOSE_TIMEOUT_MILLIS, late -> closed(false));
        site.footprints()
                .ended(
                        footprint,
                        site.clock().millis(),
                        () -> loop.post(() -> {
                            loop.vertx().cancelTimer(timer);
                            closed(true);
                        }));
    }

    private void closed(boolean left) {
        if (!gone) {
            if (left) {
                outbox.send(Frames.closed(outbox.format()));
            }
            outbox.close(false);
            gone();
        }
    }

    /** Closes this socket because another one has taken over the connection. */
    void superseded() {
        finish(true);
    }

    private void finish(boolean comesBack) {
        if (closing) {
            return;
        }
        closing = true;
        doTheRest();
        release();
        long now = site.clock().millis();
        if (comesBack) {
            site.footprints().lost(footprint, now);
        } else {
            site.footprints().ended(footprint, now, () -> {});
        }
        outbox.close(comesBack);
        gone();
    }

    private void release() {
        if (engineRoom != null) {
            engineRoom.cancel();
        }
        for (Attachment attachment : List.copyOf(attachments.values())) {
            drop(attachment);
        }
    }

    /** Cleans up when the socket is gone, whoever closed it. */
    private void gone() {
        if (gone) {
            return;
        }
        gone = true;
        if (!closing) {
            closing = true;
            doTheRest();
            release();
            site.footprints().lost(footprint, site.clock().millis());
        }
        intake.close();
        local.closed(this);
        onGone.accept(this);
    }
}
