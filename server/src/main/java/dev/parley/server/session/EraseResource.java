package dev.parley.server.session;

import dev.parley.engine.Engine;
import dev.parley.engine.session.SessionCommand.Erase;
import dev.parley.engine.session.SessionOutcome.Erased;
import dev.parley.engine.session.SessionOutcome.NoSuchSession;
import dev.parley.engine.session.Tombstone;
import dev.parley.server.auth.CapabilityOp;
import dev.parley.server.auth.Gate;
import dev.parley.server.auth.Principal;
import dev.parley.server.channel.ChannelName;
import dev.parley.server.request.Answer;
import dev.parley.server.request.Commands;
import dev.parley.server.request.Request;
import dev.parley.server.timeline.Timelines;
import dev.parley.server.wire.Fields;
import dev.parley.server.wire.WireException;
import dev.parley.server.wire.WireWriter;
import java.time.InstantSource;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Erases sessions, and lists those that were erased. */
record EraseResource(Engine engine, Gate gate, InstantSource clock, Timelines timelines) {
    /** Erases a session with all that was ever said in it. If it was erased before, nothing happens. */
    Answer erase(Request request, ChannelName session) throws WireException {
        Principal principal = request.permitted(gate, CapabilityOp.SESSION_ERASE, session.full());
        String own = request.body().length == 0 ? null : InputsResource.id(Fields.of(request.tree(), "body"), "txid");
        String txid = own == null ? InputsResource.checked("txid", request.param("txid")) : own;
        String by = MakeResource.by(request, gate, principal);
        return switch (Commands.await(
                engine.submit(new Erase(session.in(principal.app()), clock.millis(), by, txid)))) {
            case Erased done -> {
                timelines.forget(session.in(principal.app()));
                yield Answer.noContent();
            }
            case NoSuchSession none -> throw new WireException(SessionsResource.noSuchSession());
        };
    }

    /** A page of what remains of erased sessions. */
    Answer list(Request request) throws WireException {
        String app = request.permitted(gate, CapabilityOp.CHANNEL_METADATA, "*").app();
        int limit = request.limit();
        String prefix = request.param("prefix");
        String after = request.param("cursor");
        List<Tombstone> found =
                engine.sessions().erasures().list(app, prefix == null ? "" : prefix, after == null ? "" : after, limit);
        @Nullable String next = found.size() == limit ? found.getLast().name().name() : null;
        return Answer.of(200, to -> {
            to.beginObject().name("sessions").beginArray();
            found.forEach(tombstone -> write(to, tombstone));
            to.endArray().field("next", next).endObject();
        });
    }

    private static void write(WireWriter to, Tombstone tombstone) {
        to.beginObject()
                .field("sessionId", tombstone.name().name())
                .field("erasedAt", tombstone.erased())
                .field("erasedBy", tombstone.by());
        if (tombstone.purged() != 0) {
            to.field("purgedAt", tombstone.purged());
        }
        to.endObject();
    }
}
