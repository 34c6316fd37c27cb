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
 * a prefix that ends in {@code :*} or {@code /*}. Resources are compared as they stand in the request, undecoded: the
 * names that the engine knows them by.
 */
public record Capabilities(Map<String, Set<Operation>> operationsByPattern) {

    /** Bounds the work of {@link #intersect}. */
    public static final int MAX_PATTERNS = 256;

    public static final Capabilities NONE = new Capabilities(Map.of());
    public static final Capabilities ALL = new Capabilities(Map.of("*", EnumSet.allOf(Operation.class)));

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
            operations.add(Operation.ofWireName(element.asString()));
        }
        return operations;
    }

    private static void requirePattern(String pattern) {
        int star = pattern.indexOf('*');
        boolean prefix = star == pattern.length() - 1 && (pattern.endsWith(":*") || pattern.endsWith("/*"));
        if (pattern.isEmpty() || !(star < 0 || pattern.equals("*") || prefix)) {
            throw new IllegalArgumentException(
                    "a resource pattern is an exact name, '*', or a prefix that ends in ':*' or '/*'");
        }
    }

    public boolean allows(Operation operation, String resource) {
        for (var entry : operationsByPattern.entrySet()) {
            if (entry.getValue().contains(operation) && covers(entry.getKey(), resource)) {
                return true;
            }
        }
        return false;
    }

    /** What both allow. */
    public Capabilities intersect(Capabilities other) {
        var both = new TreeMap<String, Set<Operation>>();
        operationsByPattern.forEach((ours, allowed) -> other.operationsByPattern.forEach((theirs, requested) -> {
            // Patterns are names or prefixes: two of them overlap only if one covers the other.
            String narrower = covers(ours, theirs) ? theirs : covers(theirs, ours) ? ours : null;
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
        return new Capabilities(both);
    }

    /** Whether {@code pattern} matches all that {@code name}, a resource or a pattern, stands for. */
    private static boolean covers(String pattern, String name) {
        int last = pattern.length() - 1;
        return pattern.charAt(last) == '*' ? name.startsWith(pattern.substring(0, last)) : pattern.equals(name);
    }
}
