package dev.parley.server.session;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import dev.parley.engine.Engine;
import dev.parley.engine.session.SessionCommand.ClaimWake;
import dev.parley.engine.session.SessionName;
import dev.parley.engine.session.SessionOutcome.Claimed;
import dev.parley.engine.session.SessionState;
import dev.parley.engine.session.Wake;
import dev.parley.engine.session.wake.Wakes;
import dev.parley.engine.session.wake.Wakes.Claimable;
import dev.parley.server.auth.CapabilityOp;
import dev.parley.server.auth.Principal;
import dev.parley.server.http.Permits;
import dev.parley.server.http.Permits.Permit;
import dev.parley.server.request.Commands;
import dev.parley.server.wire.ErrorInfo;
import dev.parley.server.wire.WireException;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Gives workers what their agents have to do, as soon as there is something. Whoever waits is told by the engine when an agent may
 * have something to do, and looks then: the log decides who gets it.
 */
final class WakeClaims {
    /** The number of requests that wait for something to do. */
    static final int MAX_WAITING = 256;

    /** How long a request waits for something to do. */
    static final long MAX_WAIT_MILLIS = 25_000;

    /** The number of wakes that a request looks at which does not wait, if its sender may not see the sessions of many of them. */
    static final int MAX_LOOKED = 100_000;

    /** The number of wakes that are looked at together. */
    private static final int PART = 256;

    private final Engine engine;
    private final InstantSource clock;
    private final Permits permits = new Permits(MAX_WAITING);

    @GuardedBy("this")
    private final Map<Claimer, Set<Place>> waiting = new HashMap<>();

    @GuardedBy("this")
    private boolean stopped;

    WakeClaims(Engine engine, InstantSource clock) {
        this.engine = engine;
        this.clock = clock;
        engine.sessions().wakes().listen((app, agentId) -> news(new Claimer(app, agentId)));
    }

    /** Who waits for something. */
    private record Claimer(String app, String agentId) {}

    /**
     * Who works.
     *
     * @param agentId the agent that it is
     * @param name how it is shown
     * @param leaseMillis how long it has what it is given
     */
    record Worker(Principal principal, String agentId, String name, long leaseMillis) {}

    /** A request that waits. */
    private final class Place implements AutoCloseable {
        private final Claimer claimer;
        private final Semaphore news = new Semaphore(0);

        Place(Claimer claimer) {
            this.claimer = claimer;
        }

        /** Waits for news, no longer than so many milliseconds. */
        void await(long millis) throws InterruptedException {
            if (news.tryAcquire(millis, TimeUnit.MILLISECONDS)) {
                // All that came before this look is seen by the next.
                news.drainPermits();
            }
        }

        @Override
        public void close() {
            leave(this);
        }
    }

    private synchronized Place enter(Claimer claimer) {
        Place place = new Place(claimer);
        waiting.computeIfAbsent(claimer, key -> new HashSet<>()).add(place);
        return place;
    }

    private synchronized void leave(Place place) {
        waiting.computeIfPresent(place.claimer, (claimer, places) -> {
            places.remove(place);
            return places.isEmpty() ? null : places;
        });
    }

    private synchronized void news(Claimer claimer) {
        waiting.getOrDefault(claimer, Set.of()).forEach(place -> place.news.release());
    }

    /** Nobody waits any longer. */
    synchronized void stop() {
        stopped = true;
        waiting.values().forEach(places -> places.forEach(place -> place.news.release()));
    }

    private synchronized boolean isStopped() {
        return stopped;
    }

    /**
     * Gives a worker what there is to do; null if there is nothing in the time that it waits.
     *
     * @param session where; null for all sessions in which the worker may work
     */
    @Nullable
    Wake claim(Worker worker, @Nullable SessionName session, long waitMillis) throws WireException {
        try (Permit permit = permits.take()) {
            if (permit == null) {
                throw new WireException(ErrorInfo.TOO_MANY_REQUESTS);
            }
            // Before the first look, so that no news are missed.
            try (Place place = enter(new Claimer(worker.principal().app(), worker.agentId()))) {
                return await(worker, session, waitMillis, place);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return null;
            }
        }
    }

    private @Nullable Wake await(Worker worker, @Nullable SessionName session, long waitMillis, Place place)
            throws WireException, InterruptedException {
        long deadline = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(waitMillis);
        Wakes.Place after = Wakes.Place.FIRST;
        int looked = 0;
        while (true) {
            long now = clock.millis();
            long nextDue = Long.MAX_VALUE;
            List<Claimable> part = part(worker, session, after);
            for (Claimable each : part) {
                if (each.place().dueAt() > now) {
                    nextDue = each.place().dueAt();
                    break;
                }
                Wake wake = claimIn(worker, each.session(), now);
                if (wake != null) {
                    return wake;
                }
            }
            looked += part.size();
            boolean all = nextDue < Long.MAX_VALUE || part.size() < PART;
            after = all ? Wakes.Place.FIRST : part.getLast().place();
            long left = TimeUnit.NANOSECONDS.toMillis(deadline - System.nanoTime());
            if (isStopped() || (left <= 0 && (all || looked >= MAX_LOOKED))) {
                return null;
            }
            if (all) {
                place.await(Math.min(left, nextDue - now));
            }
        }
    }

    /** What may be claimed, by when it is due. */
    private List<Claimable> part(Worker worker, @Nullable SessionName session, Wakes.Place after) {
        Wakes wakes = engine.sessions().wakes();
        if (session == null) {
            return wakes.claimable(worker.principal().app(), worker.agentId(), after, PART);
        }
        SessionState state = engine.sessions().find(session);
        Wake wake = state == null ? null : wakes.of(state, worker.agentId());
        return state == null || wake == null || wake.isHeld()
                ? List.of()
                : List.of(new Claimable(session, new Wakes.Place(wake.order().dueAt(), state.id())));
    }

    /** Claims what is due in a session, if the worker may work there. */
    private @Nullable Wake claimIn(Worker worker, SessionName session, long now) throws WireException {
        if (!worker.principal().may(CapabilityOp.AGENT_WORK, session.name())) {
            return null;
        }
        var command = new ClaimWake(session, now, worker.agentId(), worker.name(), now + worker.leaseMillis());
        return Commands.await(engine.submit(command)) instanceof Claimed(Wake wake) ? wake : null;
    }
}
