package dev.parley.engine.session.machine;

import dev.parley.engine.session.SessionName;
import dev.parley.engine.session.SessionState;
import dev.parley.engine.session.annotation.AnnotationTx;
import dev.parley.engine.session.annotation.Annotations;
import dev.parley.engine.session.attendance.AttendanceTx;
import dev.parley.engine.session.control.ControlTx;
import dev.parley.engine.session.erasure.ErasureTx;
import dev.parley.engine.session.log.IndexTx;
import dev.parley.engine.session.log.Removed;
import dev.parley.engine.session.log.SessionBatch;
import dev.parley.engine.session.log.SessionBatch.Added;
import dev.parley.engine.session.log.SessionRows;
import dev.parley.engine.session.message.Head;
import dev.parley.engine.session.message.MessageTx;
import dev.parley.engine.session.notify.NotifyTx;
import dev.parley.engine.session.object.ObjectTx;
import dev.parley.engine.session.presence.PresenceTx;
import dev.parley.engine.session.profile.ProfileTx;
import dev.parley.engine.session.remembered.RememberedTx;
import dev.parley.engine.session.request.RequestTx;
import dev.parley.engine.session.run.RunTx;
import dev.parley.engine.session.wake.WakeTx;
import dev.parley.engine.store.Store.Table;
import dev.parley.engine.store.StoreTx;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The sessions as a batch of commands sees and changes them. Nobody else sees the changes before {@link #show()}, which
 * follows the write of the batch. Not thread-safe.
 */
public final class SessionTx {
    private final SessionBatch batch;
    private final RememberedTx remembered;
    private final MessageTx messages;
    private final AnnotationTx annotations;
    private final PresenceTx presence;
    private final ObjectTx objects;
    private final RequestTx requests;
    private final RunTx runs;
    private final AttendanceTx attendances;
    private final ControlTx controls;
    private final ProfileTx profiles;
    private final WakeTx wakes;
    private final ErasureTx erasures;
    private final NotifyTx notifications;

    /** Starts with what {@code sessions} shows, and writes to {@code rows}. */
    public SessionTx(Sessions sessions, StoreTx rows) {
        this.batch = new SessionBatch(sessions.states(), rows);
        this.remembered = new RememberedTx(batch, sessions.remembered());
        this.messages = new MessageTx(batch, Annotations::summaries);
        this.annotations = new AnnotationTx(batch, messages);
        this.presence = new PresenceTx(batch);
        this.objects = new ObjectTx(batch);
        this.requests = new RequestTx(batch, messages);
        this.runs = new RunTx(batch, messages, requests);
        this.attendances = new AttendanceTx(batch, presence, remembered, runs);
        this.controls = new ControlTx(batch, messages, runs);
        this.profiles = new ProfileTx(batch);
        this.wakes = new WakeTx(batch, presence, messages, runs);
        this.erasures = new ErasureTx(batch);
        this.notifications = new NotifyTx(batch, presence, messages, runs, requests, wakes);
    }

    /** The entries that were added so far, oldest first. */
    public List<Added> added() {
        return batch.added();
    }

    /** The sessions that have changed so far. An absent state stands for a session that was removed. */
    public Map<SessionName, Optional<SessionState>> changed() {
        return batch.changed();
    }

    /** Adds the new states of sessions to the batch, which already has everything in them. */
    public void write() {
        batch.write();
    }

    /** Makes the changes visible to readers. The batch must have been written. */
    public void show() {
        batch.show();
        remembered.show();
    }

    /** Tells those who wait for something in sessions, each call by way of {@code each}. The batch must have been shown. */
    public void tell(Sessions sessions, Consumer<Runnable> each) {
        wakes.tell(sessions.wakes(), each);
        notifications.tell(sessions.notifications(), each);
    }

    @Nullable
    SessionState find(SessionName name) {
        return batch.find(name);
    }

    void put(SessionState state) {
        batch.put(state);
    }

    RememberedTx remembered() {
        return remembered;
    }

    MessageTx messages() {
        return messages;
    }

    AnnotationTx annotations() {
        return annotations;
    }

    PresenceTx presence() {
        return presence;
    }

    ObjectTx objects() {
        return objects;
    }

    RequestTx requests() {
        return requests;
    }

    RunTx runs() {
        return runs;
    }

    AttendanceTx attendances() {
        return attendances;
    }

    ControlTx controls() {
        return controls;
    }

    ProfileTx profiles() {
        return profiles;
    }

    WakeTx wakes() {
        return wakes;
    }

    NotifyTx notifications() {
        return notifications;
    }

    ErasureTx erasures() {
        return erasures;
    }

    /** What sessions are listed by. */
    IndexTx index() {
        return batch.index();
    }

    /** Whether the session has nothing in it, and nothing is remembered for it. */
    boolean isEmpty(SessionState s) {
        return Sessions.isEmpty(batch.rows(), s.id());
    }

    /** Removes a session with everything in it. */
    void remove(SessionState s) {
        attendances.unlist(s);
        controls.unlist(s);
        profiles.unlist(s);
        batch.index().removeAll(s);
        wakes.unlist(s);
        notifications.unlist(s);
        runs.unlist(s);
        requests.unlist(s);
        batch.remove(s);
        for (Table table : Sessions.TABLES_BY_ID) {
            removeAll(table, s);
        }
        removeAll(Table.REMOVED, s);
        removeAll(Table.INHERITED, s);
        removeAll(Table.NOTIFIED, s);
    }

    private void removeAll(Table table, SessionState s) {
        batch.rows().removeRange(table, SessionRows.idKey(s.id()), SessionRows.idKey(s.id() + 1));
    }

    /** Removes everything up to {@code upTo}; {@code gone} are the messages of that part. */
    void trim(SessionState s, long upTo, List<Head> gone) {
        annotations.remove(s, upTo, gone);
        // Up to here, the log has presence events and entries about these messages. The messages may have later entries
        // as well.
        batch.rows().removeRange(Table.LOG, SessionRows.idKey(s.id()), SessionRows.positionKey(s.id(), upTo + 1));
        messages.remove(s, upTo, gone);
        presence.remove(s, upTo);
        Removed.keep(batch.rows(), s, upTo, gone.stream().map(Head::serial).toList());
    }

    /** Removes what was decided up to {@code upTo}, and who had the control by then. What is still open, or so, stays. */
    void forget(SessionState s, long upTo) {
        requests.trim(s, upTo);
        controls.trim(s, upTo);
    }
}
