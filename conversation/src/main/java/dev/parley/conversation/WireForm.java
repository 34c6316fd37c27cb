package dev.parley.conversation;

import java.util.Set;

/**
 * The names of AI Transport on the wire, all in one place: of messages, of the headers in {@code extras.ai.transport} and
 * {@code extras.ai.codec}, and of what they may say. When a new version of the form comes, it begins here.
 */
public final class WireForm {
    /** The version of {@code @ably/ai-transport} whose form, with the codec for Vercel's UI messages, this is. */
    public static final String VERSION = "0.8.0";

    /** The field of a message's extras in which all headers are. */
    public static final String AI = "ai";

    /** The field of {@link #AI} with the headers that say where a message belongs. */
    public static final String TRANSPORT = "transport";

    /** The field of {@link #AI} with the headers that say how a message is to be read. */
    public static final String CODEC = "codec";

    /** What all names of messages begin with. */
    public static final String PREFIX = "ai-";

    /** A message from a person's side. */
    public static final String INPUT = "ai-input";

    /** A message with content from an agent. */
    public static final String OUTPUT = "ai-output";

    /** The message that begins a run. */
    public static final String RUN_START = "ai-run-start";

    /** The message with which a run that was suspended goes on. */
    public static final String RUN_RESUME = "ai-run-resume";

    /** The message with which a run begins to wait for somebody. */
    public static final String RUN_SUSPEND = "ai-run-suspend";

    /** The message that ends a run. */
    public static final String RUN_END = "ai-run-end";

    /** The message that begins an attempt of a step. */
    public static final String STEP_START = "ai-step-start";

    /** The message that ends an attempt of a step. */
    public static final String STEP_END = "ai-step-end";

    /** The message that asks an agent to stop. */
    public static final String CANCEL = "ai-cancel";

    /** Header: the run that the message belongs to. */
    public static final String RUN_ID = "run-id";

    /** Header: the invocation under which an agent publishes. */
    public static final String INVOCATION_ID = "invocation-id";

    /** Header: the id of an input as an event, by which an invocation names it. */
    public static final String EVENT_ID = "event-id";

    /** Header: the message of the conversation that the message on the wire is a piece of. */
    public static final String MESSAGE_ID = "codec-message-id";

    /** Header: the client that the run belongs to. */
    public static final String RUN_CLIENT_ID = "run-client-id";

    /** Header: the client whose input began or resumed the run. */
    public static final String INPUT_CLIENT_ID = "input-client-id";

    /** Header: the message of the input that began or resumed the run. */
    public static final String INPUT_MESSAGE_ID = "input-codec-message-id";

    /** Header: who speaks. */
    public static final String ROLE = "role";

    /** Header: the message before this one in its branch. */
    public static final String PARENT = "parent";

    /** Header: the message that this one is an edited version of. */
    public static final String FORK_OF = "fork-of";

    /** Header: the message that is generated anew. */
    public static final String REGENERATES = "msg-regenerate";

    /** Header: the run that is replaced by the run of this input, and no longer shown. */
    public static final String SUPERSEDES = "supersedes";

    /** Header: how a run ended. */
    public static final String RUN_REASON = "run-reason";

    /** Header: the code of the error that a run ended with. */
    public static final String ERROR_CODE = "error-code";

    /** Header: the text of the error that a run ended with. */
    public static final String ERROR_MESSAGE = "error-message";

    /** Header: the step that the message belongs to. */
    public static final String STEP_ID = "step-id";

    /** Header: the serial of the step's start, which tells its attempts apart. */
    public static final String STEP_START_SERIAL = "step-start-serial";

    /** Header: the client whose input is answered by the step. */
    public static final String STEP_CLIENT_ID = "step-client-id";

    /** Header: how an attempt of a step ended. */
    public static final String STEP_REASON = "step-reason";

    /** Header: the messages with which people have steered the run and that are taken account of, as a JSON array. */
    public static final String STEERS = "steer-codec-message-ids";

    /** Header: whether the message grows by appends, {@link #TRUE} or {@link #FALSE}. */
    public static final String STREAM = "stream";

    /** Header: the id of what grows, unique within its message of the conversation. */
    public static final String STREAM_ID = "stream-id";

    /** Header: how far a growing message is: {@link #STREAMING}, {@link #COMPLETE} or {@link #CANCELLED}. */
    public static final String STATUS = "status";

    /** Header: {@link #TRUE} on messages that are published together as parts of one. */
    public static final String DISCRETE = "discrete";

    /**
     * Header of a run's start, which only Parley's agents write: what becomes of the run when a person takes over. With {@link
     * #SUSPEND}, its agent suspends it; otherwise the server ends it.
     */
    public static final String ON_TAKEOVER = "parley-on-takeover";

    /** Header of a run's suspension, which only Parley's agents write: why it waits, if that is {@link #TAKEN_OVER}. */
    public static final String SUSPEND_REASON = "parley-suspend-reason";

    /**
     * Header, which only Parley's session door writes: the id of the transaction in which its client has made the message, by
     * which the client knows its own change when it reads it.
     */
    public static final String TXID = "parley-txid";

    /**
     * Header, which only Parley's session door writes: {@link #TRUE} if nobody's credentials say who the client is, so that its client
     * id is only what it claims.
     */
    public static final String CLAIMED = "parley-claimed";

    /** Header, which only Parley's session door writes: the role in which a message is shown that is not a user's. */
    public static final String SHOWN_ROLE = "parley-role";

    /** The agent suspends the run when a person takes over. */
    public static final String SUSPEND = "suspend";

    /** The run waits because a person has taken over. */
    public static final String TAKEN_OVER = "taken-over";

    /** Codec header: what kind of input or output it is. */
    public static final String KIND = "kind";

    /** Codec header: of which type the part of a person's message is. */
    public static final String PART_TYPE = "partType";

    /** Says yes. */
    public static final String TRUE = "true";

    /** Says no. */
    public static final String FALSE = "false";

    /** Status of what still grows. */
    public static final String STREAMING = "streaming";

    /** Status of what has been said to its end; reason of a run or step that has reached its end. */
    public static final String COMPLETE = "complete";

    /** Status of what was broken off; reason of a run or step that was stopped. */
    public static final String CANCELLED = "cancelled";

    /** Reason of a run that has failed. */
    public static final String ERROR = "error";

    /** Reason of an attempt of a step that has failed. */
    public static final String FAILED = "failed";

    /** The code of a run that the server has ended because a person has taken over, and with which it refuses the rest. */
    public static final int TAKEN_OVER_ERROR = 40_980;

    /** The code of a failed run whose end does not say one. */
    public static final int STREAM_ERROR = 104_008;

    /** Kind of an input: what a person says. */
    public static final String USER_MESSAGE = "user-message";

    /** Kind of an input: a message is to be generated anew. */
    public static final String REGENERATE = "regenerate";

    /** Kind of an input: the result of a tool call. */
    public static final String TOOL_RESULT = "tool-result";

    /** Kind of an input: a tool call has failed. */
    public static final String TOOL_RESULT_ERROR = "tool-result-error";

    /** Kind of an output: a call of a tool waits for somebody's approval. */
    public static final String TOOL_APPROVAL_REQUEST = "tool-approval-request";

    /** Kind of an input: whether a tool call is approved. */
    public static final String TOOL_APPROVAL_RESPONSE = "tool-approval-response";

    /** Codec header of such an input, of Parley: the arguments that are approved instead of those that were asked for, as JSON. */
    public static final String APPROVED_ARGUMENTS = "parley-arguments";

    /**
     * Kind of an input: a tool call of which nobody knew it has had no effect, and may be made again. The npm library has no such
     * kind, and reads nothing in it.
     */
    public static final String TOOL_NOT_DONE = "tool-not-done";

    static final String TEXT = "text";
    static final String REASONING = "reasoning";
    /** Kind of an output: a call of a tool, with its arguments. */
    public static final String TOOL_INPUT = "tool-input";

    static final String DATA_PREFIX = "data-";

    private static final Set<String> NAMES =
            Set.of(INPUT, OUTPUT, RUN_START, RUN_RESUME, RUN_SUSPEND, RUN_END, STEP_START, STEP_END, CANCEL);

    private WireForm() {}

    /** Whether messages of this name say something about a conversation. */
    static boolean isName(String name) {
        return NAMES.contains(name);
    }
}
