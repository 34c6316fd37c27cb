package dev.parley.engine.session.notify;

import dev.parley.engine.session.Notification;
import dev.parley.engine.session.NotifyRule;
import dev.parley.engine.session.SessionRequest;
import dev.parley.engine.session.SessionState;
import dev.parley.engine.session.log.SessionBatch;
import dev.parley.engine.session.log.SessionRows;
import dev.parley.engine.session.message.Head;
import dev.parley.engine.session.message.MessageTx;
import dev.parley.engine.session.presence.PresenceTx;
import dev.parley.engine.session.request.RequestTx;
import dev.parley.engine.session.run.RunTx;
import dev.parley.engine.session.wake.WakeTx;
import dev.parley.engine.store.Store.Table;
import dev.parley.engine.store.StoreTx;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** What applications are to be told, as a batch of commands sees and changes it. Not thread-safe. */
public final class NotifyTx {
    private final SessionBatch batch;
    private final StoreTx rows;
    private final Notifications reads;
    private final PresenceTx presence;
    private final MessageTx messages;
    private final RunTx runs;
    private final RequestTx requests;
    private final WakeTx wakes;

    /** Whether the batch has put something there of which somebody is to be told. */
    private boolean made;

    /** Begins in {@code batch}. */
    public NotifyTx(
            SessionBatch batch, PresenceTx presence, MessageTx messages, RunTx runs, RequestTx requests, WakeTx wakes) {
        this.batch = batch;
        this.rows = batch.rows();
        this.reads = new Notifications(rows);
        this.presence = presence;
        this.messages = messages;
        this.runs = runs;
        this.requests = requests;
        this.wakes = wakes;
    }

    /** The runs of sessions. */
    RunTx runs() {
        return runs;
    }

    /** What people are asked in sessions. */
    RequestTx requests() {
        return requests;
    }

    /** The state as it is by now. */
    SessionState now(SessionState s) {
        return Objects.requireNonNull(batch.find(s.name()));
    }

    /** Whether the present command may do something of which the application wants to be told: it then says what that is. */
    boolean mayBeNews() {
        return wakes.isTold();
    }

    /** What the application wants to be told, as far as the session knows. */
    public @Nullable NotifyRule rule(SessionState s) {
        return wakes.known(s).rule();
    }

    @Nullable
    SessionRequest request(SessionState s, String id) {
        return requests.find(s, id);
    }

    @Nullable
    Head head(SessionState s, long serial) {
        return messages.head(s, serial);
    }

    /** Who has said something in a session or was present, at most {@code limit}. */
    List<String> participants(SessionState s, int limit) {
        return batch.index().participants(s, limit);
    }

    boolean participates(SessionState s, String clientId) {
        return batch.index().participates(s, clientId);
    }

    /** Who is no person that has to see what is said: agents, and who is present. */
    Set<String> excused(SessionState s) {
        Set<String> excused = new HashSet<>(presence.clientIds(s));
        excused.addAll(wakes.ids(s));
        return excused;
    }

    /** Notes that a client is an agent. */
    void putAgent(SessionState s, String clientId) {
        rows.put(Table.NOTIFIED, NotifyRows.agentKey(s.id(), clientId), NotifyRows.agent());
    }

    boolean isAgent(SessionState s, String clientId) {
        return rows.get(Table.NOTIFIED, NotifyRows.agentKey(s.id(), clientId)) != null;
    }

    @Nullable
    String told(SessionState s, String clientId) {
        return reads.told(s, clientId);
    }

    void putTold(SessionState s, String clientId, String id) {
        rows.put(Table.NOTIFIED, NotifyRows.toldKey(s.id(), clientId), NotifyRows.told(id));
    }

    void removeTold(SessionState s, String clientId) {
        rows.remove(Table.NOTIFIED, NotifyRows.toldKey(s.id(), clientId));
    }

    /** Forgets who was told of what was said, and who is an agent. */
    void removeAllTold(SessionState s) {
        rows.removeRange(Table.NOTIFIED, SessionRows.idKey(s.id()), SessionRows.idKey(s.id() + 1));
    }

    List<Notification> all(SessionState s) {
        return reads.of(s);
    }

    @Nullable
    Notification find(SessionState s, String id) {
        return reads.find(s, id);
    }

    /** Adds a notification, or replaces it. */
    void put(SessionState s, Notification notification) {
        Notification before = find(s, notification.id());
        if (before != null) {
            unlist(s, before);
        }
        rows.put(
                Table.NOTIFICATIONS,
                NotifyRows.notificationKey(s.id(), notification.id()),
                NotifyRows.notification(notification));
        rows.put(
                Table.NOTIFICATION_TIMES,
                NotifyRows.timeKey(notification.dueAt(), s.id(), notification.id()),
                NotifyRows.time(s.name(), notification.id()));
        made = true;
    }

    void remove(SessionState s, Notification notification) {
        unlist(s, notification);
        rows.remove(Table.NOTIFICATIONS, NotifyRows.notificationKey(s.id(), notification.id()));
    }

    private void unlist(SessionState s, Notification notification) {
        rows.remove(Table.NOTIFICATION_TIMES, NotifyRows.timeKey(notification.dueAt(), s.id(), notification.id()));
    }

    /** Takes all notifications of a session off the list of when they are due; their own rows stay. */
    public void unlist(SessionState s) {
        all(s).forEach(notification -> unlist(s, notification));
    }

    /** Tells those who call applications that there is something new, each by way of {@code each}. The batch must have been shown. */
    public void tell(Notifications shown, Consumer<Runnable> each) {
        if (made) {
            shown.tell(each);
        }
    }
}
