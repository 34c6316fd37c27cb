package dev.parley.server.rest;

import dev.parley.engine.Engine;
import dev.parley.engine.session.ObjectOperation;
import dev.parley.engine.session.ObjectValue;
import dev.parley.engine.session.ObjectValue.Ref;
import dev.parley.engine.session.SessionName;
import dev.parley.engine.session.SessionState;
import dev.parley.engine.session.machine.Sessions;
import dev.parley.engine.session.object.ObjectIds;
import dev.parley.engine.session.object.ObjectState;
import dev.parley.engine.session.object.ObjectTable;
import dev.parley.server.auth.CapabilityOp;
import dev.parley.server.auth.ConnectionKeys;
import dev.parley.server.auth.Gate;
import dev.parley.server.auth.Principal;
import dev.parley.server.channel.ChannelCommands;
import dev.parley.server.channel.ChannelName;
import dev.parley.server.channel.ObjectPublishing;
import dev.parley.server.channel.Refusals;
import dev.parley.server.request.Answer;
import dev.parley.server.request.Commands;
import dev.parley.server.request.Request;
import dev.parley.server.wire.ErrorInfo;
import dev.parley.server.wire.InboundObject;
import dev.parley.server.wire.InboundRestObject;
import dev.parley.server.wire.ObjectTree;
import dev.parley.server.wire.WireException;
import dev.parley.server.wire.WireWriter;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/** {@code /channels/<channel>/object}: reads and changes the objects of a channel. */
final class ObjectsResource {
    private final Engine engine;
    private final Sessions sessions;
    private final Gate gate;
    private final ConnectionKeys ids;
    private final InstantSource clock;
    private final ChannelCommands commands;

    ObjectsResource(Engine engine, Gate gate, ChannelCommands commands, ConnectionKeys ids, InstantSource clock) {
        this.engine = engine;
        this.sessions = engine.sessions();
        this.gate = gate;
        this.ids = ids;
        this.clock = clock;
        this.commands = commands;
    }

    /** Reads from the objects of a session. Fails if the request is invalid. */
    private interface Read<T> {
        T from(ObjectTable objects) throws WireException;
    }

    /** Reads the objects of a session as they are at one moment. */
    private <T> T look(SessionName name, Read<T> read) throws WireException {
        SessionState session = sessions.find(name);
        if (session == null) {
            return read.from(ObjectTable.EMPTY);
        }
        List<WireException> refused = new ArrayList<>(1);
        @Nullable
        T found = sessions.objects().<@Nullable T>read(session, objects -> {
            try {
                return read.from(objects);
            } catch (WireException e) {
                refused.add(e);
                return null;
            }
        });
        if (found == null) {
            throw refused.getFirst();
        }
        return found;
    }

    Answer get(Request request, ChannelName channel, @Nullable String objectId) throws WireException {
        Principal principal = request.permitted(gate, CapabilityOp.OBJECT_SUBSCRIBE, channel.full());
        String pathParam = request.param("path");
        ObjectPath path = ObjectPath.parse(pathParam == null ? "" : pathParam);
        String from = objectId == null ? ObjectIds.ROOT : objectId;
        boolean compact = !"false".equals(request.param("compact"));
        List<ObjectTree> found = look(channel.in(principal.app()), objects -> {
            requireLive(objects, from);
            List<ObjectTree> trees = new ArrayList<>();
            for (ObjectValue value : path.resolve(objects, from)) {
                ObjectTree tree = ObjectTree.of(objects, value);
                if (tree != null) {
                    trees.add(tree);
                }
            }
            return trees;
        });
        if (found.isEmpty() && !path.hasStar()) {
            throw nothingAt(path, pathParam);
        }
        BiConsumer<ObjectTree, WireWriter> write = compact ? ObjectTree::writeCompact : ObjectTree::writeFull;
        return Answer.of(200, to -> {
            if (!path.hasStar()) {
                write.accept(found.getFirst(), to);
                return;
            }
            to.beginArray();
            found.forEach(tree -> write.accept(tree, to));
            to.endArray();
        });
    }

    private static void requireLive(ObjectTable objects, String id) throws WireException {
        ObjectState object = objects.object(id);
        if (object instanceof ObjectState.Deleted) {
            throw new WireException(new ErrorInfo(92002, 404, "The object " + id + " was deleted."));
        }
        if (object == null && !id.equals(ObjectIds.ROOT)) {
            throw new WireException(new ErrorInfo(92004, 404, "There is no object " + id + " in this channel."));
        }
    }

    private static WireException nothingAt(ObjectPath path, @Nullable String text) {
        return new WireException(new ErrorInfo(
                92005, 404, path.isEmpty() ? "There are no objects." : "There is nothing at the path " + text + "."));
    }

    Answer publish(Request request, ChannelName channel) throws WireException {
        Principal principal = request.permitted(gate, CapabilityOp.OBJECT_PUBLISH, channel.full());
        List<InboundRestObject> wanted = InboundRestObject.readAll(request.tree());
        String id = ids.newId();
        long now = clock.millis();
        SessionName session = channel.in(principal.app());
        List<InboundObject> operations = look(session, objects -> operations(objects, wanted, id, now));
        var command = commands.changeObjects(
                new ChannelCommands.Request(principal, channel.full(), session, now, null, null, id), operations);
        Refusals.check(Refusals.of(Commands.await(engine.submit(command))));
        Set<String> changed = new LinkedHashSet<>();
        operations.forEach(operation -> changed.add(operation.operation().objectId()));
        String clientsId = wanted.getFirst().id();
        return Answer.of(201, to -> {
            to.beginObject()
                    .field("messageId", clientsId == null ? id : clientsId)
                    .field("channel", channel.full());
            to.name("objectIds").beginArray();
            changed.forEach(to::value);
            to.endArray().endObject();
        });
    }

    private static List<InboundObject> operations(
            ObjectTable objects, List<InboundRestObject> wanted, String requestId, long now) throws WireException {
        List<InboundObject> operations = new ArrayList<>();
        for (InboundRestObject one : wanted) {
            switch (one.verb()) {
                case InboundRestObject.CreateNamed named -> add(operations, one, named.operation());
                case InboundRestObject.Create create -> create(objects, operations, one, create, requestId, now);
                case InboundRestObject.Change change -> {
                    for (String target : targets(objects, one, change.map())) {
                        add(operations, one, change.on().apply(target));
                    }
                }
            }
            if (operations.size() > ObjectPublishing.MAX_OPERATIONS) {
                throw new WireException(ErrorInfo.badRequest(
                        "A request leads to at most " + ObjectPublishing.MAX_OPERATIONS + " changes."));
            }
        }
        return operations;
    }

    private static void add(List<InboundObject> operations, InboundRestObject one, ObjectOperation operation) {
        operations.add(new InboundObject(one.id(), null, null, operation));
    }

    /** Creates an object. With a path, the object is also set as the value of the last key of the path. */
    private static void create(
            ObjectTable objects,
            List<InboundObject> operations,
            InboundRestObject one,
            InboundRestObject.Create create,
            String requestId,
            long now)
            throws WireException {
        if (one.objectId() != null) {
            throw new WireException(ErrorInfo.invalidObjectMessage("A new object has no objectId yet; give a path, "
                    + "or create it with mapCreateWithObjectId or counterCreateWithObjectId."));
        }
        String text = one.path();
        ObjectPath path = ObjectPath.parse(text == null ? "" : text);
        if (path.isEmpty()) {
            add(operations, one, named(one, create, operations.size(), requestId, now));
            return;
        }
        if (path.last().any()) {
            throw notProcessable("A new object needs a key at the end of its path, not a star.");
        }
        for (String parent : ofKind(path.parent().resolve(objects, ObjectIds.ROOT), path.parent(), text, true)) {
            ObjectOperation made = named(one, create, operations.size(), requestId, now);
            add(operations, one, made);
            add(operations, one, new ObjectOperation.MapSet(parent, path.last().key(), new Ref(made.objectId())));
        }
    }

    /**
     * The operation that creates an object. If the request has an id of the client's own, the object gets the same id
     * whenever the request is sent.
     */
    private static ObjectOperation named(
            InboundRestObject one, InboundRestObject.Create create, int number, String requestId, long now) {
        return one.id() == null
                ? create.named(requestId + ":" + number, now)
                : create.named("id:" + one.id() + ":" + number, 0);
    }

    private static List<String> targets(ObjectTable objects, InboundRestObject one, boolean map) throws WireException {
        if (one.objectId() != null) {
            return List.of(one.objectId());
        }
        if (one.path() == null) {
            throw new WireException(
                    new ErrorInfo(92006, 400, "An operation must name its object, by objectId or by path."));
        }
        ObjectPath path = ObjectPath.parse(one.path());
        return ofKind(path.resolve(objects, ObjectIds.ROOT), path, one.path(), map);
    }

    /** The objects of a kind among values. Other values are ignored if there are stars in the path. */
    private static List<String> ofKind(List<ObjectValue> found, ObjectPath path, @Nullable String text, boolean map)
            throws WireException {
        if (found.isEmpty()) {
            throw nothingAt(path, text);
        }
        Set<String> fitting = new LinkedHashSet<>();
        for (ObjectValue value : found) {
            if (value instanceof Ref(String id) && (map ? ObjectIds.isMap(id) : ObjectIds.isCounter(id))) {
                fitting.add(id);
            }
        }
        if (fitting.isEmpty()) {
            throw notProcessable("What is at the path " + text + " is not a " + (map ? "map" : "counter")
                    + " as the operation needs.");
        }
        return List.copyOf(fitting);
    }

    private static WireException notProcessable(String message) {
        return new WireException(new ErrorInfo(92007, 400, message));
    }
}
