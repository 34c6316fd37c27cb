package dev.parley.engine.registry;

import dev.parley.engine.command.Command;

/**
 * Changes the registry. All its commands have the same key, and so one shard applies all of them.
 *
 * @param <O> what may become of it
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

    /** Ends an app: its keys are no longer valid, and its sessions are to be removed. */
    record RemoveApp(long time, String id) implements RegistryCommand<RegistryOutcome.OfRemoveApp> {}

    /** Forgets an app that was removed, once its sessions are gone. */
    record ForgetApp(long time, String id) implements RegistryCommand<RegistryOutcome.OfForgetApp> {}

    /** Revokes tokens. It does not count as storing, so that tokens can still be revoked when the disk is full. */
    record RevokeTokens(long time, Revocation revocation) implements RegistryCommand<RegistryOutcome.OfRevokeTokens> {
        @Override
        public int weight() {
            return 256 + revocation.keyName().length() + revocation.target().length();
        }
    }

    /**
     * Forgets revocations whose tokens have all expired by themselves: those of tokens that were issued before {@code
     * issuedBefore}. Who knows how long tokens live submits it; see {@link Registry#hasRevocationsBefore}.
     */
    record ForgetRevocations(long time, long issuedBefore)
            implements RegistryCommand<RegistryOutcome.OfForgetRevocations> {}
}
