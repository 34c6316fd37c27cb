package dev.parley.engine.session.codec;

import dev.parley.engine.codec.BinaryReader;
import dev.parley.engine.codec.BinaryWriter;
import dev.parley.engine.codec.MalformedBinaryException;
import dev.parley.engine.session.RunTexts;
import dev.parley.engine.session.SessionRequest.Decision;
import dev.parley.engine.session.SessionRequest.Kind;
import dev.parley.engine.session.SessionRequest.Status;
import dev.parley.engine.session.SessionRequest.Terms;
import dev.parley.engine.session.SessionRequest.Verdict;
import dev.parley.engine.session.SessionRequest.WhenDue;
import java.util.ArrayList;
import java.util.List;

/** The binary form of what people are asked and decide, in commands and rows. */
public final class RequestCodec {
    private RequestCodec() {}

    /** Writes what is asked. */
    public static BinaryWriter terms(BinaryWriter out, Terms terms) {
        kind(out, terms.kind());
        out.string(terms.title()).optional(terms.by()).optional(terms.runId()).optional(terms.messageId());
        out.optional(terms.toolCallId()).optional(terms.arguments());
        strings(out, terms.clientIds());
        out.varint(terms.quorum()).varint(terms.due());
        out.u8(
                switch (terms.whenDue()) {
                    case EXPIRE -> 0;
                    case APPROVE -> 1;
                    case DENY -> 2;
                });
        RunTexts.Notice notice = terms.notice();
        out.bool(notice != null);
        return notice == null ? out : RunNoteCodec.notice(out, notice);
    }

    /** Reads what is asked. */
    public static Terms terms(BinaryReader in) {
        return new Terms(
                kind(in),
                in.string(),
                in.optional(),
                in.optional(),
                in.optional(),
                in.optional(),
                in.optional(),
                strings(in),
                in.count(),
                in.varint(),
                switch (in.u8()) {
                    case 0 -> WhenDue.EXPIRE;
                    case 1 -> WhenDue.APPROVE;
                    case 2 -> WhenDue.DENY;
                    default -> throw new MalformedBinaryException("an unknown end of a request", null);
                },
                in.bool() ? RunNoteCodec.notice(in) : null);
    }

    /** Writes a decision. */
    public static BinaryWriter decision(BinaryWriter out, Decision decision) {
        out.string(decision.id())
                .u8(
                        switch (decision.verdict()) {
                            case APPROVE -> 0;
                            case DENY -> 1;
                            case ANSWER -> 2;
                        });
        out.optional(decision.clientId()).string(decision.key()).varint(decision.time());
        return out.optional(decision.connectionId())
                .optional(decision.device())
                .optional(decision.comment())
                .optional(decision.edited());
    }

    /** Reads a decision. */
    public static Decision decision(BinaryReader in) {
        return new Decision(
                in.string(),
                switch (in.u8()) {
                    case 0 -> Verdict.APPROVE;
                    case 1 -> Verdict.DENY;
                    case 2 -> Verdict.ANSWER;
                    default -> throw new MalformedBinaryException("an unknown verdict", null);
                },
                in.optional(),
                in.string(),
                in.varint(),
                in.optional(),
                in.optional(),
                in.optional(),
                in.optional());
    }

    /** Writes the kind of a request. */
    public static void kind(BinaryWriter out, Kind kind) {
        out.u8(
                switch (kind) {
                    case APPROVAL -> 0;
                    case QUESTION -> 1;
                    case ESCALATION -> 2;
                });
    }

    /** Reads the kind of a request. */
    public static Kind kind(BinaryReader in) {
        return switch (in.u8()) {
            case 0 -> Kind.APPROVAL;
            case 1 -> Kind.QUESTION;
            case 2 -> Kind.ESCALATION;
            default -> throw new MalformedBinaryException("an unknown kind of request", null);
        };
    }

    /** Writes what has become of a request. */
    public static void status(BinaryWriter out, Status status) {
        out.u8(
                switch (status) {
                    case OPEN -> 0;
                    case APPROVED -> 1;
                    case DENIED -> 2;
                    case ANSWERED -> 3;
                    case EXPIRED -> 4;
                    case WITHDRAWN -> 5;
                });
    }

    /** Reads what has become of a request. */
    public static Status status(BinaryReader in) {
        return switch (in.u8()) {
            case 0 -> Status.OPEN;
            case 1 -> Status.APPROVED;
            case 2 -> Status.DENIED;
            case 3 -> Status.ANSWERED;
            case 4 -> Status.EXPIRED;
            case 5 -> Status.WITHDRAWN;
            default -> throw new MalformedBinaryException("an unknown status of a request", null);
        };
    }

    /** Writes texts. */
    public static void strings(BinaryWriter out, List<String> texts) {
        out.varint(texts.size());
        texts.forEach(out::string);
    }

    /** Reads texts. */
    public static List<String> strings(BinaryReader in) {
        int count = in.count();
        List<String> texts = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            texts.add(in.string());
        }
        return List.copyOf(texts);
    }
}
