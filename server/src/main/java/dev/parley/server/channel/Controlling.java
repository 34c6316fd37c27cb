package dev.parley.server.channel;

import dev.parley.conversation.WireForm;
import dev.parley.engine.session.Body;
import dev.parley.engine.session.Control.Mode;
import dev.parley.engine.session.ControlTexts;
import dev.parley.engine.session.Data;
import dev.parley.engine.session.RunTexts;
import dev.parley.engine.session.SessionCommand.ChangeControl;
import dev.parley.engine.session.SessionName;
import dev.parley.server.auth.Access;
import dev.parley.server.auth.CapabilityOp;
import dev.parley.server.auth.Gate;
import dev.parley.server.auth.Principal;
import dev.parley.server.wire.ErrorInfo;
import dev.parley.server.wire.WireException;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * The rules for the control of a channel, which are the same for all doors. Makes commands, or refuses them. Words what the
 * channel says about its control, so that the engine need not know how messages are written.
 *
 * @param channel the name of the channel in the form that clients use
 */
public record Controlling(Gate gate, Principal principal, String channel) {
    /** The name of the message that says who has the control. */
    public static final String NAME = "parley.control";

    /** The longest time for which a person takes the control, if there is one. */
    static final int MAX_DAYS = 366;

    private static final long MILLIS_PER_DAY = 24 * 3_600_000;

    /** What only agents write, and what is refused while a person has the control. Ends are not among it. */
    private static final List<String> AGENT_MESSAGES =
            List.of(WireForm.OUTPUT, WireForm.RUN_START, WireForm.RUN_RESUME, WireForm.STEP_START);

    private static final String JSON = "json";
    private static final String AT = ",\"at\":";

    /**
     * Gives the control to somebody.
     *
     * @param claimed the client id that the request names, or null
     * @param until when the control goes back, in milliseconds since 1970; 0 if it is to be given back
     * @param onWrite whether a person who may take over does so by writing
     */
    public ChangeControl change(
            SessionName session, long now, Mode mode, @Nullable String claimed, long until, boolean onWrite)
            throws WireException {
        if (gate.permit(principal, CapabilityOp.CONTROL, channel) instanceof Access.Refused refused) {
            throw new WireException(Refusals.of(refused));
        }
        String by = Publishing.clientId(gate, principal, claimed);
        if (by == null && mode == Mode.PERSON) {
            throw new WireException(
                    ErrorInfo.invalidClientId("Who takes over needs a clientId: connect with one, or name one."));
        }
        if (until != 0 && (mode == Mode.AGENT || until <= now || until - now > MAX_DAYS * MILLIS_PER_DAY)) {
            throw new WireException(
                    ErrorInfo.invalidValue("The time until when a person has the control is in the future, by at most "
                            + MAX_DAYS + " days."));
        }
        boolean any = principal.may(CapabilityOp.CONTROL_ANY, channel);
        return new ChangeControl(
                session, now, mode, by, any, until, onWrite, notice(mode, by, until, onWrite, now), texts(onWrite));
    }

    /** The name of a mode on the wire. */
    public static String wireName(Mode mode) {
        return mode.name().toLowerCase(Locale.ROOT);
    }

    private static Body notice(Mode mode, @Nullable String by, long until, boolean onWrite, long now) {
        ObjectNode data = JsonMapper.shared().createObjectNode().put("mode", wireName(mode));
        if (mode != Mode.AGENT && by != null) {
            data.put("holder", by);
        } else if (by != null) {
            data.put("by", by);
        }
        data.put("reason", "asked").put("onWrite", onWrite);
        if (until != 0) {
            data.put("until", until);
        }
        return new Body(NAME, Data.of(data.put("at", now).toString()), JSON, null);
    }

    private static ControlTexts texts(boolean onWrite) {
        String policy = "\"onWrite\":" + onWrite;
        return new ControlTexts(
                AGENT_MESSAGES,
                new RunTexts.Notice(
                        NAME, "{\"mode\":\"person\",\"holder\":", ",\"reason\":\"written\"," + policy + AT, "}", JSON),
                new RunTexts.Notice(NAME, "{\"mode\":\"agent\",\"reason\":\"expired\"," + policy, AT, "}", JSON));
    }
}
