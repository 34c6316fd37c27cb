package dev.parley.conversation;

import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** A run as it is being put together. */
final class RunState extends NodeState {
    /** A step with its attempts, which are told apart by the serials of their starts. */
    private static final class Steps {
        /** The serial of the last start, null if none is known. */
        @Nullable
        String last;

        @Nullable
        String clientId;

        final Set<String> attempts = new LinkedHashSet<>();
        final Map<String, Node.StepStatus> ends = new HashMap<>();
    }

    private long revision;
    private @Nullable Derived derived;
    private @Nullable Set<String> answeredSteers;

    /** What the log says about the run as a whole. */
    private record Derived(
            @Nullable String parent,
            @Nullable String forkOf,
            @Nullable String regenerates,
            RunStatus status,
            Node.@Nullable RunError error,
            @Nullable String endSerial,
            String ownerId,
            @Nullable String agentId,
            String invocationId,
            Map<String, Steps> steps,
            boolean known,
            boolean started) {}

    RunState(String runId) {
        super(runId);
    }

    @Override
    void add(LoggedMessage message) {
        super.add(message);
        replace();
    }

    @Override
    void remove(LoggedMessage message) {
        super.remove(message);
        replace();
    }

    @Override
    void replace() {
        super.replace();
        derived = null;
        answeredSteers = null;
        revision++;
    }

    /** Grows when there is another message in it, or one says something else about the run. */
    long revision() {
        return revision;
    }

    RunStatus status() {
        return derived().status();
    }

    Node.@Nullable RunError error() {
        return derived().error();
    }

    @Override
    @Nullable
    String parent() {
        return derived().parent();
    }

    /** The message that the run forks off, by its id. */
    @Nullable
    String forkOf() {
        return derived().forkOf();
    }

    @Nullable
    String regenerates() {
        return derived().regenerates();
    }

    @Override
    boolean isKnown() {
        return derived().known();
    }

    /** Whether the message that begins the run is there. */
    boolean isStarted() {
        return derived().started();
    }

    /** What was said in an attempt of a step is not said if there is a later attempt. */
    @Override
    boolean isContent(LoggedMessage message) {
        if (!isSaid(message)) {
            return false;
        }
        Steps steps = derived().steps().get(message.headers().get(WireForm.STEP_ID));
        String attempt = message.headers().get(WireForm.STEP_START_SERIAL);
        return steps == null || attempt == null || steps.last == null || attempt.equals(steps.last);
    }

    private static boolean isSaid(LoggedMessage message) {
        return WireForm.INPUT.equals(message.name()) || WireForm.OUTPUT.equals(message.name());
    }

    Node.Run snapshot(@Nullable String forkOfNode, boolean superseded) {
        Derived run = derived();
        List<Node.Step> steps = run.steps().entrySet().stream()
                .map(entry -> step(entry.getKey(), entry.getValue()))
                .toList();
        return new Node.Run(
                key(),
                run.parent(),
                forkOfNode,
                run.regenerates(),
                serial(),
                messages(),
                run.status(),
                run.error(),
                run.endSerial(),
                run.ownerId(),
                run.agentId(),
                run.invocationId(),
                steps,
                answeredSteers(),
                superseded);
    }

    private static Node.Step step(String id, Steps steps) {
        Node.StepStatus end = steps.last == null ? null : steps.ends.get(steps.last);
        return new Node.Step(id, end == null ? Node.StepStatus.ACTIVE : end, steps.attempts.size(), steps.clientId);
    }

    /** The ids of the messages with which people have steered the run and that the agent has taken account of. */
    Set<String> answeredSteers() {
        Set<String> known = answeredSteers;
        if (known == null) {
            known = readAnsweredSteers();
            answeredSteers = known;
        }
        return known;
    }

    private Set<String> readAnsweredSteers() {
        Set<String> answered = new LinkedHashSet<>();
        for (LoggedMessage message : log.values()) {
            JsonNode ids = ContentFold.json(message.headers().get(WireForm.STEERS));
            if (ids != null && isContent(message)) {
                ids.values().stream().filter(JsonNode::isString).forEach(id -> answered.add(id.stringValue()));
            }
        }
        return Set.copyOf(answered);
    }

    private Derived derived() {
        Derived known = derived;
        if (known == null) {
            known = derive();
            derived = known;
        }
        return known;
    }

    private Derived derive() {
        String parent = null;
        String forkOf = null;
        String regenerates = null;
        String agentId = null;
        boolean isKnown = false;
        boolean isStarted = false;
        Lifecycle lifecycle = new Lifecycle();
        Map<String, Steps> steps = new LinkedHashMap<>();
        for (LoggedMessage message : log.values()) {
            Headers headers = message.headers();
            String name = message.name() == null ? "" : message.name();
            boolean places = switch (name) {
                case WireForm.RUN_START, WireForm.OUTPUT -> true;
                // An input that belongs to a run because it names it says nothing of where the run belongs.
                case WireForm.INPUT -> headers.get(WireForm.RUN_ID) == null;
                default -> false;
            };
            if (places) {
                parent = parent == null ? headers.get(WireForm.PARENT) : parent;
                forkOf = forkOf == null ? headers.get(WireForm.FORK_OF) : forkOf;
                regenerates = regenerates == null ? headers.get(WireForm.REGENERATES) : regenerates;
            }
            if (agentId == null && !name.equals(WireForm.INPUT)) {
                agentId = message.clientId();
            }
            isKnown |= places || name.equals(WireForm.INPUT) || name.equals(WireForm.STEP_START);
            isStarted |= name.equals(WireForm.RUN_START);
            lifecycle.add(name, headers, message.serial());
            addStep(name, headers, message.serial(), steps);
        }
        String owner = first(WireForm.RUN_CLIENT_ID);
        String invocation = first(WireForm.INVOCATION_ID);
        return new Derived(
                parent,
                forkOf,
                regenerates,
                lifecycle.status,
                lifecycle.error,
                lifecycle.endSerial,
                owner == null ? "" : owner,
                agentId,
                invocation == null ? "" : invocation,
                steps,
                isKnown,
                isStarted);
    }

    private static void addStep(String name, Headers headers, String serial, Map<String, Steps> steps) {
        String id = headers.get(WireForm.STEP_ID);
        if (id == null || !(name.equals(WireForm.STEP_START) || name.equals(WireForm.STEP_END))) {
            return;
        }
        if (name.equals(WireForm.STEP_START)) {
            Steps step = steps.computeIfAbsent(id, key -> new Steps());
            step.attempts.add(serial);
            step.last = serial;
            step.clientId = headers.get(WireForm.STEP_CLIENT_ID);
            return;
        }
        String attempt = headers.get(WireForm.STEP_START_SERIAL);
        if (attempt != null) {
            Steps step = steps.computeIfAbsent(id, key -> new Steps());
            step.attempts.add(attempt);
            step.ends.put(attempt, Node.StepStatus.ofReason(headers.get(WireForm.STEP_REASON)));
        }
    }

    /** How the run stands after its messages in the order of the log; an end is for ever. */
    private static final class Lifecycle {
        RunStatus status = RunStatus.ACTIVE;
        Node.@Nullable RunError error;

        @Nullable
        String endSerial;

        private @Nullable String resumedBy;

        void add(String name, Headers headers, String serial) {
            if (status.isTerminal()) {
                return;
            }
            String invocation = headers.get(WireForm.INVOCATION_ID);
            switch (name) {
                case WireForm.RUN_SUSPEND -> {
                    // One that an earlier invocation has published late does not stop the one that went on.
                    if (resumedBy == null || invocation == null || resumedBy.equals(invocation)) {
                        status = RunStatus.SUSPENDED;
                        endSerial = serial;
                    }
                }
                case WireForm.RUN_RESUME -> {
                    resumedBy = invocation == null ? resumedBy : invocation;
                    status = RunStatus.ACTIVE;
                }
                case WireForm.RUN_END -> {
                    status = RunStatus.ofReason(headers.get(WireForm.RUN_REASON));
                    endSerial = serial;
                    error = status == RunStatus.ERROR ? error(headers) : null;
                }
                default -> {}
            }
        }

        private static Node.RunError error(Headers headers) {
            String message = headers.get(WireForm.ERROR_MESSAGE);
            return new Node.RunError(
                    code(headers.get(WireForm.ERROR_CODE)), message == null ? "agent reported an error" : message);
        }

        private static int code(@Nullable String code) {
            try {
                return code == null ? WireForm.STREAM_ERROR : Integer.parseInt(code.trim());
            } catch (NumberFormatException e) {
                return WireForm.STREAM_ERROR;
            }
        }
    }
}
