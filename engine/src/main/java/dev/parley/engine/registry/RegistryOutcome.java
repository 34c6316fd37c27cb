package dev.parley.engine.registry;

/** The outcome of a command of the registry. */
public sealed interface RegistryOutcome {
    /** The outcome of {@link RegistryCommand.AddApp}. */
    sealed interface OfAddApp extends RegistryOutcome permits Done, IdTaken, TooManyApps {}

    /** The outcome of {@link RegistryCommand.RemoveApp}. */
    sealed interface OfRemoveApp extends RegistryOutcome permits Done, NoSuchApp {}

    /** The outcome of {@link RegistryCommand.ForgetApp}. */
    sealed interface OfForgetApp extends RegistryOutcome permits Done, NoSuchApp {}

    /** The outcome of {@link RegistryCommand.RevokeTokens}. */
    sealed interface OfRevokeTokens extends RegistryOutcome permits Done, TooManyRevocations {}

    /** The outcome of {@link RegistryCommand.ForgetRevocations}. */
    sealed interface OfForgetRevocations extends RegistryOutcome permits Forgotten {}

    /** The outcome of {@link RegistryCommand.NameAgents}. */
    sealed interface OfNameAgents extends RegistryOutcome
            permits Done, NoSuchApp, TooManyAgents, TooManyNamespaces, AgentsTooLarge {}

    /** The outcome of {@link RegistryCommand.SetNotify}. */
    sealed interface OfSetNotify extends RegistryOutcome permits Done, NoSuchApp, TooManyNamespaces {}

    /** The command has taken effect, or changes nothing. */
    record Done() implements OfAddApp, OfRemoveApp, OfForgetApp, OfRevokeTokens, OfNameAgents, OfSetNotify {}

    /** There is an app with this id already. It may be a removed one whose sessions may still exist. */
    record IdTaken() implements OfAddApp {}

    /** The registry has the greatest number of apps. */
    record TooManyApps(int max) implements OfAddApp {}

    /** There is no such app in the state that the command needs. */
    record NoSuchApp() implements OfRemoveApp, OfForgetApp, OfNameAgents, OfSetNotify {}

    /** The greatest number of revocations is in force. */
    record TooManyRevocations(int max) implements OfRevokeTokens {}

    /** This number of revocations was removed. If it is {@link RegistryMachine#MAX_FORGOTTEN}, more may be due. */
    record Forgotten(int revocations) implements OfForgetRevocations {}

    /** A namespace names the greatest number of agents. */
    record TooManyAgents(int max) implements OfNameAgents {}

    /** The greatest number of namespaces has named agents. */
    record TooManyNamespaces(int max) implements OfNameAgents, OfSetNotify {}

    /** The agents of a namespace have the greatest size, in bytes. */
    record AgentsTooLarge(int max) implements OfNameAgents {}
}
