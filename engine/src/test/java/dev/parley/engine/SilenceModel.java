package dev.parley.engine;

import dev.parley.engine.SessionModel.Room;
import dev.parley.engine.session.Body;
import dev.parley.engine.session.Data;
import dev.parley.engine.session.Run;
import dev.parley.engine.session.RunTexts;
import dev.parley.engine.session.SessionCommand.MessageOp;
import dev.parley.engine.session.SessionCommand.MessageOp.Change;
import dev.parley.engine.session.SessionCommand.StallRun;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** What is said of agents that are silent: shares no code with the machine. */
final class SilenceModel {
    /** When the agent of a run was heard, when the run is looked at, and since when the agent is stalled. */
    record Heard(
            long heardAt, @Nullable Long listedAt, @Nullable Long stalledAt) {
        boolean isStalled() {
            return stalledAt != null;
        }
    }

    private SilenceModel() {}

    static boolean anyStalled(Room room) {
        return room.silences.values().stream().anyMatch(Heard::isStalled);
    }

    static void heard(Room room, String runId, long time) {
        Heard known = room.silences.get(runId);
        Long listed = known == null ? null : known.listedAt;
        room.silences.put(runId, new Heard(time, listed == null || time < listed ? Long.valueOf(time) : listed, null));
        if (known != null && known.isStalled()) {
            tell(room, runId, false, time);
        }
    }

    static void begin(Room room, @Nullable String runId, long time) {
        if (runId != null) {
            room.silences.computeIfPresent(
                    runId, (id, known) -> known.isStalled() ? known : new Heard(time, known.listedAt, null));
        }
    }

    static void settled(Room room, long serial, long time) {
        SessionModel.Open open = room.open.get(serial);
        if (open != null && room.silences.containsKey(open.runId())) {
            heard(room, open.runId(), time);
        }
    }

    static void appended(Room room, List<MessageOp> messages, long time) {
        for (MessageOp message : messages) {
            SessionModel.Open open = message instanceof Change change ? room.open.get(change.serial()) : null;
            Heard known = open == null ? null : room.silences.get(open.runId());
            if (open != null && known != null && known.isStalled()) {
                heard(room, open.runId(), time);
            }
        }
    }

    static void stall(StallRun c, Room room) {
        Heard known = room.silences.get(c.runId());
        if (known == null || known.isStalled()) {
            return;
        }
        Run run = Objects.requireNonNull(room.runs.get(c.runId()));
        SessionModel.Attendance at = run.connectionId() == null ? null : room.attendances.get(run.connectionId());
        boolean away = at != null && !at.isOver();
        boolean awaited = room.requests.values().stream()
                .anyMatch(request ->
                        request.isOpen() && c.runId().equals(request.terms().runId()));
        long heard = known.heardAt;
        for (var open : room.open.entrySet()) {
            List<SessionModel.Version> versions = room.messages.get(open.getKey());
            if (open.getValue().runId().equals(c.runId()) && versions != null) {
                heard = Math.max(heard, versions.getLast().whole().position() >> 20);
            }
        }
        heard = away || awaited ? c.time() : Math.min(heard, c.time());
        if (heard > c.since()) {
            room.silences.put(c.runId(), new Heard(heard, heard, null));
        } else {
            room.silences.put(c.runId(), new Heard(heard, null, c.time()));
            tell(room, c.runId(), true, c.time());
        }
    }

    private static void tell(Room room, String runId, boolean stalled, long time) {
        RunTexts texts = room.texts.get(runId);
        RunTexts.Notice notice = texts == null ? null : texts.stalled();
        if (notice != null) {
            String data = notice.start() + stalled + notice.middle() + time + notice.rest();
            SessionModel.create(
                    room,
                    time,
                    SessionModel.saying(
                            room.id + ":stalled:" + runId + ":" + time,
                            new Body(notice.name(), Data.of(data), notice.encoding(), null)));
        }
    }
}
