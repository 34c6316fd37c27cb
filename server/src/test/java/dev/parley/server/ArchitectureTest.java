package dev.parley.server;

import static com.tngtech.archunit.core.domain.properties.HasName.Predicates.nameStartingWith;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaCall;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Who may lean on whom in the server, as drawn in docs/architecture.md. */
class ArchitectureTest {

    private static final JavaClasses SERVER = new ClassFileImporter()
            .withImportOption(new ImportOption.DoNotIncludeTests())
            .importPackages("dev.parley.server");

    @Test
    void packagesHaveNoCycles() {
        slices().matching("dev.parley.server.(*)..").should().beFreeOfCycles().check(SERVER);
    }

    @ParameterizedTest
    @ValueSource(strings = {"streams", "realtime", "rest", "session"})
    void onlyTheCommandLineKnowsTheDoors(String door) {
        String packages = "dev.parley.server." + door + "..";
        noClasses()
                .that()
                .resideOutsideOfPackages("dev.parley.server.cli..", packages)
                .should()
                .dependOnClassesThat()
                .resideInAPackage(packages)
                .check(SERVER);
    }

    @Test
    void whatDoorsShareKnowsNoHttp() {
        noClasses()
                .that()
                .resideInAnyPackage("dev.parley.server.wire..", "dev.parley.server.channel..")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage("io.vertx..", "dev.parley.server.http..")
                .check(SERVER);
    }

    /**
     * What AI Transport's messages mean is read in one place, for all doors; one door is about conversations, and agents that are called
     * answer them.
     */
    @Test
    void onlyTheSessionDoorAndAgentsKnowConversations() {
        noClasses()
                .that()
                .resideOutsideOfPackages(
                        "dev.parley.server.channel..", "dev.parley.server.session..", "dev.parley.server.wake..")
                .should()
                .dependOnClassesThat()
                .resideInAPackage("dev.parley.conversation..")
                .check(SERVER);
    }

    /** A reader of a session is for any door, whatever its protocol. */
    @Test
    void readersKnowNoProtocol() {
        noClasses()
                .that()
                .resideInAPackage("dev.parley.server.reading..")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage(
                        "io.vertx..",
                        "dev.parley.server.http..",
                        "dev.parley.server.wire..",
                        "dev.parley.server.auth..")
                .check(SERVER);
    }

    /**
     * Event loops do not read the store: each method that does is reached only through one of the ways in
     * docs/adr/0011.
     */
    @Test
    void theStoreIsReadBesideEventLoops() {
        var readers = new StoreReaders(new ClassFileImporter()
                .withImportOption(new ImportOption.DoNotIncludeTests())
                .importPackages("dev.parley.engine", "dev.parley.server"));
        assertThat(readers.calledByNobody())
                .as("methods that read the store, and that nothing in the server calls")
                .isSubsetOf(
                        // Called for a request on its virtual thread.
                        "dev.parley.server.rest.Routes.answer",
                        // Called by DueCalls, which has a thread of its own, and one for each call.
                        "dev.parley.server.wake.WakeCalls.due",
                        "dev.parley.server.wake.WakeCalls.next",
                        "dev.parley.server.wake.WakeCalls.call",
                        "dev.parley.server.notify.NotifyCalls.due",
                        "dev.parley.server.notify.NotifyCalls.next",
                        "dev.parley.server.notify.NotifyCalls.call");
        assertThat(readers.handedToNobody(Set.of(
                        // The threads for reads of the store.
                        "EventLoop.read",
                        "LogReader.elsewhere",
                        "SessionReader.elsewhere",
                        "SessionReader.open",
                        "Pages.<init>",
                        "Exchange.blocking",
                        // Other ways, each with a bound of its own.
                        "RequestWorkers.work",
                        "RequestWorkers.withoutBody",
                        "Executor.execute",
                        "ExecutorService.execute",
                        "OfVirtual.start")))
                .as("methods that let others read the store, and hand that to no thread that may block")
                .isSubsetOf(
                        // A table of routes, whose handlers are called for a request on its virtual thread.
                        "dev.parley.server.session.SessionRoutes.<clinit>",
                        // These are called by requests that have been handed over.
                        "dev.parley.server.rest.ChannelsResource.get",
                        "dev.parley.server.streams.subscription.SubscriptionManagement.describe",
                        "dev.parley.server.streams.subscription.WakeRequests.claim",
                        // These classes have a thread of their own.
                        "dev.parley.server.streams.subscription.Dispatcher.handle",
                        // The functions that it passes on are called by the two above.
                        "dev.parley.server.streams.subscription.SubscriptionView.<init>");
    }

    /** Whatever blocks has a place: reads of the store go through EventLoop.read. */
    @Test
    void onlyStopsBlockOnThreadsOfVertx() {
        noClasses()
                .that()
                .doNotHaveFullyQualifiedName("dev.parley.server.realtime.RealtimeDoor")
                .should()
                .callMethodWhere(JavaCall.Predicates.target(nameStartingWith("executeBlocking")))
                .check(SERVER);
    }

    @Test
    void onlyOneClassKnowsTheInsidesOfVertx() {
        noClasses()
                .that()
                .doNotHaveFullyQualifiedName("dev.parley.server.loop.Netty")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage("io.vertx.core.internal..", "io.vertx.core.impl..", "io.vertx.core..impl..")
                .check(SERVER);
    }

    @Test
    void accessKnowsNoProtocol() {
        classes()
                .that()
                .resideInAnyPackage("dev.parley.server.auth..", "dev.parley.server.apps..")
                .should()
                .onlyDependOnClassesThat()
                .resideOutsideOfPackages(
                        "io.vertx..",
                        "dev.parley.engine.stream..",
                        "dev.parley.engine.session..",
                        "dev.parley.engine.subscription..",
                        "dev.parley.engine.delivery..",
                        "dev.parley.server.http..")
                .check(SERVER);
    }
}
