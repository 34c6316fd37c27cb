package dev.parley.server.streams.subscription;

import dev.parley.engine.Engine;
import dev.parley.engine.memory.Owner;
import dev.parley.engine.memory.OwnerShares;
import dev.parley.engine.memory.Reservation;
import dev.parley.engine.memory.Room;
import dev.parley.engine.subscription.Glob;
import dev.parley.engine.subscription.StreamTail;
import dev.parley.engine.subscription.Subscription;
import dev.parley.engine.subscription.SubscriptionCommand.AddStreams;
import dev.parley.engine.subscription.SubscriptionCommand.Create;
import dev.parley.engine.subscription.SubscriptionCommand.Delete;
import dev.parley.engine.subscription.SubscriptionCommand.RemoveStream;
import dev.parley.engine.subscription.SubscriptionConfig;
import dev.parley.engine.subscription.SubscriptionConfig.PullWake;
import dev.parley.engine.subscription.SubscriptionMachine;
import dev.parley.engine.subscription.SubscriptionOutcome;
import dev.parley.engine.subscription.SubscriptionState;
import dev.parley.engine.subscription.Upkeep;
import dev.parley.server.auth.CapabilityOp;
import dev.parley.server.auth.Principal;
import dev.parley.server.http.RefusedException;
import java.time.InstantSource;
import java.util.List;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** The requests that create, describe, change and delete subscriptions. They block. */
final class SubscriptionManagement {
    /** The number of subscriptions that a server can have. */
    static final int MAX_SUBSCRIPTIONS = 10_000;

    /** The greatest sum of the paths to which a new subscription is linked, in characters. */
    static final int MAX_LINKED_CHARS = 4 << 20;

    private final Engine engine;
    private final SubscriptionCommands commands;
    private final SubscriptionView view;
    private final Upkeep upkeep;
    private final InstantSource clock;

    SubscriptionManagement(Engine engine, SubscriptionCommands commands, SubscriptionView view, InstantSource clock) {
        this.engine = engine;
        this.commands = commands;
        this.view = view;
        this.upkeep = view.upkeep();
        this.clock = clock;
    }

    /**
     * Creates a subscription, or confirms that it exists in this form.
     *
     * @param baseUrl the address at which the client reached this server
     * @param principal the client
     * @param owner whoever the memory of the subscription is counted for, or null
     * @param room where the memory for the answer is reserved
     */
    SubscriptionAnswer create(
            String id, SubscriptionConfig config, String baseUrl, Principal principal, @Nullable Owner owner, Room room)
            throws RefusedException {
        require(principal, CapabilityOp.READ, config.streams());
        if (config.pattern() != null) {
            require(principal, CapabilityOp.READ, List.of(config.pattern(), Glob.withoutTrailingAny(config.pattern())));
        }
        if (config.target() instanceof PullWake pull) {
            require(principal, CapabilityOp.APPEND, List.of(pull.wakeStream()));
        }
        Subscription known = engine.subscriptions().find(id);
        if (known == null) {
            requireRoomForOneMore(owner);
        }
        long now = clock.millis();
        List<StreamTail> tails = known == null ? tailsFor(config, now) : List.of();
        Create command = new Create(id, now, config, baseUrl, owner, tails);
        return SubscriptionAnswer.large(
                known == null ? SubscriptionView.bytes(tails) : SubscriptionView.bytes(known),
                room,
                () -> create(command));
    }

    private void requireRoomForOneMore(@Nullable Owner owner) throws RefusedException {
        if (engine.subscriptions().count() >= MAX_SUBSCRIPTIONS) {
            throw SubscriptionRefusals.tooMany(
                    "This server has " + MAX_SUBSCRIPTIONS + " subscriptions, which is the limit.");
        }
        if (owner != null) {
            for (Owner of : List.of(owner, owner.whole())) {
                long most = OwnerShares.part(MAX_SUBSCRIPTIONS, of);
                if (engine.subscriptions().count(of) >= most) {
                    throw SubscriptionRefusals.tooMany(SubscriptionRefusals.whose(of) + " has " + most
                            + " subscriptions, which is the limit; delete those that are not needed.");
                }
            }
        }
    }

    private SubscriptionAnswer.Small create(Create command) throws RefusedException {
        SubscriptionOutcome.OfCreate outcome;
        try (Reservation links = engine.subscriptions().reserve(command)) {
            outcome = commands.submit(command, links, command.owner());
        }
        return switch (outcome) {
            case SubscriptionOutcome.Created c ->
                new SubscriptionAnswer.Small(201, view.describe(commands.find(command.id()), command.baseUrl()));
            case SubscriptionOutcome.Confirmed c ->
                new SubscriptionAnswer.Small(200, view.describe(commands.find(command.id()), command.baseUrl()));
            case SubscriptionOutcome.ConfigDiffers c ->
                throw new RefusedException(
                        409, "SUBSCRIPTION_ALREADY_EXISTS", "The subscription exists with a different configuration.");
            case SubscriptionOutcome.TooManyLinks(int limit) -> throw SubscriptionRefusals.tooManyLinks(limit);
        };
    }

    /** The streams that a new subscription is linked to: those that it names, and the existing ones that its pattern covers. */
    private List<StreamTail> tailsFor(SubscriptionConfig config, long now) throws RefusedException {
        TreeSet<String> paths = new TreeSet<>(config.streams());
        long[] chars = {paths.stream().mapToLong(String::length).sum()};
        if (config.pattern() != null) {
            engine.streams().forEach(Glob.literalPrefix(config.pattern()), stream -> {
                // One more than the limit is enough to refuse the subscription.
                if (paths.size() <= SubscriptionMachine.MAX_LINKS
                        && stream.visible(now)
                        && config.matches(stream.path())
                        && paths.add(stream.path())) {
                    chars[0] += stream.path().length();
                }
            });
        }
        if (paths.size() > SubscriptionMachine.MAX_LINKS || chars[0] > MAX_LINKED_CHARS) {
            throw SubscriptionRefusals.tooManyLinks(SubscriptionMachine.MAX_LINKS);
        }
        return paths.stream().map(path -> upkeep.tail(path, now)).toList();
    }

    SubscriptionAnswer addStreams(String id, List<String> streams, Principal principal) throws RefusedException {
        require(principal, CapabilityOp.READ, streams);
        SubscriptionState known = commands.find(id).state();
        if (known.config().target() instanceof PullWake pull && streams.contains(pull.wakeStream())) {
            throw SubscriptionRequests.invalid("The wake stream cannot be one of the streams.");
        }
        long now = clock.millis();
        List<StreamTail> tails =
                streams.stream().distinct().map(path -> upkeep.tail(path, now)).toList();
        AddStreams command = new AddStreams(id, now, tails);
        Owner owner = known.owner();
        try (Reservation links = engine.subscriptions().reserve(command)) {
            return SubscriptionCommands.changed(commands.submit(command, links, owner));
        }
    }

    SubscriptionAnswer removeStream(String id, String path) throws RefusedException {
        return SubscriptionCommands.changed(commands.submit(new RemoveStream(id, clock.millis(), path)));
    }

    /** Checks that the client may do this itself, because a subscription shows the streams that it follows. */
    private static void require(Principal principal, CapabilityOp operation, List<String> paths)
            throws RefusedException {
        for (String path : paths) {
            if (!principal.may(operation, path)) {
                throw new RefusedException(
                        403,
                        "FORBIDDEN",
                        "These credentials do not allow the operation " + operation.wireName() + " " + path + ".");
            }
        }
    }

    /** Describes a subscription. */
    SubscriptionAnswer describe(String id, String baseUrl, Room room) throws RefusedException {
        Subscription subscription = commands.find(id);
        return SubscriptionAnswer.large(
                SubscriptionView.bytes(subscription),
                room,
                () -> new SubscriptionAnswer.Small(200, view.describe(subscription, baseUrl)));
    }

    SubscriptionAnswer delete(String id) throws RefusedException {
        commands.submit(new Delete(id, clock.millis()));
        return SubscriptionAnswer.NO_CONTENT;
    }
}
