package dev.parley.engine.stream;

/**
 * A note that a fork is gone and no longer needs its source's data. It stays in the store until the source has
 * processed it.
 *
 * @param note journal position of the command that ended the fork; identifies the note
 */
public record ForkRelease(long note, String forkPath, String sourcePath, long sourceId, String pinId) {}
