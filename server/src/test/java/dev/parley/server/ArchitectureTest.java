package dev.parley.server;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import org.junit.jupiter.api.Test;

/** Who may lean on whom in the server, as drawn in docs/architecture.md. */
class ArchitectureTest {

    private static final JavaClasses SERVER = new ClassFileImporter()
            .withImportOption(new ImportOption.DoNotIncludeTests())
            .importPackages("dev.parley.server");

    @Test
    void packagesHaveNoCycles() {
        slices().matching("dev.parley.server.(*)..").should().beFreeOfCycles().check(SERVER);
    }

    @Test
    void onlyTheCommandLineKnowsTheDoors() {
        noClasses()
                .that()
                .resideOutsideOfPackages("dev.parley.server.cli..", "dev.parley.server.streams..")
                .should()
                .dependOnClassesThat()
                .resideInAPackage("dev.parley.server.streams..")
                .check(SERVER);
    }

    @Test
    void accessKnowsNoProtocol() {
        classes()
                .that()
                .resideInAPackage("dev.parley.server.auth..")
                .should()
                .onlyDependOnClassesThat()
                .resideOutsideOfPackages("io.vertx..", "dev.parley.engine..", "dev.parley.server.http..")
                .check(SERVER);
    }
}
