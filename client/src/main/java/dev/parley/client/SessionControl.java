package dev.parley.client;

import java.time.Instant;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/**
 * The control of a session. Taking it, and giving it back, needs the capability {@code control} and a client id. Methods block
 * until the server has answered.
 */
public final class SessionControl {
    private final Http http;
    private final String path;
    private final @Nullable String clientId;

    SessionControl(Http http, String sessionName, @Nullable String clientId) {
        this.http = http;
        this.path = "/v1/sessions/" + ConnectUri.encode(sessionName) + "/control";
        this.clientId = clientId;
    }

    /** {@return who has the control} */
    public Control get() {
        return Control.of(http.call(Http.Call.get(path, "")));
    }

    /**
     * Takes over: agents say nothing more until the control is given back.
     *
     * @return the control
     * @throws ParleyException.Refused with the code 40981 if another person has the control
     */
    public Control take() {
        return change(Control.Mode.PERSON, null, get().onWrite());
    }

    /**
     * Takes over until a time.
     *
     * @param until when the control goes back by itself
     * @return the control
     * @throws ParleyException.Refused with the code 40981 if another person has the control
     */
    public Control take(Instant until) {
        return change(Control.Mode.PERSON, until, get().onWrite());
    }

    /**
     * Gives the control back to the agent.
     *
     * @return the control
     * @throws ParleyException.Refused with the code 40981 if another person has the control
     */
    public Control giveBack() {
        return change(Control.Mode.AGENT, null, get().onWrite());
    }

    /**
     * Changes the control.
     *
     * @param mode who has it from now on
     * @param until when it goes back by itself; null if it is to be given back
     * @param onWrite whether a person who may take over does so by saying something
     * @return the control
     * @throws ParleyException.Refused with the code 40981 if another person has the control
     */
    public Control change(Control.Mode mode, @Nullable Instant until, boolean onWrite) {
        ObjectNode body = Wire.object().put("mode", mode.wireName()).put("onWrite", onWrite);
        if (until != null) {
            body.put("until", until.toEpochMilli());
        }
        if (clientId != null) {
            body.put("actorId", clientId);
        }
        return Control.of(http.call(Http.Call.json("POST", path, body, true)));
    }
}
