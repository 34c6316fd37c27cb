package dev.parley.client;

import org.jspecify.annotations.Nullable;

/**
 * The server no longer has everything after the client's position, so the session did not continue without a seam. The
 * messages that were created meanwhile follow, as the history has them now. Changes of older messages and events of other
 * kinds may be missing: who keeps a state of their own should build it again from {@link Session#history()}.
 *
 * @param from the position up to which everything was delivered
 * @param to the new attach point, from which on nothing is missing again
 * @param reason what the server says about it; null if it says nothing
 */
public record Gap(String from, String to, @Nullable ParleyException reason) implements SessionEvent {}
