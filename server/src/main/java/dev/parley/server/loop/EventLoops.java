package dev.parley.server.loop;

import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import java.util.function.Function;

/** The event loops of the server. Each is added when it is used for the first time. Thread-safe. */
public final class EventLoops {
    private final StoreReads reads;
    private final ConcurrentHashMap<Thread, EventLoop> loops = new ConcurrentHashMap<>();

    /** Loops that read the store on the threads of {@code reads}. */
    public EventLoops(StoreReads reads) {
        this.reads = reads;
    }

    private EventLoop here() {
        return loops.computeIfAbsent(Thread.currentThread(), thread -> new EventLoop(Vertx.currentContext(), reads));
    }

    /** An object for each loop, which {@code make} creates when it is needed there for the first time. */
    public <S> Local<S> local(Function<EventLoop, S> make) {
        return new Local<>(make);
    }

    /**
     * The objects of a door, one for each event loop.
     *
     * @param <S> the object, which is used on its loop only
     */
    public final class Local<S> {
        private final Function<EventLoop, S> make;
        private final ConcurrentHashMap<EventLoop, S> states = new ConcurrentHashMap<>();

        private Local(Function<EventLoop, S> make) {
            this.make = make;
        }

        /** The object of the loop on which this is called. */
        public S here() {
            return states.computeIfAbsent(EventLoops.this.here(), make);
        }

        /**
         * Passes all objects to {@code action}, each on its own loop. Completes when the action has run for all of
         * them.
         */
        public Future<Void> forEach(Consumer<S> action) {
            List<Future<?>> all = new ArrayList<>();
            states.forEach((loop, state) -> {
                Promise<Void> done = Promise.promise();
                loop.post(() -> {
                    try {
                        action.accept(state);
                        done.complete();
                    } catch (RuntimeException | Error e) {
                        done.fail(e);
                    }
                });
                all.add(done.future());
            });
            return Future.all(all).mapEmpty();
        }
    }
}
