package dev.parley.engine.registry;

import dev.parley.engine.command.Command;
import dev.parley.engine.session.Agent;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A command that changes the registry. All of these commands have the same key, so one shard applies all of them.
 *
 * @param <O> the outcomes that the command can have
 */
public sealed interface RegistryCommand<O extends RegistryOutcome> extends Command<O> {
    @Override
    default String key() {
        return "registry";
    }

    @Override
    default int weight() {
        return 256;
    }

    @Override
    default boolean stores() {
        return false;
    }

    /** Registers an app. */
    record AddApp(long time, RegisteredApp app) implements RegistryCommand<RegistryOutcome.OfAddApp> {
        @Override
        public int weight() {
            return app.weight();
        }

        @Override
        public boolean stores() {
            return true;
        }
    }

    /** Removes an app: its keys are no longer valid, and its sessions are to be removed. */
    record RemoveApp(long time, String id) implements RegistryCommand<RegistryOutcome.OfRemoveApp> {}

    /** Removes the last trace of an app that was removed, when its sessions are gone. */
    record ForgetApp(long time, String id) implements RegistryCommand<RegistryOutcome.OfForgetApp> {}

    /**
     * Names agents for all sessions of a namespace, and no longer names others.
     *
     * @param namespace as in {@link NamespaceAgents}
     * @param agents those that are named; one with the id of another takes its place
     * @param removed the ids of those that are no longer named
     */
    record NameAgents(long time, String app, String namespace, List<Agent> agents, List<String> removed)
            implements RegistryCommand<RegistryOutcome.OfNameAgents> {
        @Override
        public int weight() {
            return 256 + Agent.sizeOf(agents);
        }

        @Override
        public boolean stores() {
            return true;
        }
    }

    /**
     * Says where the application wants to be told of what happens in the sessions of a namespace.
     *
     * @param namespace as in {@link NamespaceAgents}
     * @param told null if it wants to be told nothing any more
     */
    record SetNotify(
            long time,
            String app,
            String namespace,
            @Nullable NamespaceNotify told) implements RegistryCommand<RegistryOutcome.OfSetNotify> {
        @Override
        public int weight() {
            return 256 + (told == null ? 0 : told.size());
        }

        @Override
        public boolean stores() {
            return true;
        }
    }

    /**
     * Revokes tokens. The command does not count as storing, so that tokens can be revoked even when the disk is full.
     */
    record RevokeTokens(long time, Revocation revocation) implements RegistryCommand<RegistryOutcome.OfRevokeTokens> {
        @Override
        public int weight() {
            return 256 + revocation.keyName().length() + revocation.target().length();
        }
    }

    /**
     * Removes revocations whose tokens have all expired: those of tokens that were issued before {@code issuedBefore}.
     * It is submitted by whoever knows how long tokens live; see {@link Registry#hasRevocationsBefore}.
     */
    record ForgetRevocations(long time, long issuedBefore)
            implements RegistryCommand<RegistryOutcome.OfForgetRevocations> {}
}
