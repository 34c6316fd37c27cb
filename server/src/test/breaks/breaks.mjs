// What can be broken in the server, and which test must notice. The form is that of the engine's breaks.

const main = path => `server/src/main/java/dev/parley/server/${path}.java`
const edit = (path, from, to) => ({ file: main(path), from, to })
const noticedBy = (test, what, ...edits) => ({ what, edits, test, module: "server" })

export const breaks = [
  noticedBy(
    "SessionReaderTest#aPageThatDoesNotFitIsReadAgain",
    "skip a page that does not fit",
    edit("reading/SessionReader", "            pages.putBack().accept(page);\n", ""),
  ),
  noticedBy(
    "SessionReaderTest#aReaderOfASessionThatIsGoneIsTold",
    "hide from a reader that its place is gone",
    edit("reading/SessionReader", "            case SessionTail.Lost lost -> sink.lost();\n        }\n", "            case SessionTail.Lost lost -> {}\n        }\n"),
  ),
  noticedBy(
    "SessionReaderTest#whatWasBookedForAReadThatIsRefusedIsGivenBack",
    "keep the room of a read that was refused",
    edit("reading/SessionReader", "                    room.read(bytes);\n                    failed(failure);\n", "                    failed(failure);\n"),
  ),
  noticedBy(
    "SessionReaderTest",
    "use a tail on two threads",
    edit("reading/LogReader", "while (!busy && !closed && log.step()) {", "while (!closed && log.step()) {"),
  ),
  noticedBy(
    "RealtimeDoorTest#acknowledgementsComeInOrderAndResendsAreNotDoneAgain",
    "acknowledge out of order",
    edit("realtime/Acks", "        waiting.add(request);\n", "        waiting.addFirst(request);\n"),
  ),
  noticedBy(
    "RealtimeDoorTest#appendsThatComeTogetherMakeFewVersionsAndAreDoneOnce",
    "submit each append by itself",
    edit("realtime/Appends", "        if (message.underWay > 0 || message.resting) {\n", "        if (message.resting) {\n"),
  ),
  noticedBy(
    "RealtimeDoorTest#appendsThatComeTogetherMakeFewVersionsAndAreDoneOnce",
    "let a later request overtake appends",
    edit("realtime/Appends", "            if (concerned && !", "            if (!concerned && !"),
  ),
  noticedBy(
    "RealtimeMemoryTest#whoSendsFasterThanItsRequestsAreAnsweredWaitsAndIsNotSentAway",
    "hold a client back for ever",
    edit("realtime/Backpressure", "            paused = false;\n            intake.resume();\n", "            paused = false;\n"),
  ),
  noticedBy(
    "FootprintsTest#anAgentThatReturnsJustInTimeKeepsItsRuns",
    "tell no session that a connection is back",
    edit("realtime/Footprints", "                sessions().forEach(session -> submit(new Back(session, now, connectionId, epoch), () -> {}));\n", ""),
  ),
  noticedBy(
    "FootprintsTest#aConnectionThatIsBackBeforeItsSessionsAreToldIsNotLost",
    "take a connection for lost that came back before its sessions were told",
    edit("realtime/Footprints", "            if (sockets > 0) {\n                return new Back(", "            if (sockets > 1) {\n                return new Back("),
  ),
  noticedBy(
    "RunNotesTest#aMessageThatIsStreamedBringsItsClosingForm",
    "leave the messages of a dead run streaming",
    edit("channel/RunNotes", "            ((ObjectNode) headers).put(WireForm.STATUS, WireForm.CANCELLED);\n", ""),
  ),
  noticedBy(
    "RunNotesTest#whatWasRefusedIsNewsWhenItComesAgain",
    "forget what a refused append said",
    edit("channel/RunNotes", "                growing.remove(new Message(channel, serial));\n", ""),
  ),
  noticedBy(
    "SessionAccessTest#everyOperationNeedsItsCapability+aTokenNeverAllowsMoreThanItsKey,GateTest#aTokenNarrowsItsKey",
    "let tokens do everything",
    edit("auth/Gate", "        if (principal.may(operation, resource)) {\n", "        if (principal.isToken() || principal.may(operation, resource)) {\n"),
  ),
  noticedBy(
    "SessionAccessTest#aTokenNeverAllowsMoreThanItsKey",
    "let a token do more than its key",
    edit("auth/Tokens", "                capabilities = capabilities.intersect(\n                        Capabilities.requested(JsonMapper.shared().valueToTree(claim)));\n",
      "                capabilities = Capabilities.requested(JsonMapper.shared().valueToTree(claim));\n"),
  ),
  noticedBy(
    "SessionAccessTest#refusesForgedTokens",
    "believe a token that nobody has signed",
    edit("auth/Tokens", "} else if (!jwt.verify(new MACVerifier(key.secret()))) {", "} else if (jwt.getSignature() == null) {"),
  ),
  noticedBy(
    "GateTest#aKnownTokenStillExpires",
    "believe a known token for ever",
    edit("auth/Tokens", "        if (!now.isBefore(known.expires)) {\n", "        if (known.expires.equals(Instant.MIN)) {\n"),
  ),
  noticedBy(
    "SessionAccessTest#aClientIsWhoItsTokenSays",
    "let a client be whom it likes",
    edit("auth/Principal", "        if (!ANY_CLIENT.equals(clientId)) {\n", "        if (clientId == null) {\n"),
  ),
  noticedBy(
    "RevocationsTest#concernsOnlyOlderTokensOfTheKey",
    "revoke tokens that were made later",
    edit("auth/Revocations", "        return issued != null && issued.isBefore(Instant.ofEpochMilli(revocation.issuedBefore()));\n", "        return issued != null;\n"),
  ),
  noticedBy(
    "ConnectionKeysTest#aKeyIsGoodForItsUserOnly",
    "let another user go on with a connection",
    edit("auth/ConnectionKeys", ' + app + "\\n" + (clientId == null ? "" : "=" + clientId);', " + app;"),
  ),
  noticedBy(
    "OriginsTest",
    "let pages of all origins use a door without keys",
    edit("http/Origins", "(loopback && isOfLoopback(origin));", "loopback;"),
  ),
  noticedBy(
    "StreamsDoorTest#pagesOfOtherOriginsMayNotReadAnswers",
    "grant each origin what one may",
    edit("http/Cors", "        return origins.allow(origin) ? origin : null;\n", "        return origin;\n"),
  ),
  noticedBy(
    "StreamsDoorTest#aBodyThatDoesNotSayHowLongItIsIsReadUpToTheLimit",
    "read a body beyond its limit",
    edit("http/RequestBody", "        if (received > limit) {\n", "        if (received > 2L * limit) {\n"),
  ),
  noticedBy(
    "StreamsDoorTest#bodiesThatArriveTakeTheirShareAndGiveItBack",
    "keep the room of a body whose client is gone",
    edit("http/RequestBody", "        more = null;\n        giveBack();\n", "        more = null;\n"),
  ),
  noticedBy(
    "HttpFrontTest#whatCanBeReadInTwoWaysEndsTheConnection",
    "take a request that can be read in two ways",
    edit("http/RequestCheck", "            if (hosts.size() > 1) {\n", "            if (hosts.size() > 2) {\n"),
  ),
  noticedBy(
    "StreamsDoorTest#cachesKeepOnlyWhatNoLongerGrows",
    "let caches keep an answer that grows",
    edit("streams/CatchUp", "        if (!complete) {\n", "        if (!complete && state.closed()) {\n"),
  ),
  noticedBy(
    "StreamsDoorTest#cachesKeepOnlyWhatNoLongerGrows",
    "hide from caches that a stream was closed",
    edit("streams/EntityTags", 'state.closed() ? CLOSED : "";', '"";'),
  ),
  noticedBy(
    "OffsetsTest",
    "take offsets of another data folder",
    edit("streams/Offsets", "            if ((int) (seal >>> 32) == (int) mark) {\n", "            if (seal != mark) {\n"),
  ),
  noticedBy(
    "OffsetsTest#whatWasGivenOutBeforeARestoreIsKnownAsThat",
    "take offsets from before a restore",
    edit("streams/Offsets", "                return i == identities.values().size() - 1\n", "                return i >= 0\n"),
  ),
  noticedBy(
    "WakeTokensTest",
    "take the token of a subscription that was there before",
    edit("streams/subscription/WakeTokens", "\n                    || !Objects.equals(claims.getLongClaim(INCARNATION), subscription.incarnation())", ""),
  ),
]
