package dev.parley.engine.stream;

import dev.parley.engine.stream.StreamCommand.Pinned;

/** The outcome of a command for a stream. */
public sealed interface StreamOutcome {
    /** There is no such stream, or its lifetime is over. */
    record NotFound() implements OfAppend, OfDelete, OfTouch, OfPin {}

    /** The stream was deleted but lives on for its forks (soft delete, 4.2). */
    record Gone() implements OfCreate, OfAppend, OfDelete, OfTouch, OfPin {}

    /** Nothing to report. */
    record Done() implements OfDelete, OfTouch {}

    /** The outcome of a create. */
    sealed interface OfCreate extends StreamOutcome {}

    /** The stream is new. */
    record Created(StreamState state) implements OfCreate {}

    /** The stream exists with the same configuration. */
    record Existed(StreamState state) implements OfCreate {}

    /** The path is taken by a stream with another configuration; {@code what} differs. */
    record ConfigDiffers(String what) implements OfCreate {}

    /** The stream does not exist, and the command brought no grant of its source yet. */
    record PinNeeded() implements OfCreate {}

    /** The source of a fork refused. */
    record ForkRefused(OfPin reason) implements OfCreate {}

    /** The content type given for a fork is not its source's. */
    record ForkTypeDiffers(String expected) implements OfCreate {}

    /** The outcome of an append. */
    sealed interface OfAppend extends StreamOutcome {}

    /** Appended or closed, in the stream with this id. For producers the highest accepted sequence number, else -1. */
    record Appended(long streamId, long tail, boolean closed, long epoch, long seq) implements OfAppend {}

    /** The append is a producer's retry of an earlier append. */
    record Duplicate(long streamId, long tail, boolean closed, long epoch, long seq) implements OfAppend {}

    /** The stream is closed. */
    record Closed(long streamId, long tail) implements OfAppend {}

    /** The payload is not of the stream's type. */
    record TypeDiffers(String expected) implements OfAppend {}

    /** {@code Stream-Seq} is not greater than the last one. */
    record SeqRegressed(long streamId, long tail, String last) implements OfAppend {}

    /** The tail is not where the writer believed it to be. */
    record TailDiffers(long streamId, long tail) implements OfAppend {}

    /** The place in the command belongs to an earlier stream at this path. */
    record EarlierPlace() implements OfAppend, OfPin {}

    /** The place in the command was never given out for this stream. */
    record UnknownPlace() implements OfAppend, OfPin {}

    /** A producer with a newer epoch has taken over. */
    record StaleEpoch(long current) implements OfAppend {}

    /** Appends before this one are missing. */
    record SeqGap(long expected, long received) implements OfAppend {}

    /** A new epoch must begin with sequence number 0. */
    record EpochNotFromZero() implements OfAppend {}

    /** The outcome of a delete. */
    sealed interface OfDelete extends StreamOutcome {}

    /** The outcome of a touch and of the engine's own periodic commands. */
    sealed interface OfTouch extends StreamOutcome {}

    /** The outcome of a pin. */
    sealed interface OfPin extends StreamOutcome {}

    /** Granted. */
    record PinGranted(Pinned pin) implements OfPin {}

    /** The wanted position is after the source's tail. */
    record BeyondTail(long tail) implements OfPin {}

    /** The sub-offset reaches past the append that starts at the wanted position. */
    record BeyondEntry() implements OfPin {}

    /** The wanted position is in inherited data, and the command does not say where the entry ends. */
    record EntryNeeded() implements OfPin {}

    /** The source has the greatest number of forks. */
    record TooManyForks(int limit) implements OfPin {}
}
