// What can be broken in the engine, and which test must notice. An edit replaces a text that stands exactly once in its file.

const main = path => `engine/src/main/java/dev/parley/engine/${path}.java`
const edit = (path, from, to) => ({ file: main(path), from, to })

const SIMULATION = "SimulationTest#everyHistoryIsOneTheProtocolAllows"
const CLUSTER = "ClusterTest"

/** `what`: the row of the table in docs/testing.md, and how it is broken; `test`: as Surefire names it. */
const broken = (what, ...edits) => ({ what, edits, test: SIMULATION })
const noticedBy = (test, what, ...edits) => ({ what, edits, test })

export const breaks = [
  broken(
    "answer before the sync",
    edit("Committer", "        log.send();\n", ""),
    edit("Committer", "            durable.accept(group.works);\n        }\n", "            durable.accept(group.works);\n        }\n        log.send();\n"),
  ),
  broken(
    "continue after a failure",
    edit("Pipeline", "            if (earlier != null) {\n                throw new IllegalStateException(", "            if (earlier != null && !stopped) {\n                throw new IllegalStateException("),
  ),
  broken(
    "lose room: leave out a line of leave",
    edit("Admission", "            purse.giveBack(weight);\n            tellOfRoom();\n", "            tellOfRoom();\n"),
  ),
  broken(
    "lose room: do not give back the room of a refused command",
    edit("Admission", "            waiting.decrementAndGet();\n            // For a moment", "            // For a moment"),
  ),
  broken(
    "let callers wait although there is room",
    edit("Admission", "            purse.giveBack(weight);\n            tellOfRoom();\n", "            purse.giveBack(weight);\n"),
  ),
  broken(
    "show or answer before the write: show",
    edit("Shard", "        rows.commit();\n        applied = last;\n        projections.delivery().show(streamTx);\n        projections.delivery().show(sessionTx);\n",
      "        applied = last;\n        projections.delivery().show(streamTx);\n        projections.delivery().show(sessionTx);\n        rows.commit();\n"),
  ),
  broken(
    "forget the position of the store: leave out the row",
    edit("Shard", "        rows.append(Table.META, markKey(), new BinaryWriter(8).fixed64(last).toBytes());\n", ""),
  ),
  broken(
    "forget the position of the store: a batch of its own",
    edit("Shard", "        rows.append(Table.META, markKey(), new BinaryWriter(8).fixed64(last).toBytes());\n        rows.commit();\n",
      "        rows.commit();\n        StoreTx mark = new StoreTx(store);\n        mark.append(Table.META, markKey(), new BinaryWriter(8).fixed64(last).toBytes());\n        mark.commit();\n"),
  ),
  broken(
    "keep a torn tail",
    edit("journal/LocalJournal", "            active.file().write(ByteBuffer.allocate(to - from), from);\n", ""),
  ),
  broken(
    "show data that is only in the operating system's memory",
    edit("journal/LocalJournal", "            segment.file().sync();\n", ""),
  ),
  broken("free too much", edit("journal/LocalJournal", "oldest.end() > position", "oldest.base() > position")),
  broken(
    "lose a pin: leave out a release",
    edit("Forks", `                release(unused, command.time());
                if (outcome instanceof`, "                if (outcome instanceof"),
  ),
  broken("lose a pin: leave out its retry", edit("Forks", "                refused.add(release);\n", "")),
  broken(
    "lose a pin: leave out the recovery of the outbox",
    edit("Forks", "        undone.forEach(release -> release(release, time));\n", ""),
  ),
  broken(
    "lose a pin: leave out Settle",
    edit("Forks", "                submitter.submit(new Settle(release.forkPath(), time, release.note()), again);\n", ""),
  ),
  noticedBy(
    "RecoveryTest",
    "replay out of order",
    edit("Recovery", "    private final List<Work> batch = new ArrayList<>();\n",
      "    private final List<Work> batch = new ArrayList<>();\n    private final java.util.TreeMap<Integer, List<Work>> held = new java.util.TreeMap<>();\n"),
    edit("Recovery", `        if (shard != batchShard || batch.size() == MAX_BATCH || batchBytes >= MAX_BATCH_BYTES) {
            apply();
            batchShard = shard;
        }
        batch.add(`, `        batchShard = shard;
        held.computeIfAbsent(shard, s -> new ArrayList<>()).add(`),
    edit("Recovery", "        if (!batch.isEmpty()) {\n", "        held.descendingMap().forEach((shard, works) -> shards.get(shard).apply(works));\n        if (!batch.isEmpty()) {\n"),
  ),
  broken(
    "look at another shard while applying",
    edit("stream/StreamMachine", "if (span.streamId() != s.id() && c.inherited() != null) {", "if (span.streamId() != s.id() && c.inherited() == null) {"),
  ),
  noticedBy(
    CLUSTER,
    "apply a record twice",
    edit("Submitters", "id.number() <= last.number)", "id.number() < last.number)"),
  ),
  noticedBy(
    CLUSTER,
    "let an earlier life go on",
    edit("Submitters", "id.life() < last.life || ", ""),
  ),
  noticedBy(CLUSTER, "forget who has submitted what", edit("Submitters", "            rows.put(Table.META, KEY, out.toBytes());\n", "")),
  noticedBy(
    CLUSTER,
    "answer with the outcome of another node's command",
    edit("Committer", "Submission submission = isOwn ? heard(id.number()) : null;", "Submission submission = heard(id.number());"),
  ),
  noticedBy(
    CLUSTER,
    "miss a record after a checkpoint",
    edit("Recovery", "if (position <= shards.get(shard).applied()) {", "if (position <= shards.get(shard).applied() + 3) {"),
  ),
  noticedBy(
    CLUSTER,
    "give back the pin of another node",
    edit("Forks", "            if (pinIds.isOwn(orphan.pinId())) {", "            if (!orphan.pinId().isEmpty()) {"),
  ),
  broken(
    "show appends to readers that do not have the message",
    edit("delivery/SessionTail", "(whole || message.previous() <= begin)", "whole"),
  ),
  broken("continue from memory too early", edit("delivery/SessionTail", "        storeUntil = part.last();\n", "")),
  broken("miss a hole in the window: leave out a restart", edit("delivery/Window", "            restart(before);\n", "")),
  broken(
    "miss a hole in the window: a floor one too low",
    edit("delivery/Window", "floor = end.applyAsLong(oldest);", "floor = end.applyAsLong(oldest) - 1;"),
  ),
  broken(
    "publish twice: leave out keep",
    edit("session/machine/SessionMachine", "            keep(s, sender, command.time(), accepted.positions(), tx);\n", ""),
  ),
  broken(
    "publish twice: leave out keep of a rollup",
    edit("session/machine/SessionMachine", "                keep(after, sender(c, part), c.time(), accepted.positions(), tx);\n", ""),
  ),
  broken(
    "publish twice: do not look for an earlier outcome",
    edit("session/machine/SessionMachine", "List<Long> positions = sender == null ? null : tx.remembered().outcome(s, sender, operations);", "List<Long> positions = null;"),
  ),
  broken(
    "refuse half of a request",
    edit("session/message/MessageMachine", "                    steps.add(new Step.Made(m, head));\n",
      "                    s = tx.batch().put(take(s, new Step.Made(m, head), tx));\n"),
  ),
  broken(
    "leave an old row: relog",
    edit("session/message/MessageTx", "        batch.unlog(s, before.version());\n", ""),
  ),
  broken(
    "leave an old row: summary",
    edit("session/annotation/AnnotationTx", "            batch.unlog(s, totals.summary());\n", ""),
  ),
  broken(
    "leave an old row: trim",
    edit("session/message/MessageTx", "                batch.unlog(s, head.version());\n", ""),
  ),
  broken(
    "read a row that the batch has removed",
    edit("store/StoreTx", "        return ranges(table).stream().anyMatch(range -> contains(range, key));", "        return false;"),
  ),
  broken(
    "lose a piece",
    edit("session/message/Head", "append ? (begins ? 2 : pieces + 1) : 0", "append ? (begins ? 2 : pieces) : 0"),
  ),
  broken(
    "forget a subscriber",
    edit("Shard", "        failures.run(() -> projections.subscriptions().tell(streamTx.changed().keySet(), subscriptionTx.changed()));\n", ""),
  ),
  broken(
    "keep a cursor",
    edit("subscription/SubscriptionTx", "        rows.remove(Table.SUBSCRIPTIONS, SubscriptionRows.linkKey(of.incarnation(), path));\n", ""),
  ),
  noticedBy(
    "SubscriptionMachineTest",
    "wake nobody",
    edit("subscription/SubscriptionMachine", "        now = wakeIfPending(tx.put(now.idle()), c.tails(), c.nextWakeId(), c.time(), tx);\n        return new SubscriptionOutcome.Acked(",
      "        return new SubscriptionOutcome.Acked("),
  ),
  broken("cut a character", edit("delivery/Tail", "state.isUtf8() ? uncut(entries, state) : entries", "entries")),
  broken("hide a loss", edit("session/machine/Sessions", "(position < state.horizon() && !isBeginning(state, position, now))", "false")),
  broken(
    "let a late command decide: lost",
    edit("session/attendance/AttendanceMachine", "leaves : known.epoch() <= c.epoch()", "leaves : known.epoch() >= 0"),
  ),
  broken(
    "let a late command decide: back",
    edit("session/attendance/AttendanceMachine", "known.epoch() < c.epoch()", "known.epoch() >= 0"),
  ),
  broken(
    "let a late command decide: leave",
    edit("session/attendance/AttendanceMachine", "if (known == null || c.epoch() == 0 || known.epoch() <= c.epoch()) {", "if (known == null || known.epoch() >= 0) {"),
  ),
  broken(
    "do not notice who is there",
    edit("session/attendance/AttendanceMachine", "known == null || known.epoch() < epoch)", "known == null)"),
  ),
  broken(
    "do not notice who is there: with the first request",
    edit("session/remembered/RememberedTx", "return known.count() == 0 || known.epoch() < sender.epoch();", "return false;"),
  ),
  broken(
    "lose track of arrivals",
    edit("session/attendance/AttendanceTx", "        rows.remove(Table.ARRIVALS, AttendanceRows.arrivalKey(attendance.epoch(), s.id(), connectionId));\n", ""),
  ),
  broken(
    "give two lives one number",
    edit("life/Lives", "before.newest() + 1, ofNodes, ended);", "before.newest(), ofNodes, ended);"),
  ),
  broken(
    "tell nobody whom a boot has lost",
    edit("Chores", "        found.traces().forEach(trace -> pipeline.enqueue(connections.command(trace, now), new Told()));\n", "        untold.set(0);\n"),
  ),
  broken(
    "tell nobody whom a boot has lost: stay at the end of the last round",
    edit("Chores", "        if (arrivals == null) {\n", "        if (arrivals == null) {\n            arrivals = new byte[] {-1};\n"),
  ),
  noticedBy(
    CLUSTER,
    "tell sessions of another node's lives",
    edit("life/Lives", "Objects.equals(node, had != null && ofNodes.containsKey(had) ? had : last(ofNodes));", "(had == null || ofNodes.containsKey(had));"),
  ),
  noticedBy(
    "ChoresTest",
    "tell a session twice",
    edit("Chores", "        if (untold.get() > 0) {\n", "        if (untold.get() < 0) {\n"),
  ),
  noticedBy(
    "ChoresTest",
    "let those leave who could not come back",
    edit("Chores", "        if (allTold) {\n", "        if (earlier != null) {\n"),
  ),
  broken(
    "let nobody leave",
    edit("session/attendance/AttendanceTx", "        if (after.isLost()) {\n            rows.put(", "        if (after.isLost() && after.leaveAt() == 0) {\n            rows.put("),
  ),
  broken(
    "let those leave who are back",
    edit("session/attendance/AttendanceMachine", "known.isLost() && ", ""),
  ),
  broken(
    "let the runs of lost agents go on",
    edit("session/attendance/AttendanceMachine", "        if (known.runsEnd(c.time())) {", "        if (known.runsEnd(c.time()) && known.epoch() < 0) {"),
  ),
  broken(
    "let the runs of lost agents go on: with a connection that is closed",
    edit("session/attendance/AttendanceMachine", "tx.attend(s, c.connectionId(), known, now != null && now.isLost() ? now : null);", "tx.attend(s, c.connectionId(), known, null);"),
  ),
  broken(
    "leave messages of a lost agent open",
    edit("session/run/RunMachine", "if (head != null && !head.isDeleted()) {", "if (head != null && head.isDeleted()) {"),
  ),
  broken(
    "keep what a run has left: texts",
    edit("session/run/RunTx", "        rows.remove(Table.RUNS, RunRows.textsKey(s.id(), runId));\n", ""),
  ),
  broken(
    "keep what a run has left: open messages",
    edit("session/run/RunMachine", "        tx.openOf(s, run.id()).forEach((serial, open) -> tx.removeOpen(s, serial));\n", ""),
  ),
  noticedBy(
    "AttendanceRulesTest",
    "tell twice that an agent is away",
    edit("session/attendance/AttendanceMachine", "return runs == null || isTold(known, runs) ? 0 : runs.awayAt();", "return runs == null ? 0 : runs.awayAt();"),
  ),
  broken(
    "retain too much",
    edit("session/message/MessageTx", "(head.serial() > upTo && s.bytes() - bytes <= maxBytes)", "head.serial() > upTo"),
  ),
  broken("tell nobody what has ended", edit("Shard", "        projections.registry().tell(registryTx, failures::run);\n", "")),
  broken(
    "keep a revocation that is over",
    edit("registry/RegistryTx", "        rows.remove(Table.REGISTRY, RegistryRows.revocationKey(revocation));\n", ""),
  ),
  broken("take a revocation for more than it says", edit("registry/Revocation", "\n                && appliesAt <= other.appliesAt;", ";")),
  noticedBy(
    "SessionFormatTest",
    "change an encoding on both sides",
    edit("session/log/SessionRows", ".varint(s.bytes())", ".fixed64(s.bytes())"),
    edit("session/log/SessionRows", "                in.varint(),\n                in.count(),\n", "                in.fixed64(),\n                in.count(),\n"),
  ),
  noticedBy(
    "CommandFormatTest",
    "add a field to a command for which no golden line shows both states",
    edit("identity/Identify", "public record Identify(long time, long value, boolean first)", "public record Identify(long time, long value, boolean first, boolean added)"),
    edit("identity/Identify", "    private static final int KIND = 96;", "    public Identify(long time, long value, boolean first) {\n        this(time, value, first, false);\n    }\n\n    private static final int KIND = 96;"),
  ),
  noticedBy(
    "CommandCodecTest",
    "read no older version of a command",
    edit("stream/StreamCommandCodec", "in.version(VERSION, newest(kind))", "in.version(newest(kind), newest(kind))"),
  ),
  noticedBy(
    "SegmentFormatTest",
    "let bytes of a segment count for nothing",
    edit("journal/Segment", "            if (bytes.get(at) != 0) {", "            if (bytes.get(at) != 0 && at < 0) {"),
  ),
  broken(
    "let agents speak while a person has the control",
    edit("session/control/ControlMachine", "control.mode() == Mode.PERSON && isAgents(s, c, tx)", "control.mode() == null && isAgents(s, c, tx)"),
  ),
  broken(
    "let an answer grow behind a person's message",
    edit("session/control/ControlMachine", "Head head = saysSomething(m) ?", "Head head = saysSomething(m) && m.serial() == 0 ?"),
  ),
  broken(
    "take over twice by one message",
    edit("session/control/ControlMachine", "positions.get(spoken.message()) > before.last()", "positions.get(spoken.message()) > 0"),
  ),
  broken(
    "let a control go back that is not due",
    edit("session/control/ControlMachine", "known.until() != 0 && known.until() <= c.time()", "known.until() != 0"),
  ),
  broken(
    "keep the time of a control that is over",
    edit("session/control/ControlTx", "        unlist(s);\n        byte[] key", "        byte[] key"),
  ),
  broken(
    "list a session by an old label",
    edit("session/profile/ProfileTx", "        unlist(s, before);\n        after", "        after"),
  ),
  broken(
    "list a session by a run that has ended",
    edit("session/run/RunTx", "            batch.index().remove(s, new OpenRun());\n", ""),
  ),
  broken(
    "list an erased session by its runs",
    edit("session/machine/SessionTx", "        batch.index().removeAll(s);\n", ""),
  ),
  broken(
    "take a place of an erased session for one of the next",
    edit("session/machine/SessionMachine", ".withHorizon(before.end())", ""),
  ),
  broken(
    "erase the next session by a repeated request",
    edit("session/machine/SessionMachine", "c.txid() != null && c.txid().equals(before.txid())", "c.txid() == null && c.txid() != null"),
  ),
  noticedBy(
    "ProfileRulesTest",
    "forget who takes part",
    edit("session/log/IndexTx", "IndexRows.participants(participants + 1)", "IndexRows.participants(participants)"),
  ),
  broken(
    "let runs go on when a person takes over",
    edit("session/control/ControlMachine", "            RunMachine.takeOver(after, time, tx.runs());\n", ""),
  ),
  broken(
    "give one wake to two",
    edit("session/wake/WakeMachine", "                || wake.isHeld()\n", ""),
  ),
  broken(
    "let somebody settle a wake that another one has by now",
    edit("session/Wake", " && epoch == lease", ""),
  ),
  broken(
    "lose what is said while an agent works",
    edit("session/Wake", "if (epoch == 0) {", "if (epoch >= 0) {"),
  ),
  broken(
    "wake twice by one message",
    edit("session/wake/WakeMachine", "positions.get(said.message()) > before", "positions.get(said.message()) > 0"),
  ),
  broken(
    "keep the time of a wake that is over",
    edit("session/wake/WakeTx", "        unlist(s, wake(s, agentId));\n        rows.remove", "        rows.remove"),
  ),
  broken(
    "wake agents while a person has the control",
    edit("session/wake/WakeMachine", "                || s.control().mode() == Control.Mode.PERSON\n", ""),
  ),
  broken(
    "tell an application of what it was told already",
    edit("session/notify/NotifyMachine", "            case DELIVERED, UNWANTED -> tx.remove(s, notification);\n", "            case DELIVERED, UNWANTED -> {}\n"),
  ),
  broken(
    "keep the time of a notification that was told",
    edit("session/notify/NotifyTx", "    void remove(SessionState s, Notification notification) {\n        unlist(s, notification);\n", "    void remove(SessionState s, Notification notification) {\n"),
  ),
  broken(
    "tell twice of what somebody has not seen",
    edit("session/notify/NotifyMachine", "                        && tx.told(s, clientId) == null) {\n", "                        && true) {\n"),
  ),
  broken(
    "do not notice that somebody is there again",
    edit("session/notify/NotifyMachine", "event.action() != PresenceEntry.Action.LEAVE && positions.get(i) > last", "event.action() == PresenceEntry.Action.LEAVE && positions.get(i) > last"),
  ),
  broken(
    "take two answers",
    edit("session/request/RequestMachine", "if (!request.isOpen() || request.decisions()", "if (request.decisions()"),
  ),
  broken(
    "answer when it is too late",
    edit("session/request/RequestMachine", "return request.isDue(time) ? new AlreadyDecided(request.closed(request.whenDue(), 0)) : null;", "return null;"),
  ),
  broken(
    "let one client decide for two",
    edit("session/request/RequestMachine", "if (!request.isOpen() || request.decisions().stream().anyMatch(decision::isBySame)) {", "if (!request.isOpen()) {"),
  ),
  broken(
    "let a message answer what is closed",
    edit("session/control/ControlMachine", "        if (late != null) {", "        if (late != null && c.time() < 0) {"),
  ),
  broken(
    "keep the time of a request that is closed",
    edit("session/request/RequestTx", "if (request.isOpen() && request.terms().due() != 0) {", "if (request.isOpen() && request.terms().due() < 0) {"),
  ),
  broken(
    "wait for an answer when the run is over",
    edit("session/run/RunMachine", "                    RequestMachine.runEnded(s, n.runId(), c.time(), tx.requests());\n", ""),
  ),
  noticedBy(
    "FolderFormatTest",
    "open the folder of a newer program",
    edit("FormatFile", "        if (found > FolderFormat.NEWEST) {", "        if (found > 1_000) {"),
  ),
  noticedBy(
    "DeterminismTest",
    "lean on an order that each process has for itself",
    edit("session/presence/PresenceMachine", "                    leaveId(at, connectionId),\n",
      '                    leaveId(at, connectionId) + java.util.Set.of("a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k"),\n'),
  ),
]
