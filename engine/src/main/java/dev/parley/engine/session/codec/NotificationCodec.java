package dev.parley.engine.session.codec;

import dev.parley.engine.codec.BinaryReader;
import dev.parley.engine.codec.BinaryWriter;
import dev.parley.engine.codec.MalformedBinaryException;
import dev.parley.engine.session.Notification;
import dev.parley.engine.session.Notification.About;
import dev.parley.engine.session.Notification.Event;
import dev.parley.engine.session.Notification.MessageUnseen;
import dev.parley.engine.session.Notification.RequestOpened;
import dev.parley.engine.session.Notification.RunFinished;
import dev.parley.engine.session.NotifyRule;
import dev.parley.engine.session.SessionCommand.NotificationFate;
import java.util.ArrayList;
import java.util.List;

/** The binary form of what applications are to be told, and of what they want to be told, in commands and rows. */
public final class NotificationCodec {
    private static final int REQUEST_OPENED = 1;
    private static final int RUN_FINISHED = 2;
    private static final int MESSAGE_UNSEEN = 3;

    private NotificationCodec() {}

    /** Writes what an application wants to be told. */
    public static BinaryWriter rule(BinaryWriter out, NotifyRule rule) {
        out.varint(rule.events().size());
        rule.events().forEach(event -> out.u8(event(event)));
        return RunNoteCodec.notice(ValueCodec.texts(out, rule.aside()), rule.gaveUp());
    }

    /** Reads what an application wants to be told. */
    public static NotifyRule rule(BinaryReader in) {
        List<Event> events = new ArrayList<>();
        for (int left = in.count(); left > 0; left--) {
            events.add(event(in.u8()));
        }
        return new NotifyRule(List.copyOf(events), ValueCodec.texts(in), RunNoteCodec.notice(in));
    }

    private static int event(Event event) {
        return switch (event) {
            case REQUEST_OPENED -> REQUEST_OPENED;
            case RUN_FINISHED -> RUN_FINISHED;
            case MESSAGE_UNSEEN -> MESSAGE_UNSEEN;
        };
    }

    private static Event event(int code) {
        return switch (code) {
            case REQUEST_OPENED -> Event.REQUEST_OPENED;
            case RUN_FINISHED -> Event.RUN_FINISHED;
            case MESSAGE_UNSEEN -> Event.MESSAGE_UNSEEN;
            default -> throw new MalformedBinaryException("an unknown event", null);
        };
    }

    /** Writes a notification. */
    public static BinaryWriter notification(BinaryWriter out, Notification notification) {
        ValueCodec.name(out, notification.session());
        about(out.string(notification.id()), notification.about());
        ValueCodec.texts(ValueCodec.texts(out, notification.clientIds()), notification.grants());
        return out.varint(notification.createdAt())
                .varint(notification.attempts())
                .varint(notification.dueAt());
    }

    /** Reads a notification. */
    public static Notification notification(BinaryReader in) {
        return new Notification(
                ValueCodec.name(in),
                in.string(),
                about(in),
                ValueCodec.texts(in),
                ValueCodec.texts(in),
                in.varint(),
                in.count(),
                in.varint());
    }

    private static void about(BinaryWriter out, About about) {
        out.u8(event(about.event()));
        switch (about) {
            case RequestOpened a -> {
                RequestCodec.kind(out.string(a.requestId()), a.kind());
                out.string(a.title()).optional(a.runId()).varint(a.due());
            }
            case RunFinished a -> out.string(a.runId()).optional(a.reason());
            case MessageUnseen a -> out.fixed64(a.serial()).optional(a.name()).optional(a.author());
        }
    }

    private static About about(BinaryReader in) {
        return switch (event(in.u8())) {
            case REQUEST_OPENED ->
                new RequestOpened(in.string(), RequestCodec.kind(in), in.string(), in.optional(), in.varint());
            case RUN_FINISHED -> new RunFinished(in.string(), in.optional());
            case MESSAGE_UNSEEN -> new MessageUnseen(in.fixed64(), in.optional(), in.optional());
        };
    }

    static void fate(BinaryWriter out, NotificationFate fate) {
        out.u8(
                switch (fate) {
                    case DELIVERED -> 0;
                    case FAILED -> 1;
                    case GIVEN_UP -> 2;
                    case UNWANTED -> 3;
                });
    }

    static NotificationFate fate(BinaryReader in) {
        return switch (in.u8()) {
            case 0 -> NotificationFate.DELIVERED;
            case 1 -> NotificationFate.FAILED;
            case 2 -> NotificationFate.GIVEN_UP;
            case 3 -> NotificationFate.UNWANTED;
            default -> throw new MalformedBinaryException("an unknown fate of a notification", null);
        };
    }
}
