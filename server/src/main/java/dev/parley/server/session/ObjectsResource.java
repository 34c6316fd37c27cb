package dev.parley.server.session;

import dev.parley.engine.session.ObjectValue.Ref;
import dev.parley.engine.session.SessionState;
import dev.parley.engine.session.machine.Sessions;
import dev.parley.engine.session.object.ObjectIds;
import dev.parley.engine.session.object.ObjectTable;
import dev.parley.server.auth.CapabilityOp;
import dev.parley.server.auth.Gate;
import dev.parley.server.auth.Principal;
import dev.parley.server.channel.ChannelName;
import dev.parley.server.request.Answer;
import dev.parley.server.request.Request;
import dev.parley.server.wire.ObjectTree;
import dev.parley.server.wire.WireException;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/** The shared objects of a session, as they are now. */
record ObjectsResource(Sessions sessions, Gate gate) {
    Answer get(Request request, ChannelName session) throws WireException {
        Principal principal = request.permitted(gate, CapabilityOp.OBJECT_SUBSCRIBE, session.full());
        SessionState state = sessions.find(session.in(principal.app()));
        AtomicReference<@Nullable WireException> refused = new AtomicReference<>();
        Optional<ObjectTree> tree = state == null
                ? root(ObjectTable.EMPTY)
                : sessions.objects().read(state, objects -> {
                    try {
                        return root(objects);
                    } catch (WireException e) {
                        refused.set(e);
                        return Optional.empty();
                    }
                });
        WireException refusal = refused.get();
        if (refusal != null) {
            throw refusal;
        }
        return Answer.of(200, to -> {
            to.beginObject().name("objects");
            tree.ifPresentOrElse(
                    root -> root.writeCompact(to), () -> to.beginObject().endObject());
            to.endObject();
        });
    }

    private static Optional<ObjectTree> root(ObjectTable objects) throws WireException {
        return Optional.ofNullable(ObjectTree.of(objects, new Ref(ObjectIds.ROOT)));
    }
}
