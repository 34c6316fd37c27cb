package dev.parley.client.agent;

import dev.parley.client.Control;
import dev.parley.client.Gap;
import dev.parley.client.NewMessage;
import dev.parley.client.ParleyClient;
import dev.parley.client.ParleyException;
import dev.parley.client.Registration;
import dev.parley.client.Session;
import dev.parley.conversation.Conversation;
import dev.parley.conversation.Inputs;
import dev.parley.conversation.Message;
import dev.parley.conversation.Node;
import dev.parley.conversation.OutboundMessage;
import dev.parley.conversation.Part;
import dev.parley.conversation.RunMessages;
import dev.parley.conversation.RunStatus;
import dev.parley.conversation.SessionMessage;
import dev.parley.conversation.ToolCall;
import dev.parley.conversation.View;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * A person's side of a session: says things, steers and stops agents, answers what they ask, and shows the conversation as it
 * grows.
 *
 * <p>Methods that send block until what is sent is durable; it is then in the conversation. Safe for use by several threads.
 */
public final class ClientSession implements AutoCloseable {
    /** Where a call of a tool stands. */
    private record Place(String runId, String messageId) {}

    private final SharedConversation shared;
    private final @Nullable String clientId;
    private final ClientView view;
    private final List<Consumer<Conversation.Change>> listeners = new CopyOnWriteArrayList<>();
    private final List<Consumer<Control>> controlListeners = new CopyOnWriteArrayList<>();

    private ClientSession(ParleyClient client, String name, long conversationLimit) {
        this.shared = new SharedConversation(client.session(name), conversationLimit, Set::of);
        client.connection().connect();
        this.clientId = AgentSession.clientId(client);
        this.view = new ClientView(shared);
        shared.onDelivery(delivery -> {
            delivery.changes().forEach(change -> listeners.forEach(listener -> listener.accept(change)));
            SessionMessage message = delivery.message();
            if (message != null && Control.MESSAGE.equals(message.name())) {
                Control now = control();
                controlListeners.forEach(listener -> listener.accept(now));
            }
        });
    }

    /**
     * Attaches the session of this name. What was said before is there when it is {@linkplain ClientView#loadOlder loaded}. Holds
     * up to 8,000,000 characters of the conversation, which are its newest part.
     *
     * @param client connects the person
     * @param sessionName the name of the session
     * @return the session, attached
     */
    public static ClientSession open(ParleyClient client, String sessionName) {
        return open(client, sessionName, SharedConversation.LIMIT);
    }

    /**
     * Attaches the session of this name.
     *
     * @param client connects the person
     * @param sessionName the name of the session
     * @param conversationLimit how much of the session is held, in characters as {@link Conversation#size} counts them. When it is
     *     more, the oldest part is let go, down to half of it; no more than the limit is loaded
     * @return the session, attached
     */
    public static ClientSession open(ParleyClient client, String sessionName, long conversationLimit) {
        ClientSession session = new ClientSession(client, sessionName, conversationLimit);
        try {
            session.shared.attach();
        } catch (RuntimeException e) {
            session.shared.close();
            throw e;
        }
        return session;
    }

    /** {@return the session as it is without conversations} */
    public Session session() {
        return shared.session();
    }

    // What is shown

    /** {@return the view after whose last message new ones are sent} */
    public ClientView view() {
        return view;
    }

    /** {@return another view, with selections of its own} */
    public ClientView newView() {
        return new ClientView(shared);
    }

    /** {@return the messages of {@link #view}} */
    public List<Message> messages() {
        return view.messages();
    }

    /** {@return all nodes of the conversation's tree, of all branches, as far as they are loaded} */
    public List<Node> tree() {
        return shared.read(Conversation::nodes);
    }

    /**
     * Asks the conversation something, without anything changing meanwhile. What is returned must not be bound to it.
     *
     * @param <T> what the answer is
     * @param question is asked while nothing changes; must not block
     * @return the answer
     */
    public <T> T read(Function<Conversation, T> question) {
        return shared.read(question);
    }

    /**
     * Calls {@code listener} with each change of the conversation, by others and by what is said here, on the thread of
     * the session's listeners: one that blocks slows the session down. A structural change of no node says that anything may
     * have changed: the history was read again after a {@link Gap}, or the oldest part of the conversation was let go. What a
     * view {@linkplain ClientView#loadOlder loads} is not told.
     *
     * @param listener is called with each change
     * @return what removes the listener
     */
    public Registration onChange(Consumer<Conversation.Change> listener) {
        listeners.add(listener);
        return () -> listeners.remove(listener);
    }

    /**
     * {@return the run that has taken up an input last, as it now stands; empty if none has}
     *
     * @param sent the input
     */
    public Optional<Node.Run> runOf(Sent sent) {
        String runId = sent.runId() == null ? shared.runOf(sent.messageId()) : sent.runId();
        return runId == null ? Optional.empty() : shared.read(conversation -> conversation.run(runId));
    }

    /**
     * Waits until the run that has taken up an input has something to say for itself: it has ended (complete, cancelled or failed),
     * or is suspended and waits for somebody. It returns at once if that is so already: also for an answer to a suspended run, as
     * long as no agent has gone on with it. {@link #awaitEnd} waits for the end over all suspensions.
     *
     * <p>Any number of threads may wait. A listener must not: what it waits for would be delivered on its own thread.
     *
     * @param sent the input
     * @param atMost how long this waits at most; looks once if that is zero or negative
     * @return the run as it then stands; empty if that has not happened in time, perhaps because no agent has taken up the input
     * @throws java.util.concurrent.CancellationException if the thread is interrupted; its flag is set
     * @throws ParleyException if the session has failed
     * @throws IllegalStateException if this was closed, or the session is detached
     */
    public Optional<Node.Run> awaitRun(Sent sent, Duration atMost) {
        return await(sent, status -> status != RunStatus.ACTIVE, atMost);
    }

    /**
     * Waits until the run that has taken up an input has ended: complete, cancelled or failed. Suspensions do not end the wait,
     * however often the run is suspended and whoever goes on with it. Once the run is known it is waited for, also if the part of
     * the conversation in which it began is let go meanwhile.
     *
     * <p>A run whose place another has taken, by {@link #toolResultFork}, does not end; the run of the answer does. Everything
     * else is as with {@link #awaitRun}.
     *
     * @param sent the input
     * @param atMost how long this waits at most, over all suspensions; looks once if that is zero or negative
     * @return the run as it has ended; empty if it has not in time
     * @throws java.util.concurrent.CancellationException if the thread is interrupted; its flag is set
     * @throws ParleyException if the session has failed
     * @throws IllegalStateException if this was closed, or the session is detached
     */
    public Optional<Node.Run> awaitEnd(Sent sent, Duration atMost) {
        return await(sent, RunStatus::isTerminal, atMost);
    }

    private Optional<Node.Run> await(Sent sent, Predicate<RunStatus> ends, Duration atMost) {
        AtomicReference<@Nullable String> known = new AtomicReference<>(sent.runId());
        return Optional.ofNullable(shared.await(
                conversation -> {
                    String latest = sent.runId() == null ? shared.runOf(sent.messageId()) : sent.runId();
                    String runId = latest == null ? known.get() : latest;
                    known.set(runId);
                    Node.Run run =
                            runId == null ? null : conversation.run(runId).orElse(null);
                    return run != null && ends.test(run.status()) ? run : null;
                },
                atMost));
    }

    // Who has the control

    /** {@return who has the control, as the session's log says as far as it is known here} */
    public Control control() {
        return shared.readControl(ControlLog::control);
    }

    /**
     * Takes over: what agents say is refused from now on, until the control is {@linkplain #giveBack given back}.
     *
     * @return the control
     * @throws ParleyException.Refused with the code 40981 if another person has the control
     */
    public Control takeOver() {
        return session().control().take();
    }

    /**
     * Gives the control back to the agent, which goes on with what it was doing, and is told what was said meanwhile.
     *
     * @return the control
     */
    public Control giveBack() {
        return session().control().giveBack();
    }

    /**
     * Calls {@code listener} with each change of the control, on the thread of the session's listeners.
     *
     * @param listener is called with each change; must not block
     * @return what removes the listener
     */
    public Registration onControl(Consumer<Control> listener) {
        controlListeners.add(listener);
        return () -> controlListeners.remove(listener);
    }

    // What is said

    /**
     * Says something after the last message of {@link #view}.
     *
     * @param text what is said
     * @return the input
     */
    public Sent send(String text) {
        return send(view, List.of(new Part.Text(text)));
    }

    /**
     * Says something after the last message of a view: texts, files and data.
     *
     * @param in the view
     * @param parts what is said
     * @return the input
     */
    public Sent send(ClientView in, List<Part> parts) {
        String parent = in.ask(View::leaf).orElse(null);
        return say(Inputs.Placement.after(parent, Ids.next(), Ids.next(), clientId), parts);
    }

    /**
     * Says something to an agent that is at work in a run: it takes account of it before the next round.
     *
     * @param runId the id of the run
     * @param text what is said
     * @return the input
     */
    public Sent steer(String runId, String text) {
        return steer(runId, List.of(new Part.Text(text)));
    }

    /**
     * Says something to an agent that is at work in a run, or that waits for it.
     *
     * @param runId the id of the run
     * @param parts what is said
     * @return the input
     */
    public Sent steer(String runId, List<Part> parts) {
        return say(Inputs.Placement.in(runId, Ids.next(), Ids.next(), clientId), parts);
    }

    /**
     * Says something else instead of an earlier message, and shows that from now on.
     *
     * @param messageId the id of the earlier message
     * @param parts what is said instead
     * @return the input
     */
    public Sent edit(String messageId, List<Part> parts) {
        String parent = view.ask(asked -> asked.before(messageId)).orElse(null);
        Sent sent = say(new Inputs.Placement(Ids.next(), Ids.next(), clientId, null, parent, messageId), parts);
        view.ask(asked -> {
            asked.selectInput(sent.messageId());
            return sent;
        });
        return sent;
    }

    private Sent say(Inputs.Placement placement, List<Part> parts) {
        return publish(placement, Inputs.userMessage(placement, placement.messageId(), parts));
    }

    /**
     * Asks for a message of an agent to be generated anew, and shows the newest from now on.
     *
     * @param messageId the id of the message
     * @return the input
     * @throws IllegalArgumentException if there is no such message, or it is not an agent's
     */
    public Sent regenerate(String messageId) {
        View.Regeneration asked = view.ask(shown -> shown.regeneration(messageId))
                .orElseThrow(() -> new IllegalArgumentException("There is no agent's message " + messageId + "."));
        Inputs.Placement placement = Inputs.Placement.after(asked.parent(), Ids.next(), Ids.next(), clientId);
        Sent sent = publish(placement, List.of(Inputs.regenerate(placement, asked.target())));
        view.ask(shown -> {
            shown.selectNewest(messageId);
            return sent;
        });
        return sent;
    }

    /**
     * Asks the agent to stop that answers an input, also if it has not begun yet.
     *
     * @param sent the input
     */
    public void cancel(Sent sent) {
        boolean isKnown = sent.runId() != null;
        publish(RunMessages.cancel(Ids.next(), sent.runId(), isKnown ? null : sent.messageId()));
    }

    /**
     * Asks the agent to stop that is at work in a run.
     *
     * @param runId the id of the run
     */
    public void cancel(String runId) {
        publish(RunMessages.cancel(Ids.next(), runId, null));
    }

    /**
     * Approves a call of a tool, or does not.
     *
     * @param toolCallId the id of the call
     * @param approved whether it may be executed
     * @param reason why, for the model; null if nothing is said
     * @return the answer as an input
     * @throws IllegalArgumentException if there is no such call
     * @throws ParleyException.Refused with the code 40982 if somebody else was first, whom the message names, or if nobody waits
     *     for the answer any longer; with the code 40983 if others are asked
     */
    public Sent approve(String toolCallId, boolean approved, @Nullable String reason) {
        return answer(toolCallId, placement -> Inputs.approval(placement, toolCallId, approved, reason));
    }

    /**
     * {@return the calls of tools in a run of which it is not known whether they have had an effect, and which nobody has settled}
     *
     * @param runId the id of the run
     */
    public List<UnknownOutcome> unknownOutcomes(String runId) {
        shared.findFrames(runId);
        return shared.read(
                conversation -> UnknownOutcomes.in(conversation, session().name(), runId));
    }

    /**
     * Settles a call of a tool whose outcome was not known: the first settlement or answer that the session has counts, of a person
     * or of an agent, and all later ones have no effect.
     *
     * @param call the call
     * @param settlement what has become of it
     * @return the input that settles the call, if the session has it just so, by this or by an equal settlement before; empty if
     *     this has no effect, since something else was said before, or the run has ended or went on
     * @throws IllegalArgumentException if the call is of another session
     */
    public Optional<Sent> settle(UnknownOutcome call, Settlement settlement) {
        return UnknownOutcomes.settle(shared, clientId, call, settlement);
    }

    /**
     * Gives the result of a call of a tool that runs here, or that nobody knew the outcome of: as {@link #settle} does then, without
     * an effect if something else was said before.
     *
     * @param toolCallId the id of the call
     * @param output the result, or null
     * @return the answer as an input
     * @throws IllegalArgumentException if there is no such call
     */
    public Sent toolResult(String toolCallId, @Nullable JsonNode output) {
        return answer(
                toolCallId,
                new Settlement.Result(output),
                placement -> Inputs.toolResult(placement, toolCallId, output));
    }

    /**
     * Tells that a call of a tool that runs here has failed, or one that nobody knew the outcome of; see {@link #toolResult}.
     *
     * @param toolCallId the id of the call
     * @param message what went wrong, for the model
     * @return the answer as an input
     * @throws IllegalArgumentException if there is no such call
     */
    public Sent toolError(String toolCallId, String message) {
        return answer(
                toolCallId,
                new Settlement.Failure(message),
                placement -> Inputs.toolResultError(placement, toolCallId, message));
    }

    /**
     * Gives the result of a call of a tool that runs here to a run of its own, which takes the place of the one that waits for
     * it. If several people give results at the same time, each of them gets a branch.
     *
     * @param toolCallId the id of the call
     * @param output the result, or null
     * @return the answer as an input
     * @throws IllegalArgumentException if no run is suspended with such a call
     */
    public Sent toolResultFork(String toolCallId, @Nullable JsonNode output) {
        Node.Run suspended = shared.find(conversation -> waitingFor(conversation, toolCallId));
        if (suspended == null) {
            throw noCall(toolCallId);
        }
        Inputs.Placement placement = Inputs.Placement.after(suspended.parent(), Ids.next(), Ids.next(), clientId);
        List<String> copies =
                suspended.messages().stream().map(message -> Ids.next()).toList();
        return publish(
                placement, List.of(Inputs.toolResultFork(placement, suspended, toolCallId, output, null, copies)));
    }

    private static IllegalArgumentException noCall(String toolCallId) {
        return new IllegalArgumentException("There is no call " + toolCallId + ".");
    }

    /** Answers a call, or settles it if its outcome was not known: then somebody else may do so as well. */
    private Sent answer(String toolCallId, Settlement settlement, Function<Inputs.Placement, OutboundMessage> answer) {
        Place place = requirePlace(toolCallId);
        UnknownOutcome unknown = noted(place.runId(), toolCallId).orElse(null);
        if (unknown == null
                || shared.read(
                        conversation -> UnknownOutcomes.isNotDone(conversation, unknown.key(), unknown.attempts()))) {
            return answer(toolCallId, answer);
        }
        return settle(unknown, settlement).orElseGet(() -> UnknownOutcomes.sent(unknown));
    }

    private Optional<UnknownOutcome> noted(String runId, String toolCallId) {
        Function<Conversation, Optional<UnknownOutcome>> noted =
                conversation -> UnknownOutcomes.noted(conversation, session().name(), runId, toolCallId);
        if (shared.read(noted).isEmpty()) {
            return Optional.empty();
        }
        // All attempts count, also those that are not loaded yet.
        shared.findFrames(runId);
        return shared.read(noted);
    }

    private Place requirePlace(String toolCallId) {
        Place place = shared.find(conversation -> place(conversation, toolCallId));
        if (place == null) {
            throw noCall(toolCallId);
        }
        return place;
    }

    private Sent answer(String toolCallId, Function<Inputs.Placement, OutboundMessage> answer) {
        Place place = requirePlace(toolCallId);
        Inputs.Placement placement =
                new Inputs.Placement(Ids.next(), place.messageId(), clientId, place.runId(), place.messageId(), null);
        return publish(placement, List.of(answer.apply(placement)));
    }

    private static @Nullable Place place(Conversation conversation, String toolCallId) {
        Place found = null;
        for (Node node : conversation.nodes()) {
            if (node instanceof Node.Run run && !run.superseded()) {
                for (Message message : run.messages()) {
                    boolean isThere = message.toolCalls().stream()
                            .anyMatch(call -> call.toolCallId().equals(toolCallId));
                    found = isThere ? new Place(run.key(), message.id()) : found;
                }
            }
        }
        return found;
    }

    /** The last run that waits for the result of a call, also if somebody else's result has taken its place. */
    private static Node.@Nullable Run waitingFor(Conversation conversation, String toolCallId) {
        Node.Run found = null;
        for (Node node : conversation.nodes()) {
            if (node instanceof Node.Run run && run.status() == RunStatus.SUSPENDED) {
                boolean waits = run.messages().stream()
                        .flatMap(message -> message.toolCalls().stream())
                        .anyMatch(call ->
                                call.toolCallId().equals(toolCallId) && call.state() == ToolCall.State.INPUT_AVAILABLE);
                found = waits ? run : found;
            }
        }
        return found;
    }

    private Sent publish(Inputs.Placement placement, List<OutboundMessage> messages) {
        publish(messages.toArray(OutboundMessage[]::new));
        return new Sent(
                placement.eventId(),
                placement.messageId(),
                placement.runId(),
                new Invocation(placement.eventId(), session().name()));
    }

    private void publish(OutboundMessage... messages) {
        NewMessage[] written = new NewMessage[messages.length];
        for (int i = 0; i < messages.length; i++) {
            written[i] = SessionMessages.write(messages[i]);
        }
        List<String> serials = session().publish(written);
        long now = System.currentTimeMillis();
        for (int i = 0; i < messages.length; i++) {
            shared.published(messages[i].published(serials.get(i), clientId, now));
        }
    }

    /** Leaves; agents go on. The session itself stays attached. */
    @Override
    public void close() {
        shared.close();
    }
}
