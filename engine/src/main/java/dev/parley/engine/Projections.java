package dev.parley.engine;

import dev.parley.engine.delivery.Delivery;
import dev.parley.engine.session.Sessions;
import dev.parley.engine.stream.Streams;
import dev.parley.engine.subscription.Subscriptions;

/** What readers see of the log: durable and applied. The pipeline writes to it, and everybody reads. */
record Projections(Streams streams, Subscriptions subscriptions, Sessions sessions, Delivery delivery) {}
