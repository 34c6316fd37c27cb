package dev.parley.server.wire;

import dev.parley.engine.session.AnnotationEntry;
import dev.parley.engine.session.MessageEntry;
import dev.parley.engine.session.ObjectEntry;
import dev.parley.engine.session.Positions;
import dev.parley.engine.session.PresenceEntry;
import dev.parley.engine.session.SessionEntry;
import dev.parley.engine.session.SummaryEntry;
import dev.parley.engine.session.object.ObjectPart;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** The frames that a server sends, each as the bytes of one WebSocket message. */
public final class Frames {
    private Frames() {}

    private static byte[] frame(WireFormat format, Action action, Consumer<WireWriter> fields) {
        return format.write(to -> {
            to.beginObject().field("action", action.number());
            fields.accept(to);
            to.endObject();
        });
    }

    private static void error(WireWriter to, @Nullable ErrorInfo error) {
        if (error != null) {
            error.write(to.name("error"));
        }
    }

    /** The answer to the heartbeat {@code id}, or a heartbeat of the server. */
    public static byte[] heartbeat(WireFormat format, @Nullable String id) {
        return frame(format, Action.HEARTBEAT, to -> to.field("id", id));
    }

    /**
     * The connection is opened or confirmed. {@code error} says why it is not the connection that the client asked for.
     */
    public static byte[] connected(
            WireFormat format, String connectionId, ConnectionDetails details, @Nullable ErrorInfo error) {
        return frame(format, Action.CONNECTED, to -> {
            // ably-java reads the key here, ably-js in the details.
            to.field("connectionId", connectionId).field("connectionKey", details.connectionKey());
            details.write(to.name("connectionDetails"));
            error(to, error);
        });
    }

    /** The server will close the socket, and the client should connect again. */
    public static byte[] disconnected(WireFormat format, @Nullable ErrorInfo error) {
        return frame(format, Action.DISCONNECTED, to -> error(to, error));
    }

    /** The connection has ended because the client closed it. */
    public static byte[] closed(WireFormat format) {
        return frame(format, Action.CLOSED, to -> {});
    }

    /** Asks the client for a new token. */
    public static byte[] auth(WireFormat format) {
        return frame(format, Action.AUTH, to -> {});
    }

    /**
     * The channel has failed, or the connection if no channel is given. Clients distinguish the two by the absence of
     * the field.
     */
    public static byte[] error(WireFormat format, @Nullable String channel, ErrorInfo error) {
        return frame(format, Action.ERROR, to -> {
            to.field("channel", channel);
            error(to, error);
        });
    }

    /**
     * Accepts the requests from {@code msgSerial} on.
     *
     * @param positions for each request the positions of its messages; 0 stands for an unknown position
     */
    public static byte[] ack(WireFormat format, long msgSerial, List<List<Long>> positions) {
        return frame(format, Action.ACK, to -> {
            to.field("msgSerial", msgSerial).field("count", positions.size());
            to.name("res").beginArray();
            for (List<Long> request : positions) {
                to.beginObject().name("serials").beginArray();
                for (long position : request) {
                    serialOrNull(to, position);
                }
                to.endArray().endObject();
            }
            to.endArray();
        });
    }

    private static void serialOrNull(WireWriter to, long position) {
        if (position == Positions.START) {
            to.nothing();
        } else {
            to.value(Serials.render(position));
        }
    }

    /** Refuses {@code count} requests, from {@code msgSerial} on. */
    public static byte[] nack(WireFormat format, long msgSerial, int count, ErrorInfo error) {
        return frame(format, Action.NACK, to -> {
            to.field("msgSerial", msgSerial).field("count", count);
            error(to, error);
        });
    }

    /**
     * The channel is attached, or its attachment has changed.
     *
     * @param place the client's place at the attach point
     * @param flags see {@link Flags}
     * @param params those parameters of the client that the server understood
     */
    public static byte[] attached(
            WireFormat format,
            String channel,
            ChannelSerial place,
            long flags,
            Map<String, String> params,
            @Nullable ErrorInfo error) {
        return frame(format, Action.ATTACHED, to -> {
            to.field("channel", channel).field("channelSerial", place.render()).field("flags", flags);
            if (!params.isEmpty()) {
                to.name("params").beginObject();
                params.forEach(to::field);
                to.endObject();
            }
            error(to, error);
        });
    }

    /** The channel is detached. With an error, the client did not ask for it. */
    public static byte[] detached(WireFormat format, String channel, @Nullable ErrorInfo error) {
        return frame(format, Action.DETACHED, to -> {
            to.field("channel", channel);
            error(to, error);
        });
    }

    /**
     * Entries of one channel, in order: one MESSAGE, PRESENCE, OBJECT or ANNOTATION for each run of entries of the same
     * kind.
     *
     * @param to the reader's position after the last entry, which may be greater than that of the entry
     */
    public static List<byte[]> entries(WireFormat format, String channel, List<SessionEntry> entries, long to) {
        List<byte[]> frames = new ArrayList<>(1);
        int start = 0;
        for (int i = 1; i <= entries.size(); i++) {
            if (i == entries.size() || kind(entries.get(i)) != kind(entries.get(start))) {
                List<SessionEntry> run = entries.subList(start, i);
                long position = i == entries.size() ? to : run.getLast().position();
                frames.add(run(format, channel, run, ChannelSerial.at(position)));
                start = i;
            }
        }
        return frames;
    }

    /**
     * A MESSAGE with messages from before the attach point.
     *
     * @param place the reader's place after these messages
     */
    public static byte[] backlog(
            WireFormat format, String channel, List<? extends SessionEntry> messages, ChannelSerial place) {
        return run(format, channel, messages, place);
    }

    private static Action kind(SessionEntry entry) {
        return switch (entry) {
            case MessageEntry m -> Action.MESSAGE;
            case SummaryEntry s -> Action.MESSAGE;
            case PresenceEntry p -> Action.PRESENCE;
            case ObjectEntry o -> Action.OBJECT;
            case AnnotationEntry a -> Action.ANNOTATION;
        };
    }

    private static String field(SessionEntry entry) {
        return switch (entry) {
            case MessageEntry m -> "messages";
            case SummaryEntry s -> "messages";
            case PresenceEntry p -> "presence";
            case ObjectEntry o -> "state";
            case AnnotationEntry a -> "annotations";
        };
    }

    private static byte[] run(
            WireFormat format, String channel, List<? extends SessionEntry> run, ChannelSerial place) {
        Action kind = kind(run.getFirst());
        return frame(format, kind, to -> {
            to.field("channel", channel)
                    .field("channelSerial", place.render())
                    .field("timestamp", Positions.millis(run.getLast().position()));
            to.name(field(run.getFirst())).beginArray();
            for (SessionEntry entry : run) {
                switch (entry) {
                    case MessageEntry message -> Entries.write(to, message);
                    case SummaryEntry summary -> Entries.write(to, summary);
                    case AnnotationEntry annotation -> Entries.write(to, annotation);
                    case PresenceEntry event -> Entries.write(to, event);
                    case ObjectEntry change -> ObjectMessages.write(to, change);
                }
            }
            to.endArray();
        });
    }

    /**
     * A MESSAGE that is not stored in any log, such as one about occupancy.
     *
     * @param data the text of a JSON document
     */
    public static byte[] transientMessage(
            WireFormat format, String channel, String id, long timestamp, String name, String data) {
        return frame(
                format,
                Action.MESSAGE,
                to -> to.field("channel", channel)
                        .field("id", id)
                        .field("timestamp", timestamp)
                        .name("messages")
                        .beginArray()
                        .beginObject()
                        .field("id", id + ":0")
                        .field("timestamp", timestamp)
                        .field("name", name)
                        .field("data", data)
                        .field("encoding", "json")
                        .endObject()
                        .endArray());
    }

    /**
     * A page of a channel's members.
     *
     * @param cursor {@code <sync id>:<cursor>}, with no cursor on the last page
     */
    public static byte[] sync(WireFormat format, String channel, String cursor, List<PresenceEntry> members) {
        return frame(format, Action.SYNC, to -> {
            to.field("channel", channel).field("channelSerial", cursor);
            to.name("presence").beginArray();
            members.forEach(member -> Entries.write(to, member));
            to.endArray();
        });
    }

    /**
     * A part of a channel's objects.
     *
     * @param cursor {@code <sync id>:<cursor>}, with no cursor on the last part
     * @param position the position up to which changes are included
     */
    public static byte[] objectSync(
            WireFormat format, String channel, String cursor, List<ObjectPart> objects, long position) {
        return frame(format, Action.OBJECT_SYNC, to -> {
            to.field("channel", channel).field("channelSerial", cursor);
            to.name("state").beginArray();
            for (ObjectPart part : objects) {
                ObjectMessages.write(to, part.object(), part.entries(), position);
            }
            to.endArray();
        });
    }
}
