package dev.parley.engine;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.library.Architectures;
import java.security.SecureRandom;
import java.util.Random;
import java.util.UUID;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;

/** Who may lean on whom in the engine. */
class ArchitectureTest {
    private static final String ENGINE = "dev.parley.engine";

    private final JavaClasses engine = new ClassFileImporter()
            .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
            .importPackages(ENGINE);

    @Test
    void packagesHaveNoCycles() {
        slices().matching(ENGINE + ".(*)..").should().beFreeOfCycles().check(engine);
    }

    /** Each concept of sessions has a package. They build on what commands and entries are made of, which knows none of them. */
    @Test
    void conceptsOfSessionsHaveNoCycles() {
        slices().matching(ENGINE + ".session.(*)..").should().beFreeOfCycles().check(engine);
        noClasses()
                .that()
                .resideInAPackage(ENGINE + ".session")
                .should()
                .dependOnClassesThat()
                .resideInAPackage(ENGINE + ".session.*..")
                .check(engine);
        noClasses()
                .that()
                .resideInAPackage(ENGINE + ".session..")
                .and()
                .resideOutsideOfPackage(ENGINE + ".session.machine")
                .should()
                .dependOnClassesThat()
                .resideInAPackage(ENGINE + ".session.machine")
                .check(engine);
    }

    /** The journal's bytes do not change because those of the store do. */
    @Test
    void codecsOfCommandsDoNotLeanOnRows() {
        classes()
                .that()
                .resideInAPackage(ENGINE + ".session.codec")
                .should()
                .onlyDependOnClassesThat()
                .resideInAnyPackage(
                        ENGINE + ".session", ENGINE + ".session.codec", ENGINE + ".codec", "java..", "org.jspecify..")
                .check(engine);
        noClasses()
                .that()
                .haveSimpleNameEndingWith("CommandCodec")
                .or()
                .haveSimpleNameEndingWith("Values")
                .should()
                .dependOnClassesThat()
                .haveSimpleNameEndingWith("Rows")
                .check(engine);
    }

    @Test
    void arrowsPointOneWay() {
        Architectures.layeredArchitecture()
                .consideringOnlyDependenciesInLayers()
                .layer("engine")
                .definedBy(ENGINE)
                .layer("delivery")
                .definedBy(ENGINE + ".delivery..")
                .layer("machines")
                .definedBy(
                        ENGINE + ".stream..", ENGINE + ".subscription..", ENGINE + ".session..", ENGINE + ".registry..")
                .layer("store")
                .definedBy(ENGINE + ".store..")
                .layer("journal")
                .definedBy(ENGINE + ".journal..")
                .whereLayer("engine")
                .mayNotBeAccessedByAnyLayer()
                .whereLayer("delivery")
                .mayOnlyBeAccessedByLayers("engine")
                .whereLayer("machines")
                .mayOnlyBeAccessedByLayers("engine", "delivery")
                .whereLayer("store")
                .mayOnlyBeAccessedByLayers("engine", "machines")
                .whereLayer("journal")
                .mayOnlyBeAccessedByLayers("engine")
                .check(engine);
    }

    @Test
    void theEngineLeansOnLittle() {
        classes()
                .should()
                .onlyDependOnClassesThat()
                .resideInAnyPackage(
                        ENGINE + "..",
                        "java..",
                        "org.slf4j..",
                        "org.jspecify..",
                        "org.rocksdb..",
                        "com.google.errorprone.annotations..")
                .check(engine);
        noClasses()
                .that()
                .resideOutsideOfPackage(ENGINE + ".store..")
                .should()
                .dependOnClassesThat()
                .resideInAPackage("org.rocksdb..")
                .check(engine);
    }

    /** Same commands, same entries: time, ids and luck come with the command. */
    @Test
    void stateMachinesAreDeterministic() {
        noClasses()
                .that()
                .resideInAnyPackage(
                        ENGINE + ".stream..",
                        ENGINE + ".subscription..",
                        ENGINE + ".session..",
                        ENGINE + ".registry..",
                        ENGINE + ".life..",
                        ENGINE + ".identity..",
                        ENGINE + ".command..")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage("java.time..", "java.io..", "java.nio.file..", "java.net..")
                .orShould()
                .dependOnClassesThat()
                .areAssignableTo(RandomGenerator.class)
                .orShould()
                .dependOnClassesThat()
                .belongToAnyOf(Random.class, SecureRandom.class, UUID.class)
                .orShould()
                .callMethod(System.class, "currentTimeMillis")
                .orShould()
                .callMethod(System.class, "nanoTime")
                .orShould()
                .callMethod(System.class, "getenv", String.class)
                .orShould()
                .callMethod(System.class, "getProperty", String.class)
                .orShould()
                .callMethod(Math.class, "random")
                .check(engine);
    }
}
