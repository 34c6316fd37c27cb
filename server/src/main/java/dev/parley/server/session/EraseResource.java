package dev.parley.server.session;

import dev.parley.engine.Engine;
import dev.parley.engine.session.Attribute.ForkOf;
import dev.parley.engine.session.SessionCommand.Erase;
import dev.parley.engine.session.SessionName;
import dev.parley.engine.session.SessionOutcome.Erased;
import dev.parley.engine.session.SessionOutcome.NoSuchSession;
import dev.parley.engine.session.SessionState;
import dev.parley.engine.session.Tombstone;
import dev.parley.server.auth.CapabilityOp;
import dev.parley.server.auth.Gate;
import dev.parley.server.auth.Principal;
import dev.parley.server.channel.ChannelName;
import dev.parley.server.channel.Refusals;
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
    /** The number of forks that are looked for together. */
    private static final int STEP = 500;

    /**
     * Erases a session with all that was ever said in it, and with {@code forks} those that go on from it. If it was erased
     * before, only its forks are. A request that has failed in between may be repeated.
     */
    Answer erase(Request request, ChannelName session) throws WireException {
        Principal principal = request.permitted(gate, CapabilityOp.SESSION_ERASE, session.full());
        Fields body = request.body().length == 0 ? null : Fields.of(request.tree(), "body");
        String own = body == null ? null : InputsResource.id(body, "txid");
        boolean withForks = request.truth("forks") || (body != null && body.isTrue("forks"));
        String txid = own == null ? InputsResource.checked("txid", request.param("txid")) : own;
        String by = MakeResource.by(request, gate, principal);
        SessionName name = session.in(principal.app());
        if (withForks) {
            // Before anything is erased.
            permitForks(principal, name);
        }
        return switch (Commands.await(engine.submit(new Erase(name, clock.millis(), by, txid)))) {
            case Erased(Tombstone tombstone) -> {
                timelines.forget(name);
                if (withForks) {
                    eraseForks(principal, tombstone, by);
                }
                yield Answer.noContent();
            }
            case NoSuchSession none -> throw new WireException(SessionsResource.noSuchSession());
        };
    }

    private void permitForks(Principal principal, SessionName name) throws WireException {
        SessionState state = engine.sessions().find(name);
        Tombstone tombstone = state == null ? engine.sessions().erasures().of(name) : null;
        long id = state != null ? state.id() : tombstone != null ? tombstone.id() : 0;
        String after = "";
        List<String> forks;
        do {
            forks = forks(name.app(), id, after);
            for (String fork : forks) {
                permit(principal, fork);
                after = fork;
            }
        } while (forks.size() == STEP);
    }

    /** One that was made since is found as well: whoever makes it looks for its source before it gets anything. */
    private void eraseForks(Principal principal, Tombstone source, String by) throws WireException {
        String app = source.name().app();
        for (List<String> forks = forks(app, source.id(), ""); !forks.isEmpty(); forks = forks(app, source.id(), "")) {
            for (String fork : forks) {
                permit(principal, fork);
                SessionName name = new SessionName(app, fork);
                Commands.await(engine.submit(new Erase(name, clock.millis(), by, null)));
                timelines.forget(name);
            }
        }
    }

    /** Sessions that go on from the one with this id, directly or indirectly. */
    private List<String> forks(String app, long id, String after) {
        return engine.sessions().index().names(app, new ForkOf(id), "", after, STEP);
    }

    private void permit(Principal principal, String session) throws WireException {
        var _ = Refusals.granted(gate.permit(principal, CapabilityOp.SESSION_ERASE, session));
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
