package dev.parley.server.auth;

import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * The operations that are allowed on resources. A pattern is the name of a resource, divided into segments by colons or
 * slashes. A segment that consists of {@code *} alone is a wildcard: at the end of the pattern it stands for any number
 * of segments, elsewhere for exactly one. Any other {@code *} is an ordinary character: {@code foo*} is a plain name.
 * Paths of streams are compared undecoded, as in the request and in the engine.
 *
 * <p>The name of a session can have a qualifier in front, as in {@code [meta]name} or {@code [filter=...]name}. A
 * pattern matches only sessions with the same kind of qualifier, so most patterns match sessions without one. {@code
 * [*]} matches any qualifier, and none.
 */
public record Capabilities(Map<String, Set<CapabilityOp>> operationsByPattern) {

    /** The greatest number of patterns. It bounds the work of {@link #intersect}. */
    public static final int MAX_PATTERNS = 256;

    private static final String ANY_QUALIFIER = "[*]";

    public static final Capabilities NONE = new Capabilities(Map.of());
    public static final Capabilities ALL = new Capabilities(Map.of("[*]*", EnumSet.allOf(CapabilityOp.class)));

    public Capabilities {
        var copy = new TreeMap<String, Set<CapabilityOp>>();
        operationsByPattern.forEach((pattern, operations) -> {
            if (!isPattern(pattern)) {
                throw new IllegalArgumentException("there is no resource that '" + pattern + "' could stand for");
            }
            copy.put(pattern, Collections.unmodifiableSet(EnumSet.copyOf(operations)));
        });
        operationsByPattern = Collections.unmodifiableMap(copy);
    }

    /**
     * Parses a text such as {@code {"chat/*": ["read", "append"], "public": ["*"]}}. Patterns that can match nothing
     * are refused.
     */
    public static Capabilities parse(String json) {
        return of(read(json));
    }

    /** Reads capabilities from parsed JSON or YAML. Patterns that can match nothing are refused. */
    public static Capabilities of(@Nullable JsonNode node) {
        return new Capabilities(patterns(node));
    }

    /**
     * The capabilities that a token asks for. A pattern that can match nothing grants nothing, and the other patterns
     * remain valid.
     *
     * @param node an object, or a text that contains one in JSON
     */
    static Capabilities requested(@Nullable JsonNode node) {
        var patterns = patterns(node != null && node.isString() ? read(node.stringValue()) : node);
        patterns.keySet().removeIf(pattern -> !isPattern(pattern));
        return new Capabilities(patterns);
    }

    private static JsonNode read(String json) {
        try {
            return JsonMapper.shared().readTree(json);
        } catch (JacksonException e) {
            throw new IllegalArgumentException("the capability is no valid JSON", e);
        }
    }

    private static TreeMap<String, Set<CapabilityOp>> patterns(@Nullable JsonNode node) {
        if (node == null || !node.isObject() || node.isEmpty() || node.size() > MAX_PATTERNS) {
            throw new IllegalArgumentException(
                    "a capability is a map of 1 to " + MAX_PATTERNS + " resource patterns to lists of operations");
        }
        var parsed = new TreeMap<String, Set<CapabilityOp>>();
        node.properties().forEach(entry -> parsed.put(entry.getKey(), operations(entry.getValue())));
        return parsed;
    }

    private static Set<CapabilityOp> operations(JsonNode list) {
        if (!list.isArray() || list.isEmpty()) {
            throw new IllegalArgumentException("the operations of a capability are a list with at least one element");
        }
        var operations = EnumSet.noneOf(CapabilityOp.class);
        for (JsonNode element : list) {
            if (!element.isString()) {
                throw new IllegalArgumentException("the operations of a capability are texts");
            }
            if (element.asString().equals("*")) {
                if (list.size() > 1) {
                    throw new IllegalArgumentException("'*' stands alone in a list of operations");
                }
                return EnumSet.allOf(CapabilityOp.class);
            }
            operations.addAll(CapabilityOp.ofWireName(element.asString()));
        }
        return operations;
    }

    private static boolean isPattern(String pattern) {
        String qualifier = qualifier(pattern);
        return !name(pattern).isEmpty() && (qualifier.indexOf('*') < 0 || qualifier.equals(ANY_QUALIFIER));
    }

    public boolean allows(CapabilityOp operation, String resource) {
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

    /** Whether there may be a resource on which they allow an operation. */
    boolean allowSomewhere(CapabilityOp operation) {
        return operationsByPattern.values().stream().anyMatch(operations -> operations.contains(operation));
    }

    /**
     * The operations that both allow.
     *
     * @throws IllegalArgumentException if the result needs more than twice as many patterns as either may have
     */
    public Capabilities intersect(Capabilities other) {
        var both = new TreeMap<String, Set<CapabilityOp>>();
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

    /** The pattern for everything that both patterns match, or null. */
    private static @Nullable String narrower(String a, String b) {
        String qualifierA = qualifier(a);
        String qualifierB = qualifier(b);
        boolean anyA = qualifierA.equals(ANY_QUALIFIER);
        if (!anyA && !qualifierB.equals(ANY_QUALIFIER) && !qualifierA.equals(qualifierB)) {
            return null;
        }
        String name = narrowerName(name(a), name(b));
        return name == null ? null : (anyA ? qualifierB : qualifierA) + name;
    }

    /**
     * Compares names segment by segment. If two patterns have different separators, nothing is granted that both match
     * by chance.
     */
    private static @Nullable String narrowerName(String a, String b) {
        if (coversName(a, b)) {
            return b;
        } else if (coversName(b, a)) {
            return a;
        }
        List<String> ours = segments(a);
        List<String> theirs = segments(b);
        var both = new StringBuilder();
        for (int i = 0; ; i++) {
            if (i == ours.size() - 1 && ours.get(i).equals("*") && i < theirs.size()) {
                return both.append(String.join("", theirs.subList(i, theirs.size())))
                        .toString();
            } else if (i == theirs.size() - 1 && theirs.get(i).equals("*") && i < ours.size()) {
                return both.append(String.join("", ours.subList(i, ours.size())))
                        .toString();
            } else if (i == ours.size() || i == theirs.size()) {
                return ours.size() == theirs.size() ? both.toString() : null;
            }
            String narrower = narrowerSegment(ours.get(i), theirs.get(i));
            if (narrower == null) {
                return null;
            }
            both.append(narrower);
        }
    }

    private static @Nullable String narrowerSegment(String a, String b) {
        boolean separator = isSeparator(a.charAt(0)) || isSeparator(b.charAt(0));
        if (a.equals(b) || (b.equals("*") && !separator)) {
            return a;
        }
        return a.equals("*") && !separator ? b : null;
    }

    /** The segments and the separators between them. */
    private static List<String> segments(String name) {
        List<String> parts = new ArrayList<>();
        int start = 0;
        for (int i = 0; i < name.length(); i++) {
            if (isSeparator(name.charAt(i))) {
                if (i > start) {
                    parts.add(name.substring(start, i));
                }
                parts.add(name.substring(i, i + 1));
                start = i + 1;
            }
        }
        if (start < name.length()) {
            parts.add(name.substring(start));
        }
        return parts;
    }

    /**
     * The capabilities as JSON, in the form that clients use. The operations are sorted, so that equal capabilities
     * have equal texts.
     */
    public String toJson() {
        var json = JsonMapper.shared().createObjectNode();
        operationsByPattern.forEach((pattern, operations) -> {
            var list = json.putArray(pattern);
            if (operations.size() == CapabilityOp.values().length) {
                list.add("*");
            } else {
                operations.stream()
                        .map(CapabilityOp::wireName)
                        .distinct()
                        .sorted()
                        .forEach(list::add);
            }
        });
        return json.toString();
    }

    /** Whether {@code pattern} matches everything that {@code other} stands for, which is a session or a pattern. */
    private static boolean covers(String pattern, String other) {
        String qualifier = qualifier(pattern);
        return (qualifier.equals(ANY_QUALIFIER) || qualifier.equals(qualifier(other)))
                && coversName(name(pattern), name(other));
    }

    /** Whether {@code pattern} matches a stream. The path of a stream has no qualifier, whatever it looks like. */
    private static boolean coversStream(String pattern, String path) {
        String plain = pattern.startsWith(ANY_QUALIFIER) ? name(pattern) : pattern;
        return coversName(plain, path);
    }

    private static boolean coversName(String pattern, String name) {
        int at = 0;
        for (int i = 0; i < pattern.length(); i++) {
            if (!isWildcard(pattern, i)) {
                if (at == name.length() || name.charAt(at) != pattern.charAt(i)) {
                    return false;
                }
                at++;
            } else if (i == pattern.length() - 1) {
                return true;
            } else {
                int end = endOfSegment(
                        name, at, i == 0 ? pattern.charAt(1) : pattern.charAt(i - 1), pattern.charAt(i + 1));
                if (end == at) {
                    return false;
                }
                at = end;
            }
        }
        return at == name.length();
    }

    /** Whether the {@code *} at {@code index} is a whole segment. */
    private static boolean isWildcard(String pattern, int index) {
        return pattern.charAt(index) == '*'
                && (index == 0 || isSeparator(pattern.charAt(index - 1)))
                && (index == pattern.length() - 1 || isSeparator(pattern.charAt(index + 1)));
    }

    private static boolean isSeparator(char c) {
        return c == ':' || c == '/';
    }

    /**
     * The end of a segment. The name of a session may have slashes in a segment between colons, and the path of a
     * stream may have colons between slashes.
     */
    private static int endOfSegment(String name, int start, char before, char after) {
        int end = start;
        while (end < name.length() && name.charAt(end) != before && name.charAt(end) != after) {
            end++;
        }
        return end;
    }

    /**
     * The kind of qualifier, in brackets: {@code [filter]} for {@code [filter=...]}. Parameters after ? are not a
     * qualifier.
     */
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
