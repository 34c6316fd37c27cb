package dev.parley.engine.session;

import dev.parley.engine.command.Command;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A command for a session.
 *
 * @param <O> the outcomes that the command can have
 */
public sealed interface SessionCommand<O extends SessionOutcome> extends Command<O> {
    /** The session. It need not exist, because the first entry creates it. */
    SessionName session();

    @Override
    default String key() {
        return session().key();
    }

    @Override
    default int weight() {
        return 256;
    }

    @Override
    default boolean stores() {
        return false;
    }

    /**
     * Identifies a request among the numbered requests of a connection, so that a request that is sent again has its
     * first outcome.
     *
     * @param connectionId an id that no other connection ever has
     * @param epoch as in {@link Lost}, or 0 in commands from before requests had one
     * @param msgSerial the number of the request, from 0, in the order in which the connection made its requests
     */
    record Sender(String connectionId, long epoch, long msgSerial) {}

    /**
     * Publishes messages and changes of messages, all or none.
     *
     * @param sender the connection's request, or null for REST
     * @param runs what the messages mean for runs
     */
    record Publish(
            SessionName session, long time, @Nullable Sender sender, List<MessageOp> messages, List<RunNote> runs)
            implements SessionCommand<SessionOutcome.OfPublish> {
        /** Publishes messages that mean nothing for runs. */
        public Publish(SessionName session, long time, @Nullable Sender sender, List<MessageOp> messages) {
            this(session, time, sender, messages, List.of());
        }

        @Override
        public int weight() {
            int weight = 256;
            for (MessageOp message : messages) {
                weight += 128 + message.body().size();
            }
            for (RunNote note : runs) {
                weight += note.size();
            }
            return weight;
        }

        @Override
        public boolean stores() {
            return true;
        }
    }

    /**
     * Appends of one connection to one message that are applied together. Those that were not accepted before make one
     * version. It therefore does not matter how a client groups appends that it sends again.
     *
     * @param epoch as in {@link Sender}
     * @param serial the message
     * @param parts at least one
     */
    record Rollup(SessionName session, long time, String connectionId, long epoch, long serial, List<Part> parts)
            implements SessionCommand<SessionOutcome.OfPublish> {
        @Override
        public int weight() {
            int weight = 256;
            for (Part part : parts) {
                weight += 128 + part.fragment().size();
            }
            return weight;
        }

        @Override
        public boolean stores() {
            return true;
        }
    }

    /**
     * One append of a {@link Rollup}.
     *
     * @param msgSerial the number of its request
     * @param any as in {@link MessageOp.Change}; all parts have the same
     * @param maxBytes as in {@link MessageOp.Change}
     */
    record Part(long msgSerial, Body fragment, Operation operation, boolean any, int maxBytes) {}

    /** One operation on messages. */
    sealed interface MessageOp {
        /** The content from the client. */
        Body body();

        /**
         * Creates a message.
         *
         * @param id the id of the message
         * @param unique whether the client has chosen {@code id}: another message with the id in this session is then
         *     the same message
         * @param ephemeral whether the message is only shown to present readers and not stored
         */
        record Create(
                @Nullable String id,
                boolean unique,
                @Nullable String clientId,
                @Nullable String connectionId,
                Body body,
                boolean ephemeral)
                implements MessageOp {}

        /**
         * Makes a new version of a message.
         *
         * @param action UPDATE and DELETE replace the fields that are given; APPEND appends the data
         * @param any whether the message may be one of another client; otherwise it must be one of {@code
         *     operation.clientId}
         * @param restores whether the client may undo another client's deletion of a message of which it is not the
         *     author
         * @param maxBytes the greatest size of the message after the change; appends are accepted until the data has
         *     this size
         */
        record Change(
                MessageEntry.Action action,
                long serial,
                Body body,
                Operation operation,
                boolean any,
                boolean restores,
                int maxBytes)
                implements MessageOp {}
    }

    /**
     * Members enter, update and leave, all or none.
     *
     * @param maxMembers the number of members that the session may have afterwards
     */
    record ChangePresence(
            SessionName session,
            long time,
            @Nullable Sender sender,
            String connectionId,
            List<PresenceOp> events,
            int maxMembers)
            implements SessionCommand<SessionOutcome.OfPresence> {
        @Override
        public int weight() {
            int weight = 256;
            for (PresenceOp event : events) {
                weight += 128 + event.body().size();
            }
            return weight;
        }

        @Override
        public boolean stores() {
            return true;
        }
    }

    /**
     * What one member does.
     *
     * @param action ENTER, UPDATE (PRESENT counts as ENTER) or LEAVE
     */
    record PresenceOp(PresenceEntry.Action action, String id, String clientId, Body body) {}

    /**
     * Creates and deletes annotations of messages, all or none.
     *
     * @param sender the connection's request, or null for REST
     * @param maxAnnotations the number of annotations that a message may have afterwards, including deleted ones
     */
    record Annotate(
            SessionName session, long time, @Nullable Sender sender, List<AnnotationOp> annotations, int maxAnnotations)
            implements SessionCommand<SessionOutcome.OfAnnotate> {
        @Override
        public int weight() {
            int weight = 256;
            for (AnnotationOp annotation : annotations) {
                weight += 128 + annotation.body().size();
            }
            return weight;
        }

        @Override
        public boolean stores() {
            return true;
        }
    }

    /**
     * Creates or deletes one annotation. The fields are those of {@link AnnotationEntry}.
     *
     * @param serial the serial of the message
     */
    record AnnotationOp(
            AnnotationEntry.Action action,
            long serial,
            String type,
            long count,
            @Nullable String id,
            @Nullable String clientId,
            @Nullable String connectionId,
            Body body) {}

    /**
     * Changes objects, all operations or none.
     *
     * @param sender the connection's request, or null for REST
     * @param limits the limits for the objects
     */
    record ChangeObjects(
            SessionName session, long time, @Nullable Sender sender, List<ObjectOp> operations, ObjectLimits limits)
            implements SessionCommand<SessionOutcome.OfObjects> {
        @Override
        public int weight() {
            int weight = 256;
            for (ObjectOp operation : operations) {
                weight += 128 + operation.operation().size();
            }
            return weight;
        }

        @Override
        public boolean stores() {
            return true;
        }
    }

    /**
     * One change of an object.
     *
     * @param unique whether the client has chosen {@code id}: a change that another command made under the same id in
     *     this session, shortly before, is then not made again
     * @param extras a JSON object as text
     */
    record ObjectOp(
            @Nullable String id,
            boolean unique,
            @Nullable String clientId,
            @Nullable String connectionId,
            @Nullable String extras,
            ObjectOperation operation) {}

    /**
     * When something happens to the runs at which a connection works that is gone, in milliseconds since 1970, at least 1.
     *
     * @param awayAt when the session is told that the agent is away
     * @param endAt when the runs end
     * @param endWithMembersAt when the runs end, if that is earlier, and if the connection has members that leave because
     *     it is lost
     */
    record RunTimes(long awayAt, long endAt, long endWithMembersAt) {}

    /**
     * A connection is over, or has detached from the session: its members leave.
     *
     * @param forget whether its requests will never be sent again, so that their outcomes need not be kept
     * @param epoch as in {@link Lost}, or 0 in commands from before it was compared
     * @param runs what becomes of its runs, at which another connection may go on; null: nothing
     */
    record Leave(
            SessionName session,
            long time,
            String connectionId,
            boolean forget,
            long epoch,
            @Nullable RunTimes runs) implements SessionCommand<SessionOutcome.Done> {
        /** Nothing becomes of its runs. */
        public Leave(SessionName session, long time, String connectionId, boolean forget) {
            this(session, time, connectionId, forget, 0, null);
        }
    }

    /**
     * A connection is lost. If it has left something in the session and does not come back, its members leave, its runs
     * end, and later its requests are forgotten.
     *
     * @param epoch grows each time the connection arrives; a command with an older one comes too late
     * @param leaveAt when its members leave, in milliseconds since 1970, at least 1
     * @param forgetAt when its requests are forgotten; not before its members leave
     * @param runs what becomes of its runs; null: nothing
     */
    record Lost(
            SessionName session,
            long time,
            String connectionId,
            long epoch,
            long leaveAt,
            long forgetAt,
            @Nullable RunTimes runs)
            implements SessionCommand<SessionOutcome.Done> {}

    /** A connection that was lost has come back. */
    record Back(SessionName session, long time, String connectionId, long epoch)
            implements SessionCommand<SessionOutcome.Done> {}

    /** Does what is due for a lost connection, unless it has come back since. */
    record Depart(SessionName session, long time, String connectionId, long epoch)
            implements SessionCommand<SessionOutcome.Done> {}

    /**
     * Ends a run whose agent is gone, unless it goes on at another connection: publishes {@code messages}. Older
     * journals have it; now {@link Depart} ends runs.
     *
     * @param connectionId the connection that is gone
     */
    record EndRun(SessionName session, long time, String runId, String connectionId, List<MessageOp> messages)
            implements SessionCommand<SessionOutcome.OfRun> {
        @Override
        public boolean stores() {
            return true;
        }
    }

    /**
     * Notes that the agent of a run is stalled, if it works at it and has said nothing since a time.
     *
     * @param since in milliseconds since 1970
     */
    record StallRun(SessionName session, long time, String runId, long since)
            implements SessionCommand<SessionOutcome.Done> {}

    /**
     * Gives the control of a session to a person or an agent, or lets both have it.
     *
     * @param by who asks, and has the control then
     * @param any whether it may be taken from another person
     * @param until as in {@link Control}
     * @param onWrite as in {@link Control}
     * @param notice the message that says so
     */
    record ChangeControl(
            SessionName session,
            long time,
            Control.Mode mode,
            @Nullable String by,
            boolean any,
            long until,
            boolean onWrite,
            Body notice,
            ControlTexts texts)
            implements SessionCommand<SessionOutcome.OfControl> {
        @Override
        public int weight() {
            return 512 + notice.size() + texts.size();
        }

        @Override
        public boolean stores() {
            return true;
        }
    }

    /**
     * Says something about a session, which stays from then on, even if it is empty.
     *
     * @param by who says it, if the session had no profile before
     * @param makes whether the session is made if there is none
     * @param replace whether the labels that it has are removed before
     * @param maxLabels the number of labels that the session may have afterwards
     */
    record Describe(
            SessionName session,
            long time,
            @Nullable String by,
            boolean makes,
            boolean replace,
            List<LabelChange> labels,
            int maxLabels)
            implements SessionCommand<SessionOutcome.OfDescribe> {
        @Override
        public int weight() {
            int weight = 256;
            for (LabelChange label : labels) {
                weight += 64
                        + label.key().length()
                        + (label.value() == null ? 0 : label.value().length());
            }
            return weight;
        }

        @Override
        public boolean stores() {
            return true;
        }
    }

    /**
     * Sets a label of a session.
     *
     * @param value null if the label is removed
     */
    record LabelChange(String key, @Nullable String value) {}

    /**
     * Makes a session that goes on from what was said in another one. This is done in two steps, so that who erases the other
     * session with its forks finds this one before it has anything of it: the first one makes the session, and the second one
     * gives it what was said, if nothing has happened in it since.
     *
     * @param by who does so
     * @param origin what it goes on from
     * @param fills whether this is the second step
     * @param serials the positions of messages of the other session, ascending; the first of {@code messages} have them
     * @param messages what was said, and behind it what is said now, to end what was open
     */
    record Fork(
            SessionName session,
            long time,
            @Nullable String by,
            Origin origin,
            boolean fills,
            List<Long> serials,
            List<MessageOp.Create> messages)
            implements SessionCommand<SessionOutcome.OfFork> {
        @Override
        public int weight() {
            long weight = 512;
            for (MessageOp.Create message : messages) {
                weight += 128 + message.body().size();
            }
            return (int) Math.min(Integer.MAX_VALUE, weight);
        }

        @Override
        public boolean stores() {
            return true;
        }
    }

    /**
     * Removes a session with everything in it, and notes that it was there.
     *
     * @param by who does so
     * @param txid the id of the request, if the client has chosen one; if the last session of the name that was erased was erased by the
     *     same request, nothing happens
     */
    record Erase(
            SessionName session,
            long time,
            @Nullable String by,
            @Nullable String txid) implements SessionCommand<SessionOutcome.OfErase> {}

    /**
     * Says how far the content of an erased session was removed from files.
     *
     * @param id the id of the erased session
     * @param done whether nothing is left; otherwise it is being removed, which changes nothing
     */
    record NotePurge(SessionName session, long time, long id, boolean done)
            implements SessionCommand<SessionOutcome.Done> {}

    /** Gives the control of a session back to the agent if its time is over. */
    record ExpireControl(SessionName session, long time) implements SessionCommand<SessionOutcome.Done> {}

    /**
     * Names agents, and no longer names others.
     *
     * @param agents those that are named; one with the id of another takes its place
     * @param removed the ids of those that are no longer named; nobody does what is still to be done by them
     */
    record NameAgents(SessionName session, long time, List<Agent> agents, List<String> removed)
            implements SessionCommand<SessionOutcome.OfAgents> {
        @Override
        public int weight() {
            return 256 + Agent.sizeOf(agents);
        }

        @Override
        public boolean stores() {
            return true;
        }
    }

    /**
     * A command that concerns what the namespace of a session names, with that: agents, and what the application wants to be told.
     *
     * @param command does not bring any itself
     */
    record WithAgents<O extends SessionOutcome>(Inherited inherited, SessionCommand<O> command)
            implements SessionCommand<O> {
        /** Refuses a command that brings agents already. */
        public WithAgents {
            if (command instanceof WithAgents<?>) {
                throw new IllegalArgumentException("a command brings agents once");
            }
        }

        @Override
        public SessionName session() {
            return command.session();
        }

        @Override
        public long time() {
            return command.time();
        }

        @Override
        public int weight() {
            return inherited.size() + command.weight();
        }

        @Override
        public boolean stores() {
            return command.stores();
        }
    }

    /**
     * Wakes an agent.
     *
     * @param eventId the input that it is to answer, as an invocation names it
     */
    record InvokeAgent(SessionName session, long time, String agentId, String eventId)
            implements SessionCommand<SessionOutcome.OfInvocation> {
        @Override
        public boolean stores() {
            return true;
        }
    }

    /**
     * Gives somebody what an agent has to do.
     *
     * @param holder who asks for it
     * @param until how long it has time, in milliseconds since 1970
     */
    record ClaimWake(SessionName session, long time, String agentId, String holder, long until)
            implements SessionCommand<SessionOutcome.OfClaim> {}

    /** What becomes of a wake that somebody has. */
    enum Settlement {
        /** It is done. */
        DONE,
        /** Its holder needs more time. */
        EXTEND,
        /** Its holder does not do it: somebody else may. */
        RELEASE,
        /** Nobody can do it. */
        GIVE_UP
    }

    /**
     * Says what becomes of a wake.
     *
     * @param epoch as the wake had it when it was given to its holder
     * @param until if its holder needs more time, until when; if it is released, when it may be given to somebody again
     */
    record SettleWake(
            SessionName session,
            long time,
            String agentId,
            String wakeId,
            long epoch,
            Settlement settlement,
            long until)
            implements SessionCommand<SessionOutcome.OfSettlement> {}

    /**
     * Publishes what an agent says that answers a call, as long as its wake is that of whoever has called it. In a machine that has
     * stopped, or believes that it has the wake, nothing comes behind what somebody else then does.
     *
     * @param agentId the agent, whose wake it is
     * @param epoch as the wake had it when it was given to its holder
     * @param runId the run in which it is said; if it has not ended when its holder no longer has the wake, it ends then
     */
    record Speak(Publish said, String agentId, String wakeId, long epoch, String runId)
            implements SessionCommand<SessionOutcome.OfPublish> {
        @Override
        public SessionName session() {
            return said.session();
        }

        @Override
        public long time() {
            return said.time();
        }

        @Override
        public int weight() {
            return 128 + said.weight();
        }

        @Override
        public boolean stores() {
            return said.stores();
        }
    }

    /** Takes a wake back from a holder whose time is over, or gives it up if nobody came. */
    record ExpireWake(SessionName session, long time, String agentId) implements SessionCommand<SessionOutcome.Done> {}

    /**
     * Asks people something.
     *
     * @param notice the message that asks
     */
    record Ask(SessionName session, long time, String requestId, SessionRequest.Terms terms, Body notice)
            implements SessionCommand<SessionOutcome.OfAsk> {
        @Override
        public int weight() {
            return 512 + terms.size() + notice.size();
        }

        @Override
        public boolean stores() {
            return true;
        }
    }

    /**
     * Decides a request.
     *
     * @param grants what the credentials of who decides grant, as far as the request asks for it
     * @param notice the message that says so, for requests that messages of the session do not speak of
     * @param answer the messages that go to who has asked, if this closes the request
     * @param runs what these messages mean for the agents of the session
     */
    record Decide(
            SessionName session,
            long time,
            String requestId,
            SessionRequest.Decision decision,
            List<String> grants,
            Body notice,
            List<MessageOp> answer,
            List<RunNote> runs)
            implements SessionCommand<SessionOutcome.OfDecide> {
        /** By somebody whose credentials grant nothing that the request asks for. */
        public Decide(
                SessionName session,
                long time,
                String requestId,
                SessionRequest.Decision decision,
                Body notice,
                List<MessageOp> answer,
                List<RunNote> runs) {
            this(session, time, requestId, decision, List.of(), notice, answer, runs);
        }

        @Override
        public int weight() {
            int weight = 512 + decision.size() + notice.size();
            for (MessageOp message : answer) {
                weight += 128 + message.body().size();
            }
            for (RunNote note : runs) {
                weight += note.size();
            }
            return weight;
        }

        @Override
        public boolean stores() {
            return true;
        }
    }

    /** Closes a request if its time is over. */
    record ExpireRequest(SessionName session, long time, String requestId)
            implements SessionCommand<SessionOutcome.Done> {}

    /** What becomes of a notification after the application was called. */
    enum NotificationFate {
        /** The application was told. */
        DELIVERED,
        /** The call has come to nothing, and is made again. */
        FAILED,
        /** The application does not take it. */
        GIVEN_UP,
        /** Nobody wants to be told any longer. */
        UNWANTED
    }

    /**
     * Says what becomes of a notification.
     *
     * @param attempt the number of attempts that had been made before
     * @param dueAt if the call is made again, when, in milliseconds since 1970
     */
    record SettleNotification(SessionName session, long time, String id, int attempt, NotificationFate fate, long dueAt)
            implements SessionCommand<SessionOutcome.Done> {}

    /** A client has read what was said. */
    record Seen(SessionName session, long time, String clientId) implements SessionCommand<SessionOutcome.Done> {}

    /** Removes everything up to {@code upTo} (inclusive), also what was decided there. Members and open requests stay. */
    record Trim(SessionName session, long time, long upTo) implements SessionCommand<SessionOutcome.Done> {}

    /**
     * Removes the entries before {@code since}, and then the oldest messages until the session has at most {@code
     * maxBytes}, as {@link SessionState#bytes} counts them. Members and open requests stay. What was decided, and who has had the
     * control, is kept for longer.
     *
     * @param since in milliseconds since 1970
     * @param auditSince since when decisions and changes of control are kept, in milliseconds since 1970; no later than the entries
     */
    record Retain(SessionName session, long time, long since, long maxBytes, long auditSince)
            implements SessionCommand<SessionOutcome.Done> {}

    /** Merges the pieces of a message into one record, unless the message has changed since {@code version}. */
    record Compact(SessionName session, long time, long serial, long version)
            implements SessionCommand<SessionOutcome.Done> {}

    /** Removes a session that has nothing left: no messages, members, objects, runs or requests. */
    record RemoveEmpty(SessionName session, long time) implements SessionCommand<SessionOutcome.Done> {}

    /** Removes a session with everything in it. */
    record Remove(SessionName session, long time) implements SessionCommand<SessionOutcome.Done> {}
}
