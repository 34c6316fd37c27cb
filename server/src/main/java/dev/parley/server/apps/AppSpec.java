package dev.parley.server.apps;

import dev.parley.server.auth.ApiKey;
import dev.parley.server.auth.Capabilities;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * An app that the admin API is asked to create.
 *
 * @param askedNamespaces the number of namespaces that the request contains. They come first; the others were added by
 *     the server.
 * @param members presence members that the app always has
 */
public record AppSpec(App app, int askedNamespaces, List<FixedMember> members) {

    /** The greatest number of keys, of namespaces and of fixed members of one app. */
    public static final int MAX_PARTS = 1_000;

    private static final String ID_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789";
    private static final int ID_CHARS = 10;

    /**
     * A presence member that is always there.
     *
     * @param message its data, as in a presence message
     */
    public record FixedMember(String session, JsonNode message) {}

    /**
     * Reads a request, and gives the app an id and its keys secrets.
     *
     * @throws IllegalArgumentException with a message that says what is wrong
     */
    public static AppSpec of(@Nullable JsonNode spec) {
        if (spec == null || !spec.isObject()) {
            throw new IllegalArgumentException("an app is an object such as {\"keys\": [{}]}");
        }
        String id = newId();
        var keys = new ArrayList<ApiKey>();
        for (JsonNode key : list(spec, "keys")) {
            keys.add(key(id, key));
        }
        var namespaces = new ArrayList<Namespace>();
        int maxMembers = maxMembers(spec);
        for (JsonNode namespace : list(spec, "namespaces")) {
            namespaces.add(namespace(namespace, maxMembers));
        }
        int asked = namespaces.size();
        if (namespaces.stream().noneMatch(namespace -> namespace.id().equals(Namespace.OTHERS))) {
            namespaces.add(new Namespace(
                    Namespace.OTHERS,
                    Namespace.DEFAULT.mutableMessages(),
                    Namespace.DEFAULT.retentionAge(),
                    Namespace.DEFAULT.retentionBytes(),
                    maxMembers));
        }
        if (namespaces.stream().map(Namespace::id).distinct().count() != namespaces.size()) {
            throw new IllegalArgumentException("two namespaces have the same id");
        }
        return new AppSpec(new App(id, keys, namespaces), asked, members(spec));
    }

    /** The namespaces that the request contains. */
    public List<Namespace> asked() {
        return app.namespaces().subList(0, askedNamespaces);
    }

    private static ApiKey key(String app, JsonNode key) {
        JsonNode capability = key.path("capability");
        Capabilities capabilities = isAbsent(capability)
                ? Capabilities.parse("{\"*\":[\"*\"]}")
                : capability.isString() ? Capabilities.parse(capability.asString()) : Capabilities.of(capability);
        var uses = new ApiKey.Uses(false, flag(key, "revocableTokens", false));
        return ApiKey.parse(ApiKey.generate(app), capabilities, uses);
    }

    private static Namespace namespace(JsonNode namespace, int maxMembers) {
        JsonNode id = namespace.path("id");
        if (!id.isString()) {
            throw new IllegalArgumentException("a namespace has an 'id'");
        }
        Namespace rules = Namespace.DEFAULT;
        return new Namespace(
                id.asString(),
                flag(namespace, "mutableMessages", rules.mutableMessages()),
                flag(namespace, "persisted", true) ? rules.retentionAge() : Namespace.NOT_PERSISTED,
                rules.retentionBytes(),
                maxMembers,
                flag(namespace, "redeliverCancels", rules.redeliverCancels()),
                flag(namespace, "endAbandonedRuns", rules.endAbandonedRuns()));
    }

    private static int maxMembers(JsonNode spec) {
        JsonNode max = spec.path("limits").path("presence").path("maxMembers");
        if (isAbsent(max)) {
            return Namespace.DEFAULT.maxMembers();
        }
        if (!max.isInt()) {
            throw new IllegalArgumentException("'maxMembers' must be a whole number");
        }
        return max.asInt();
    }

    private static List<FixedMember> members(JsonNode spec) {
        var members = new ArrayList<FixedMember>();
        for (JsonNode channel : list(spec, "channels")) {
            JsonNode name = channel.path("name");
            if (!name.isString()) {
                throw new IllegalArgumentException("a channel has a 'name'");
            }
            for (JsonNode member : list(channel, "presence")) {
                members.add(new FixedMember(name.asString(), member));
            }
        }
        if (members.size() > MAX_PARTS) {
            throw new IllegalArgumentException("an app has at most " + MAX_PARTS + " presence members");
        }
        return members;
    }

    private static Iterable<JsonNode> list(JsonNode node, String field) {
        JsonNode list = node.path(field);
        if (isAbsent(list)) {
            return List.of();
        }
        if (!list.isArray() || list.size() > MAX_PARTS || list.valueStream().anyMatch(element -> !element.isObject())) {
            throw new IllegalArgumentException("'" + field + "' must be a list of at most " + MAX_PARTS + " objects");
        }
        return list;
    }

    private static boolean flag(JsonNode node, String field, boolean fallback) {
        JsonNode flag = node.path(field);
        if (isAbsent(flag)) {
            return fallback;
        }
        if (!flag.isBoolean()) {
            throw new IllegalArgumentException("'" + field + "' must be true or false");
        }
        return flag.asBoolean();
    }

    private static boolean isAbsent(JsonNode node) {
        return node.isMissingNode() || node.isNull();
    }

    private static String newId() {
        var random = new SecureRandom();
        var id = new StringBuilder();
        for (int i = 0; i < ID_CHARS; i++) {
            id.append(ID_LETTERS.charAt(random.nextInt(ID_LETTERS.length())));
        }
        return id.toString();
    }
}
