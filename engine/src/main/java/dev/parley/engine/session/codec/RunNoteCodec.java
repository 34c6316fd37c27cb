package dev.parley.engine.session.codec;

import dev.parley.engine.codec.BinaryReader;
import dev.parley.engine.codec.BinaryWriter;
import dev.parley.engine.codec.MalformedBinaryException;
import dev.parley.engine.session.Body;
import dev.parley.engine.session.RunNote;
import dev.parley.engine.session.RunNote.Active;
import dev.parley.engine.session.RunNote.Asked;
import dev.parley.engine.session.RunNote.Called;
import dev.parley.engine.session.RunNote.Cancel;
import dev.parley.engine.session.RunNote.Decided;
import dev.parley.engine.session.RunNote.Described;
import dev.parley.engine.session.RunNote.Ended;
import dev.parley.engine.session.RunNote.Said;
import dev.parley.engine.session.RunNote.Settled;
import dev.parley.engine.session.RunNote.Spoken;
import dev.parley.engine.session.RunNote.Streaming;
import dev.parley.engine.session.RunNote.Suspended;
import dev.parley.engine.session.RunTexts;
import java.util.ArrayList;
import java.util.List;

/** The binary form of notes about runs, in commands and rows. */
public final class RunNoteCodec {
    private static final int ACTIVE = 1;
    private static final int SUSPENDED = 2;
    private static final int ENDED = 3;
    private static final int WANTED_OVER = 4;
    private static final int DESCRIBED = 5;
    private static final int STREAMING = 6;
    private static final int SETTLED = 7;
    private static final int DESCRIBED_WITH_TAKEOVER = 8;
    private static final int SPOKEN = 9;
    private static final int CALLED = 10;
    private static final int ASKED = 11;
    private static final int DECIDED = 12;
    private static final int DESCRIBED_WITH_STALL = 13;
    private static final int DECIDED_WITH_GRANTS = 14;
    private static final int ACTIVE_FOR = 15;
    private static final int ENDED_BECAUSE = 16;
    private static final int SAID = 20;

    private RunNoteCodec() {}

    /** Writes notes. */
    public static void notes(BinaryWriter out, List<RunNote> notes) {
        out.varint(notes.size());
        notes.forEach(note -> note(out, note));
    }

    /** Reads notes. */
    public static List<RunNote> notes(BinaryReader in) {
        int count = in.count();
        List<RunNote> notes = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            notes.add(note(in));
        }
        return List.copyOf(notes);
    }

    /** Writes a note. */
    public static BinaryWriter note(BinaryWriter out, RunNote note) {
        return switch (note) {
            case Active n -> {
                out.u8(n.startedBy() == null ? ACTIVE : ACTIVE_FOR)
                        .string(n.runId())
                        .optional(n.inputId())
                        .bool(n.opens());
                yield n.startedBy() == null ? out : out.string(n.startedBy());
            }
            case Suspended n -> out.u8(SUSPENDED).string(n.runId());
            case Described n -> {
                RunTexts texts = n.texts();
                int kind = texts.stalled() != null
                        ? DESCRIBED_WITH_STALL
                        : texts.takenOver() == null ? DESCRIBED : DESCRIBED_WITH_TAKEOVER;
                yield texts(out.u8(kind).string(n.runId()), texts);
            }
            case Streaming n ->
                out.u8(STREAMING)
                        .varint(n.message())
                        .fixed64(n.serial())
                        .string(n.runId())
                        .string(n.closed());
            case Settled n -> out.u8(SETTLED).fixed64(n.serial());
            case Spoken n -> out.u8(SPOKEN).varint(n.message()).string(n.clientId());
            case Said n -> {
                out.u8(SAID)
                        .varint(n.message())
                        .string(n.eventId())
                        .optional(n.runId())
                        .bool(n.steers());
                yield ValueCodec.texts(out, n.mentions());
            }
            case Called n ->
                out.u8(CALLED)
                        .varint(n.message())
                        .string(n.runId())
                        .string(n.toolCallId())
                        .string(n.tool());
            case Asked n ->
                out.u8(ASKED)
                        .varint(n.message())
                        .string(n.requestId())
                        .string(n.runId())
                        .optional(n.messageId())
                        .string(n.toolCallId());
            case Decided n -> {
                out.u8(n.grants().isEmpty() ? DECIDED : DECIDED_WITH_GRANTS)
                        .varint(n.message())
                        .string(n.runId())
                        .string(n.toolCallId())
                        .bool(n.approved())
                        .string(n.key())
                        .optional(n.comment());
                yield n.grants().isEmpty() ? out : ValueCodec.texts(out, n.grants());
            }
            case Ended n ->
                n.reason() == null
                        ? out.u8(ENDED).string(n.runId())
                        : out.u8(ENDED_BECAUSE).string(n.runId()).string(n.reason());
            case Cancel n ->
                out.u8(WANTED_OVER).varint(n.message()).optional(n.runId()).optional(n.inputId());
        };
    }

    /** Reads a note. */
    public static RunNote note(BinaryReader in) {
        return switch (in.u8()) {
            case ACTIVE -> new Active(in.string(), in.optional(), in.bool());
            case ACTIVE_FOR -> new Active(in.string(), in.optional(), in.bool(), in.string());
            case SUSPENDED -> new Suspended(in.string());
            case DESCRIBED -> new Described(in.string(), texts(in, false));
            case DESCRIBED_WITH_TAKEOVER -> new Described(in.string(), texts(in, true));
            case DESCRIBED_WITH_STALL -> new Described(in.string(), texts(in));
            case SPOKEN -> new Spoken(in.count(), in.string());
            case SAID -> new Said(in.count(), in.string(), in.optional(), in.bool(), ValueCodec.texts(in));
            case STREAMING -> new Streaming(in.count(), in.fixed64(), in.string(), in.string());
            case SETTLED -> new Settled(in.fixed64());
            case CALLED -> new Called(in.count(), in.string(), in.string(), in.string());
            case ASKED -> new Asked(in.count(), in.string(), in.string(), in.optional(), in.string());
            case DECIDED ->
                new Decided(in.count(), in.string(), in.string(), in.bool(), in.string(), in.optional(), List.of());
            case DECIDED_WITH_GRANTS ->
                new Decided(
                        in.count(),
                        in.string(),
                        in.string(),
                        in.bool(),
                        in.string(),
                        in.optional(),
                        ValueCodec.texts(in));
            case ENDED -> new Ended(in.string());
            case ENDED_BECAUSE -> new Ended(in.string(), in.string());
            case WANTED_OVER -> new Cancel(in.count(), in.optional(), in.optional());
            default -> throw new MalformedBinaryException("an unknown kind of note about a run", null);
        };
    }

    /** Writes what is said of a run. */
    public static BinaryWriter texts(BinaryWriter out, RunTexts texts) {
        ValueCodec.body(out, texts.end());
        notice(notice(out, texts.away()), texts.back());
        Body takenOver = texts.takenOver();
        RunTexts.Notice stalled = texts.stalled();
        if (stalled != null) {
            out.bool(takenOver != null);
        }
        if (takenOver != null) {
            ValueCodec.body(out, takenOver);
        }
        return stalled == null ? out : notice(out, stalled);
    }

    /** Reads what is said of a run, also if its agent is stalled. */
    public static RunTexts texts(BinaryReader in) {
        return new RunTexts(
                ValueCodec.body(in), notice(in), notice(in), in.bool() ? ValueCodec.body(in) : null, notice(in));
    }

    /**
     * Reads what is said of a run, if nothing is said of an agent that is stalled.
     *
     * @param withTakeover whether something is said if a person takes over
     */
    public static RunTexts texts(BinaryReader in, boolean withTakeover) {
        return new RunTexts(ValueCodec.body(in), notice(in), notice(in), withTakeover ? ValueCodec.body(in) : null);
    }

    /** Writes a message in pieces. */
    public static BinaryWriter notice(BinaryWriter out, RunTexts.Notice notice) {
        return out.string(notice.name())
                .string(notice.start())
                .string(notice.middle())
                .string(notice.rest())
                .optional(notice.encoding());
    }

    /** Reads a message in pieces. */
    public static RunTexts.Notice notice(BinaryReader in) {
        return new RunTexts.Notice(in.string(), in.string(), in.string(), in.string(), in.optional());
    }
}
