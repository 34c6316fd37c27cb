package dev.parley.conversation;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.util.Date;
import java.util.Locale;
import java.util.Random;
import java.util.Timer;
import java.util.UUID;
import org.junit.jupiter.api.Test;

/** The conversation reads no clock, does no I/O and starts no thread: it has nothing to do it with. */
class ArchitectureTest {
    private static final JavaClasses CLASSES = new ClassFileImporter()
            .withImportOption(new ImportOption.DoNotIncludeTests())
            .importPackages("dev.parley.conversation");

    @Test
    void itLeansOnlyOnJacksonAndPlainValues() {
        classes()
                .should()
                .onlyDependOnClassesThat()
                .resideInAnyPackage(
                        "dev.parley.conversation..",
                        "java.lang",
                        "java.lang.invoke",
                        "java.lang.runtime",
                        "java.nio.charset",
                        "java.util",
                        "java.util.function",
                        "java.util.stream",
                        "org.jspecify.annotations",
                        "tools.jackson.core..",
                        "tools.jackson.databind..")
                .check(CLASSES);
    }

    @Test
    void whatItMakesFollowsFromWhatItIsGiven() {
        noClasses()
                .should()
                .dependOnClassesThat()
                .belongToAnyOf(
                        Thread.class, System.class, Random.class, UUID.class, Timer.class, Date.class, Locale.class)
                .check(CLASSES);
    }
}
