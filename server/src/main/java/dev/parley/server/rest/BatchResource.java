package dev.parley.server.rest;

import dev.parley.engine.session.PresenceEntry;
import dev.parley.engine.session.log.Page;
import dev.parley.server.auth.Gate;
import dev.parley.server.auth.Principal;
import dev.parley.server.channel.ChannelName;
import dev.parley.server.request.Answer;
import dev.parley.server.request.Publisher;
import dev.parley.server.request.Request;
import dev.parley.server.wire.ErrorInfo;
import dev.parley.server.wire.InboundMessage;
import dev.parley.server.wire.Serials;
import dev.parley.server.wire.WireException;
import dev.parley.server.wire.WireWriter;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import tools.jackson.databind.JsonNode;

/**
 * {@code /messages} and {@code /presence}: publishing to several channels, and reading the members of several channels,
 * at once.
 */
record BatchResource(MessagesResource messages, PresenceResource presence, Gate gate) {
    /** The greatest number of channels in one request. */
    static final int MAX_CHANNELS = 100;

    /** The greatest number of publishes in one request. */
    static final int MAX_SPECS = 100;

    /**
     * Before this version, the results of all publishes were in one list, and one failure made the whole answer a
     * failure.
     */
    private static final int FIRST_VERSION_WITH_COUNTS = 3;

    private static final int NEWEST_VERSION = 6;

    /** The result for one channel. {@code fields} writes the fields besides the channel's name. */
    private record Result(String channel, boolean good, Consumer<WireWriter> fields) {
        static Result failed(String channel, ErrorInfo error) {
            return new Result(channel, false, to -> error.write(to.name("error")));
        }

        void write(WireWriter to) {
            to.beginObject().field("channel", channel);
            fields.accept(to);
            to.endObject();
        }
    }

    /** A publish whose outcome is not yet known. */
    private interface Pending {
        Result await();
    }

    private record Spec(List<String> channels, List<InboundMessage> messages) {
        static Spec read(JsonNode node) throws WireException {
            JsonNode channels = node.path("channels");
            JsonNode messages = node.path("messages");
            List<String> names = new ArrayList<>();
            for (JsonNode name : list(channels)) {
                if (!name.isString()) {
                    throw invalid();
                }
                names.add(name.stringValue());
            }
            return new Spec(names, InboundMessage.readAll(list(messages)));
        }

        private static Iterable<JsonNode> list(JsonNode node) throws WireException {
            if (node.isMissingNode() || node.isNull() || (node.isArray() && node.isEmpty())) {
                throw invalid();
            }
            return node.isArray() ? node : List.of(node);
        }

        private static WireException invalid() {
            return new WireException(ErrorInfo.unreadable(
                    "A batch is an object, or an array of objects, with the fields channels and messages."));
        }
    }

    Answer publish(Request request) throws WireException {
        Principal principal = request.principal();
        JsonNode body = request.tree();
        List<Spec> specs = new ArrayList<>();
        for (JsonNode spec : body.isArray() ? body : List.of(body)) {
            specs.add(Spec.read(spec));
        }
        int channels = specs.stream().mapToInt(spec -> spec.channels().size()).sum();
        if (specs.isEmpty() || specs.size() > MAX_SPECS || channels > MAX_CHANNELS) {
            throw new WireException(ErrorInfo.badRequest(
                    "A batch has 1 to " + MAX_SPECS + " publishes to at most " + MAX_CHANNELS + " channels."));
        }
        // All are submitted before the first is awaited, so that they share the writes to the disk.
        List<List<Pending>> pending = new ArrayList<>();
        for (Spec spec : specs) {
            pending.add(spec.channels().stream()
                    .map(channel -> send(principal, channel, spec.messages()))
                    .toList());
        }
        List<List<Result>> results = pending.stream()
                .map(spec -> spec.stream().map(Pending::await).toList())
                .toList();
        if (version(request) < FIRST_VERSION_WITH_COUNTS) {
            return withoutCounts(results.stream().flatMap(List::stream).toList());
        }
        return Answer.of(201, to -> {
            if (body.isArray()) {
                to.beginArray();
                results.forEach(spec -> writeCounted(to, spec));
                to.endArray();
            } else {
                writeCounted(to, results.getFirst());
            }
        });
    }

    /** The protocol version of the client; the newest one if the client does not say. */
    private static int version(Request request) {
        String version = request.headers().get("X-Ably-Version");
        try {
            // In earlier versions the number had a fraction.
            return version == null ? NEWEST_VERSION : Integer.parseInt(version.split("\\.", 2)[0].strip());
        } catch (NumberFormatException e) {
            return NEWEST_VERSION;
        }
    }

    private Pending send(Principal principal, String channel, List<InboundMessage> toPublish) {
        try {
            Publisher.Sent sent = messages.send(principal, ChannelName.parse(channel), toPublish);
            return () -> {
                try {
                    List<Long> positions = sent.await();
                    return new Result(channel, true, to -> {
                        to.field("messageId", sent.messageId()).name("serials").beginArray();
                        positions.forEach(position -> to.value(Serials.render(position)));
                        to.endArray();
                    });
                } catch (WireException e) {
                    return Result.failed(channel, e.error());
                }
            };
        } catch (WireException e) {
            Result failed = Result.failed(channel, e.error());
            return () -> failed;
        }
    }

    private static void writeCounted(WireWriter to, List<Result> results) {
        long good = results.stream().filter(Result::good).count();
        to.beginObject()
                .field("successCount", good)
                .field("failureCount", results.size() - good)
                .name("results");
        writeAll(to, results);
        to.endObject();
    }

    private static void writeAll(WireWriter to, List<Result> results) {
        to.beginArray();
        results.forEach(result -> result.write(to));
        to.endArray();
    }

    private static Answer withoutCounts(List<Result> results) {
        if (results.stream().allMatch(Result::good)) {
            return Answer.of(201, to -> writeAll(to, results));
        }
        ErrorInfo error = ErrorInfo.BATCH_FAILED;
        return Answer.of(error.statusCode(), to -> {
            error.write(to.beginObject().name("error"));
            writeAll(to.name("batchResponse"), results);
            to.endObject();
        });
    }

    /** The members of several channels. */
    Answer presence(Request request) throws WireException {
        Principal principal = request.principal();
        String names = request.param("channels");
        // A channel that is named twice is answered once.
        Set<String> channels = names == null ? Set.of() : new LinkedHashSet<>(List.of(names.split(",", -1)));
        if (channels.isEmpty() || channels.size() > MAX_CHANNELS) {
            throw new WireException(ErrorInfo.invalidValue("The parameter channels has the names of 1 to "
                    + MAX_CHANNELS + " channels, with commas between."));
        }
        List<Result> results = new ArrayList<>();
        int room = presence.pageBytes();
        for (String channel : channels) {
            try {
                List<PresenceEntry> members = members(principal, channel, room);
                room -= weight(members);
                results.add(new Result(
                        channel, true, to -> PresenceResource.list(members).accept(to.name("presence"))));
            } catch (WireException e) {
                results.add(Result.failed(channel, e.error()));
            }
        }
        return Answer.of(200, to -> writeCounted(to, results));
    }

    /** All members of a channel, if they fit in the answer. */
    private List<PresenceEntry> members(Principal principal, String channel, int room) throws WireException {
        Page<PresenceEntry> page = presence.members()
                .page(principal, ChannelName.parse(channel), null, member -> true, Integer.MAX_VALUE, room);
        if (page.more() || weight(page.entries()) > room) {
            throw new WireException(ErrorInfo.answerTooLarge(presence.pageBytes()));
        }
        return page.entries();
    }

    private static int weight(List<PresenceEntry> members) {
        return members.stream().mapToInt(PresenceEntry::weight).sum();
    }
}
