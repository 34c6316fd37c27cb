package dev.parley.client;

import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * What people are asked in a session. Begin with {@link #approval}, {@link #question} or {@link #escalation}.
 *
 * @param id the id of the request; null for a new one. The same request under the same id is made once
 * @param kind what kind of answer is wanted
 * @param title what is asked, for people
 * @param arguments exactly what would be done, or what belongs to the question; at most 64 KiB. Null for nothing
 * @param clientIds who may answer; if nobody is named in any way, everybody may who may publish in the session
 * @param roles whoever has one of these roles may answer as well, as their tokens say
 * @param capability whoever may do this in the session may answer as well; null for nobody
 * @param quorum how many of them have to
 * @param due from when on it is too late; null for never
 * @param whenDue what becomes of it then
 * @param runId the run that waits for it; null for none
 */
public record NewRequest(
        @Nullable String id,
        SessionRequest.Kind kind,
        String title,
        @Nullable JsonNode arguments,
        List<String> clientIds,
        List<String> roles,
        @Nullable String capability,
        int quorum,
        @Nullable Instant due,
        SessionRequest.WhenDue whenDue,
        @Nullable String runId) {
    /** Copies what may change. */
    public NewRequest {
        clientIds = List.copyOf(clientIds);
        roles = List.copyOf(roles);
    }

    /**
     * {@return a request for the approval of something}
     *
     * @param title what would be done, for people
     * @param arguments exactly what would be done
     */
    public static NewRequest approval(String title, @Nullable JsonNode arguments) {
        return of(SessionRequest.Kind.APPROVAL, title).withArguments(arguments);
    }

    /**
     * {@return a question}
     *
     * @param title the question
     */
    public static NewRequest question(String title) {
        return of(SessionRequest.Kind.QUESTION, title);
    }

    /**
     * {@return something that a person has to look at}
     *
     * @param title what it is about
     */
    public static NewRequest escalation(String title) {
        return of(SessionRequest.Kind.ESCALATION, title);
    }

    private static NewRequest of(SessionRequest.Kind kind, String title) {
        return new NewRequest(
                null, kind, title, null, List.of(), List.of(), null, 1, null, SessionRequest.WhenDue.EXPIRE, null);
    }

    /**
     * {@return the same under this id}
     *
     * @param newId such as the key of what would be done
     */
    public NewRequest withId(String newId) {
        return new NewRequest(newId, kind, title, arguments, clientIds, roles, capability, quorum, due, whenDue, runId);
    }

    /**
     * {@return the same with these arguments}
     *
     * @param newArguments any JSON
     */
    public NewRequest withArguments(@Nullable JsonNode newArguments) {
        return new NewRequest(id, kind, title, newArguments, clientIds, roles, capability, quorum, due, whenDue, runId);
    }

    /**
     * {@return the same for these clients, of whom so many have to answer}
     *
     * @param newQuorum at least 1
     * @param newClientIds who may answer; empty for everybody
     */
    public NewRequest withQuorum(int newQuorum, String... newClientIds) {
        return new NewRequest(
                id, kind, title, arguments, List.of(newClientIds), roles, capability, newQuorum, due, whenDue, runId);
    }

    /**
     * {@return the same for whoever has one of these roles, besides the clients that are named}
     *
     * @param newRoles as tokens have them
     */
    public NewRequest withRoles(String... newRoles) {
        return new NewRequest(
                id, kind, title, arguments, clientIds, List.of(newRoles), capability, quorum, due, whenDue, runId);
    }

    /**
     * {@return the same for whoever may do this in the session, besides the clients that are named}
     *
     * @param newCapability an operation of capabilities, such as {@code control}; null for nobody
     */
    public NewRequest withCapability(@Nullable String newCapability) {
        return new NewRequest(id, kind, title, arguments, clientIds, roles, newCapability, quorum, due, whenDue, runId);
    }

    /**
     * {@return the same with this end}
     *
     * @param newDue from when on it is too late; null for never
     * @param newWhenDue what becomes of it then
     */
    public NewRequest withDue(@Nullable Instant newDue, SessionRequest.WhenDue newWhenDue) {
        return new NewRequest(
                id, kind, title, arguments, clientIds, roles, capability, quorum, newDue, newWhenDue, runId);
    }

    /**
     * {@return the same for this run, whose agent is woken by the answer}
     *
     * @param newRunId the run that waits for it
     */
    public NewRequest withRun(@Nullable String newRunId) {
        return new NewRequest(id, kind, title, arguments, clientIds, roles, capability, quorum, due, whenDue, newRunId);
    }

    ObjectNode toJson(String ownId) {
        ObjectNode json = Wire.object()
                .put("requestId", id == null ? ownId : id)
                .put("kind", SessionRequest.wireName(kind))
                .put("title", title)
                .put("quorum", quorum);
        if (arguments != null) {
            json.set("arguments", arguments);
        }
        if (!clientIds.isEmpty()) {
            clientIds.forEach(json.putArray("clientIds")::add);
        }
        if (!roles.isEmpty()) {
            roles.forEach(json.putArray("roles")::add);
        }
        if (capability != null) {
            json.put("capability", capability);
        }
        if (due != null) {
            json.put("due", due.toEpochMilli()).put("whenDue", SessionRequest.wireName(whenDue));
        }
        if (runId != null) {
            json.put("runId", runId);
        }
        return json;
    }
}
