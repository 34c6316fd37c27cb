package dev.parley.examples;

import dev.parley.client.ParleyClient;
import dev.parley.client.TestServer;
import dev.parley.client.agent.ClientSession;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;

/** The session "trip" of an app of its own, with a person, and with an agent that serves until the end. */
final class Scene implements AutoCloseable {
    /** Serves until the latch is open. */
    @FunctionalInterface
    interface Agent {
        void serve(ParleyClient client, CountDownLatch shutdown) throws InterruptedException;
    }

    /** Tells when somebody begins to wait for it: then the agent serves. */
    private static final class Shutdown extends CountDownLatch {
        final CountDownLatch awaited = new CountDownLatch(1);

        Shutdown() {
            super(1);
        }

        @Override
        public void await() throws InterruptedException {
            awaited.countDown();
            super.await();
        }
    }

    private final TestServer server;
    private final String key;
    private final List<ParleyClient> clients = new ArrayList<>();
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private final List<Shutdown> shutdowns = new ArrayList<>();
    private final List<CompletableFuture<Void>> agents = new ArrayList<>();

    Scene(TestServer server) throws Exception {
        this.server = server;
        this.key = server.newKey();
    }

    ParleyClient client(String clientId) {
        ParleyClient client = ParleyClient.of(
                TestServer.options(server.uri(), key).clientId(clientId).build());
        clients.add(client);
        return client;
    }

    ClientSession person() {
        return ClientSession.open(client("ann"), "trip");
    }

    /** Lets an agent serve, and waits until it does. */
    void serve(Agent agent) throws InterruptedException {
        ParleyClient client = client("agent");
        Shutdown shutdown = new Shutdown();
        shutdowns.add(shutdown);
        CompletableFuture<Void> serving = CompletableFuture.runAsync(
                () -> {
                    try {
                        agent.serve(client, shutdown);
                    } catch (InterruptedException e) {
                        throw new IllegalStateException(e);
                    } finally {
                        // An agent that has failed lets nobody wait.
                        shutdown.awaited.countDown();
                    }
                },
                threads);
        agents.add(serving);
        shutdown.awaited.await();
    }

    @Override
    public void close() {
        shutdowns.forEach(CountDownLatch::countDown);
        for (CompletableFuture<Void> agent : agents) {
            agent.orTimeout(30, TimeUnit.SECONDS).join();
        }
        clients.forEach(ParleyClient::close);
        threads.close();
    }
}
