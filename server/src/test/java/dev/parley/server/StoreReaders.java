package dev.parley.server;

import com.tngtech.archunit.core.domain.JavaAccess;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaCodeUnit;
import com.tngtech.archunit.core.domain.JavaCodeUnitReference;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;

/**
 * The methods of engine and server that read the store, found by following calls backwards from the store.
 *
 * <p>A method reads the store if it calls a method that does. In the server, what a method does in a lambda or by a method
 * reference is not done by the method itself but by whoever is handed the lambda; in the engine, it is. Calls through
 * interfaces, except those of the store, are not followed: the other side of an interface is looked at by itself.
 */
final class StoreReaders {
    private static final String ENGINE = "dev.parley.engine.";

    /** All that has rows: the store, one moment of it, and a batch. */
    private static final String VIEW = ENGINE + "store.View";

    /** How rows are read. */
    private static final Set<String> READS =
            Set.of("get", "scan", "scanBackwards", "snapshot", "list", "isEmpty", "last", "lastKey");

    /** Nothing is read until the command is durable. What the engine reads then, it reads on the thread that answers. */
    private static final String SUBMIT = ENGINE + "Pipeline.submit(";

    private final List<JavaCodeUnit> units;
    private final Set<String> readers = new HashSet<>();

    StoreReaders(JavaClasses engineAndServer) {
        this.units = engineAndServer.stream()
                .flatMap(each -> each.getCodeUnits().stream())
                .toList();
        while (follow()) {
            // Each round follows the calls one step.
        }
    }

    private boolean follow() {
        boolean more = false;
        for (JavaCodeUnit unit : units) {
            if (!unit.getFullName().startsWith(SUBMIT)
                    && accesses(unit).anyMatch(access -> !isDeferred(unit, access) && reads(access))) {
                more |= readers.add(unit.getFullName());
            }
        }
        return more;
    }

    private static boolean isOfServer(JavaCodeUnit unit) {
        return !unit.getOwner().getName().startsWith(ENGINE);
    }

    private static Stream<JavaAccess<?>> accesses(JavaCodeUnit unit) {
        List<JavaAccess<?>> all = new ArrayList<>(unit.getCallsFromSelf());
        all.addAll(unit.getMethodReferencesFromSelf());
        all.addAll(unit.getConstructorReferencesFromSelf());
        return all.stream();
    }

    private static boolean isDeferred(JavaCodeUnit unit, JavaAccess<?> access) {
        return isOfServer(unit) && (access.isDeclaredInLambda() || access instanceof JavaCodeUnitReference<?>);
    }

    private boolean reads(JavaAccess<?> access) {
        JavaClass owner = access.getTargetOwner();
        return readers.contains(access.getTarget().getFullName())
                || (owner.isAssignableTo(VIEW)
                        && READS.contains(access.getTarget().getName()));
    }

    /** A method as {@code Class.method}. */
    private static String name(JavaClass owner, String method) {
        return owner.getSimpleName() + "." + method;
    }

    private static String name(JavaCodeUnit unit) {
        return unit.getOwner().getPackageName() + "." + name(unit.getOwner(), unit.getName());
    }

    /** The methods of the server that read the store and that nothing in the server calls, such as handlers of requests. */
    Set<String> calledByNobody() {
        Set<String> called = new HashSet<>();
        units.forEach(unit ->
                accesses(unit).forEach(access -> called.add(access.getTarget().getFullName())));
        Set<String> found = new TreeSet<>();
        for (JavaCodeUnit unit : units) {
            if (isOfServer(unit) && readers.contains(unit.getFullName()) && !called.contains(unit.getFullName())) {
                found.add(name(unit));
            }
        }
        return found;
    }

    /**
     * The methods of the server that do not read the store themselves, let somebody else do so, and call none of
     * {@code handOvers} for it.
     *
     * @param handOvers the methods that take work to a thread that may block, as {@code Class.method}
     */
    Set<String> handedToNobody(Set<String> handOvers) {
        Set<String> found = new TreeSet<>();
        for (JavaCodeUnit unit : units) {
            if (isOfServer(unit)
                    && !readers.contains(unit.getFullName())
                    && accesses(unit).anyMatch(access -> isDeferred(unit, access) && reads(access))
                    && accesses(unit)
                            .noneMatch(access -> handOvers.contains(name(
                                    access.getTargetOwner(), access.getTarget().getName())))) {
                found.add(name(unit));
            }
        }
        return found;
    }
}
