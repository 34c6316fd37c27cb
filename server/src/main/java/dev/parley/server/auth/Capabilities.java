package dev.parley.server.auth;

import java.util.Collections;
import java.util.EnumSet;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Which operations are allowed on which resources. A pattern is the exact name of a resource, {@code *} for all, or
 * a prefix that ends in {@code :*} or {@code /*}. Streams are compared as they stand in the request, undecoded: the
 * names that the engine knows them by.
 *
 * <p>The name of a session can have a qualifier in front, as in {@code [meta]name} or {@code [filter=...]name}. Patterns
 * match sessions of the same qualifier only, so most of them such without; {@code [*]} stands for any, and for none.
 */
public record Capabilities(Map<String, Set<Operation>> operationsByPattern) {

    /** Bounds the work of {@link #intersect}. */
    public static final int MAX_PATTERNS = 256;

    private static final String ANY_QUALIFIER = "[*]";

    public static final Capabilities NONE = new Capabilities(Map.of());
    public static final Capabilities ALL = new Capabilities(Map.of("[*]*", EnumSet.allOf(Operation.class)));

    public Capabilities {
        var copy = new TreeMap<String, Set<Operation>>();
        operationsByPattern.forEach((pattern, operations) -> {
            requirePattern(pattern);
            copy.put(pattern, Collections.unmodifiableSet(EnumSet.copyOf(operations)));
        });
        operationsByPattern = Collections.unmodifiableMap(copy);
    }

    /** {@code json}: such as {@code {"chat/*": ["read", "append"], "public": ["*"]}}. */
    public static Capabilities parse(String json) {
        try {
            return of(JsonMapper.shared().readTree(json));
        } catch (JacksonException e) {
            throw new IllegalArgumentException("the capability is no valid JSON", e);
        }
    }

    /** The same from parsed JSON or YAML. */
    public static Capabilities of(@Nullable JsonNode node) {
        if (node == null || !node.isObject() || node.isEmpty() || node.size() > MAX_PATTERNS) {
            throw new IllegalArgumentException(
                    "a capability is a map of 1 to " + MAX_PATTERNS + " resource patterns to lists of operations");
        }
        var parsed = new TreeMap<String, Set<Operation>>();
        node.properties().forEach(entry -> parsed.put(entry.getKey(), operations(entry.getValue())));
        return new Capabilities(parsed);
    }

    private static Set<Operation> operations(JsonNode list) {
        if (!list.isArray() || list.isEmpty()) {
            throw new IllegalArgumentException("the operations of a capability are a list with at least one element");
        }
        var operations = EnumSet.noneOf(Operation.class);
        for (JsonNode element : list) {
            if (!element.isString()) {
                throw new IllegalArgumentException("the operations of a capability are texts");
            }
            if (element.asString().equals("*")) {
                if (list.size() > 1) {
                    throw new IllegalArgumentException("'*' stands alone in a list of operations");
                }
                return EnumSet.allOf(Operation.class);
            }
            operations.addAll(Operation.ofWireName(element.asString()));
        }
        return operations;
    }

    private static void requirePattern(String pattern) {
        String name = name(pattern);
        int star = name.indexOf('*');
        boolean prefix = star == name.length() - 1 && (name.endsWith(":*") || name.endsWith("/*"));
        String qualifier = qualifier(pattern);
        boolean qualified = qualifier.indexOf('*') < 0 || qualifier.equals(ANY_QUALIFIER);
        if (name.isEmpty() || !qualified || !(star < 0 || name.equals("*") || prefix)) {
            throw new IllegalArgumentException(
                    "a resource pattern is an exact name, '*', or a prefix that ends in ':*' or '/*',"
                            + " perhaps with a qualifier such as '[meta]' or '[*]' in front");
        }
    }

    public boolean allows(Operation operation, String resource) {
        for (var entry : operationsByPattern.entrySet()) {
            if (entry.getValue().contains(operation)
                    && (operation.concernsStreams()
                            ? coversStream(entry.getKey(), resource)
                            : covers(entry.getKey(), resource))) {
                return true;
            }
        }
        return false;
    }

    /**
     * What both allow.
     *
     * @throws IllegalArgumentException if there is no saying so in twice as many patterns as either may have
     */
    public Capabilities intersect(Capabilities other) {
        var both = new TreeMap<String, Set<Operation>>();
        operationsByPattern.forEach((ours, allowed) -> other.operationsByPattern.forEach((theirs, requested) -> {
            String narrower = narrower(ours, theirs);
            if (narrower != null) {
                var operations = EnumSet.copyOf(allowed);
                operations.retainAll(requested);
                if (!operations.isEmpty()) {
                    both.merge(narrower, operations, (a, b) -> {
                        a.addAll(b);
                        return a;
                    });
                }
            }
        }));
        if (both.size() > 2 * MAX_PATTERNS) {
            throw new IllegalArgumentException("the capabilities of key and token make too many resource patterns");
        }
        return new Capabilities(both);
    }

    /**
     * The pattern for what both patterns match, or null. Names are exact or prefixes: two of them overlap only if one
     * covers the other; and so it is with qualifiers.
     */
    private static @Nullable String narrower(String a, String b) {
        if (covers(a, b)) {
            return b;
        } else if (covers(b, a)) {
            return a;
        }
        // Each is the wider one in another respect: [*]chat:* and [meta]*.
        String qualifierA = qualifier(a);
        String qualifierB = qualifier(b);
        if (qualifierA.equals(ANY_QUALIFIER) && coversName(name(b), name(a))) {
            return qualifierB + name(a);
        } else if (qualifierB.equals(ANY_QUALIFIER) && coversName(name(a), name(b))) {
            return qualifierA + name(b);
        }
        return null;
    }

    /** As clients write it: operations in the order of their names, so that equal capabilities look equal. */
    public String toJson() {
        var json = JsonMapper.shared().createObjectNode();
        operationsByPattern.forEach((pattern, operations) -> {
            var list = json.putArray(pattern);
            if (operations.size() == Operation.values().length) {
                list.add("*");
            } else {
                operations.stream().map(Operation::wireName).distinct().sorted().forEach(list::add);
            }
        });
        return json.toString();
    }

    /** Whether {@code pattern} matches all that {@code other}, a session or a pattern, stands for. */
    private static boolean covers(String pattern, String other) {
        String qualifier = qualifier(pattern);
        return (qualifier.equals(ANY_QUALIFIER) || qualifier.equals(qualifier(other)))
                && coversName(name(pattern), name(other));
    }

    /** The path of a stream has no qualifier, whatever it looks like. */
    private static boolean coversStream(String pattern, String path) {
        String plain = pattern.startsWith(ANY_QUALIFIER) ? name(pattern) : pattern;
        return coversName(plain, path);
    }

    private static boolean coversName(String pattern, String name) {
        int last = pattern.length() - 1;
        return pattern.charAt(last) == '*' ? name.startsWith(pattern.substring(0, last)) : pattern.equals(name);
    }

    /** The kind of qualifier, in brackets: {@code [filter]} of {@code [filter=...]}; parameters after ? are none. */
    private static String qualifier(String resource) {
        int end = resource.startsWith("[") ? resource.indexOf(']') : -1;
        if (end < 0) {
            return "";
        }
        String kind = resource.substring(1, end).split("[=?]", 2)[0];
        return kind.isEmpty() ? "" : "[" + kind + "]";
    }

    private static String name(String resource) {
        return resource.startsWith("[") ? resource.substring(resource.indexOf(']') + 1) : resource;
    }
}
