package dev.parley.engine.session.codec;

import dev.parley.engine.codec.BinaryReader;
import dev.parley.engine.codec.BinaryWriter;
import dev.parley.engine.codec.MalformedBinaryException;
import dev.parley.engine.session.Body;
import dev.parley.engine.session.RunNote.Said;
import dev.parley.engine.session.RunTexts;
import dev.parley.engine.session.SessionRequest.Decision;
import dev.parley.engine.session.SessionRequest.DueAnswer;
import dev.parley.engine.session.SessionRequest.Kind;
import dev.parley.engine.session.SessionRequest.Status;
import dev.parley.engine.session.SessionRequest.Terms;
import dev.parley.engine.session.SessionRequest.Verdict;
import dev.parley.engine.session.SessionRequest.WhenDue;
import java.util.ArrayList;
import java.util.List;

/** The binary form of what people are asked and decide, in commands and rows. */
public final class RequestCodec {
    /** What else there may be of what is asked, in one number. */
    private static final int NOTICE = 1;

    private static final int DUE_ANSWER = 2;
    private static final int GRANTS = 4;

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
        DueAnswer dueAnswer = terms.dueAnswer();
        out.u8((notice == null ? 0 : NOTICE)
                | (dueAnswer == null ? 0 : DUE_ANSWER)
                | (terms.grants().isEmpty() ? 0 : GRANTS));
        if (notice != null) {
            RunNoteCodec.notice(out, notice);
        }
        if (dueAnswer != null) {
            ValueCodec.body(out, dueAnswer.body());
            RunNoteCodec.note(out, dueAnswer.said());
        }
        if (!terms.grants().isEmpty()) {
            strings(out, terms.grants());
        }
        return out;
    }

    /** Reads what is asked. */
    public static Terms terms(BinaryReader in) {
        Kind kind = kind(in);
        String title = in.string();
        String by = in.optional();
        String runId = in.optional();
        String messageId = in.optional();
        String toolCallId = in.optional();
        String arguments = in.optional();
        List<String> clientIds = strings(in);
        int quorum = in.count();
        long due = in.varint();
        WhenDue whenDue = switch (in.u8()) {
            case 0 -> WhenDue.EXPIRE;
            case 1 -> WhenDue.APPROVE;
            case 2 -> WhenDue.DENY;
            default -> throw new MalformedBinaryException("an unknown end of a request", null);
        };
        int more = in.u8();
        if ((more & ~(NOTICE | DUE_ANSWER | GRANTS)) != 0) {
            throw new MalformedBinaryException("unknown terms of a request", null);
        }
        return new Terms(
                kind,
                title,
                by,
                runId,
                messageId,
                toolCallId,
                arguments,
                clientIds,
                quorum,
                due,
                whenDue,
                (more & NOTICE) == 0 ? null : RunNoteCodec.notice(in),
                (more & DUE_ANSWER) == 0 ? null : dueAnswer(in),
                (more & GRANTS) == 0 ? List.of() : strings(in));
    }

    private static DueAnswer dueAnswer(BinaryReader in) {
        Body body = ValueCodec.body(in);
        if (RunNoteCodec.note(in) instanceof Said said) {
            return new DueAnswer(body, said);
        }
        throw new MalformedBinaryException("an answer that nobody says", null);
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
