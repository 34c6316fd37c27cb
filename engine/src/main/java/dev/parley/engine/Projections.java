package dev.parley.engine;

import dev.parley.engine.delivery.Delivery;
import dev.parley.engine.registry.Registry;
import dev.parley.engine.session.machine.Sessions;
import dev.parley.engine.stream.Streams;
import dev.parley.engine.subscription.Subscriptions;

/**
 * The state that readers see. It is derived from durable and applied commands. Only the pipeline writes to it;
 * everybody may read it.
 */
record Projections(
        Streams streams, Subscriptions subscriptions, Sessions sessions, Registry registry, Delivery delivery) {}
