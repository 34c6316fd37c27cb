package dev.parley.engine.session.message;

import dev.parley.engine.session.Summaries;
import dev.parley.engine.store.View;

/** Makes the summaries of messages. */
@FunctionalInterface
public interface Summarizer {
    /** The summaries of a message, as {@code view} shows them. */
    Summaries summaries(View view, long session, long serial);
}
