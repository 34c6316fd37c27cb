package dev.parley.engine.registry;

/** What became of a command of the registry. */
public sealed interface RegistryOutcome {
    /** What may become of {@link RegistryCommand.AddApp}. */
    sealed interface OfAddApp extends RegistryOutcome permits Done, IdTaken, TooManyApps {}

    /** What may become of {@link RegistryCommand.RemoveApp}. */
    sealed interface OfRemoveApp extends RegistryOutcome permits Done, NoSuchApp {}

    /** What may become of {@link RegistryCommand.ForgetApp}. */
    sealed interface OfForgetApp extends RegistryOutcome permits Done, NoSuchApp {}

    /** What may become of {@link RegistryCommand.RevokeTokens}. */
    sealed interface OfRevokeTokens extends RegistryOutcome permits Done, TooManyRevocations {}

    /** What may become of {@link RegistryCommand.ForgetRevocations}. */
    sealed interface OfForgetRevocations extends RegistryOutcome permits Forgotten {}

    /** It is so now. */
    record Done() implements OfAddApp, OfRemoveApp, OfForgetApp, OfRevokeTokens {}

    /** There is an app with this id already, which may be removed and not forgotten. */
    record IdTaken() implements OfAddApp {}

    /** The registry has as many apps as it may have. */
    record TooManyApps(int max) implements OfAddApp {}

    /** There is no such app in the state that the command needs. */
    record NoSuchApp() implements OfRemoveApp, OfForgetApp {}

    /** As many revocations are in force as there may be. */
    record TooManyRevocations(int max) implements OfRevokeTokens {}

    /** So many revocations were forgotten. There may be more that are due if it is {@link RegistryMachine#MAX_FORGOTTEN}. */
    record Forgotten(int revocations) implements OfForgetRevocations {}
}
