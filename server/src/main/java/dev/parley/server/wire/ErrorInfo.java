package dev.parley.server.wire;

/**
 * An error in the form in which clients get it. The codes are those of the protocol. The message says what the client
 * can do about it.
 *
 * @param statusCode the HTTP status that belongs to the error
 */
public record ErrorInfo(int code, int statusCode, String message) {
    public static final ErrorInfo INVALID_CONNECTION_KEY =
            new ErrorInfo(40006, 400, "The connectionKey of the message was not given to a connection of this client.");
    public static final ErrorInfo INVALID_CHANNEL_NAME = new ErrorInfo(
            40010,
            400,
            "A channel's name has 1 to 2048 characters, no control character, does not begin with a colon or a [, and is"
                    + " neither . nor ...");
    public static final ErrorInfo BATCH_FAILED =
            new ErrorInfo(40020, 400, "Some parts of the batch failed; each has its own error.");
    public static final ErrorInfo FORCED_NACK =
            new ErrorInfo(40099, 400, "Refused because the publish parameter _forceNack asks for it.");
    public static final ErrorInfo TOO_MANY_REQUESTS =
            new ErrorInfo(42910, 429, "Too many requests are waiting; try again soon.");
    public static final ErrorInfo INTERNAL =
            new ErrorInfo(50000, 500, "The server failed to answer; its log says more.");
    public static final ErrorInfo STORAGE_FULL =
            new ErrorInfo(50000, 507, "The server's disk is full; nothing more can be stored until there is room.");
    public static final ErrorInfo NO_ROOM =
            new ErrorInfo(80003, 503, "The server has no memory left for this request; try again.");
    public static final ErrorInfo ARRIVES_TOO_SLOWLY =
            new ErrorInfo(80003, 408, "A message took too long to arrive; connect again.");
    public static final ErrorInfo STOPPING = new ErrorInfo(80003, 503, "The server is stopping; try again.");
    /** The code makes a client connect by WebSocket again. After most other codes it would not connect again. */
    public static final ErrorInfo NO_POLLING =
            new ErrorInfo(80003, 404, "The server accepts connections by WebSocket only.");

    public static final ErrorInfo UNKNOWN_CONNECTION_KEY =
            new ErrorInfo(80018, 400, "The connectionKey was not given out by this server; this is a new connection.");
    public static final ErrorInfo CONTINUITY_LOST = new ErrorInfo(
            90003, 404, "The channel no longer has all messages since the channelSerial; read the history instead.");
    public static final ErrorInfo BACKLOG_TOO_LARGE =
            new ErrorInfo(90004, 400, "Too much has happened since the channelSerial; read the history instead.");
    public static final ErrorInfo REWIND_CUT = new ErrorInfo(
            90005, 400, "The rewind ends at its limit and the channel has older messages; read the history for them.");
    public static final ErrorInfo NOT_MUTABLE = new ErrorInfo(
            93002,
            400,
            "The messages of this channel cannot be changed; set mutableMessages for its namespace to allow it.");

    /** The session was erased, and nobody has made another one of its name. */
    public static final ErrorInfo SESSION_ERASED = new ErrorInfo(
            41000,
            410,
            "The session was erased. Whoever publishes to this name, or makes a session of it, begins another one.");

    /** The code is the protocol's code for operations that are forbidden for other reasons than the capability. */
    public static final ErrorInfo MESSAGE_DELETED = new ErrorInfo(
            40300,
            403,
            "The message was deleted. Nothing can be appended to it; an update by who deleted it, or by somebody else than"
                    + " its author with the capability message-delete-any, brings it back.");

    /** The request is invalid as a whole. */
    public static ErrorInfo badRequest(String message) {
        return new ErrorInfo(40000, 400, message);
    }

    /** A body or frame cannot be read. */
    public static ErrorInfo unreadable(String message) {
        return new ErrorInfo(40001, 400, message);
    }

    /** A field or parameter has an invalid value. */
    public static ErrorInfo invalidValue(String message) {
        return new ErrorInfo(40003, 400, message);
    }

    /** A message is larger than allowed. */
    public static ErrorInfo tooLarge(long size, long limit) {
        return new ErrorInfo(
                40009,
                413,
                "The message has " + size + " bytes and may have " + limit + ". Split it, or raise the limit.");
    }

    /** A message has grown to its greatest size. */
    public static ErrorInfo grownTooLarge(long size) {
        return new ErrorInfo(
                40009,
                413,
                "The message has grown to its greatest size; with this append it would have " + size
                        + " bytes. Go on in another message, or raise the setting realtime.grown-bytes.");
    }

    /** A request is larger than the server reads. */
    public static ErrorInfo bodyTooLarge(long limit) {
        return new ErrorInfo(40009, 413, "The body is larger than " + limit + " bytes; split it up.");
    }

    /** A part of an answer does not fit in it. */
    public static ErrorInfo answerTooLarge(long limit) {
        return new ErrorInfo(
                40009,
                413,
                "The answer would be larger than " + limit + " bytes; ask for this channel alone, page by page.");
    }

    /** The client may not use this clientId. */
    public static ErrorInfo invalidClientId(String message) {
        return new ErrorInfo(40012, 400, message);
    }

    /** The data of a message does not have the form that its encoding says. */
    public static ErrorInfo invalidData(String message) {
        return new ErrorInfo(40013, 400, message);
    }

    /** A message id cannot be used as an idempotency key. */
    public static ErrorInfo invalidId(String message) {
        return new ErrorInfo(40031, 400, message);
    }

    /** The credentials do not allow an operation on a channel. */
    public static ErrorInfo notPermitted(String operation, String channel) {
        return new ErrorInfo(
                40160,
                401,
                "These credentials do not allow the operation " + operation + " on the channel " + channel + ".");
    }

    /** The attachment to a channel does not have a mode. */
    public static ErrorInfo modeNotGranted(String mode, String channel) {
        return new ErrorInfo(
                40165, 401, "The channel " + channel + " was attached without the mode " + mode + "; attach with it.");
    }

    /** There is nothing at this path, or no such thing. */
    public static ErrorInfo notFound(String message) {
        return new ErrorInfo(40400, 404, message);
    }

    /** There is no such message. */
    public static ErrorInfo noSuchMessage() {
        return notFound("There is no message with this serial; old messages may have been removed.");
    }

    /** A presence event has no client id. */
    public static ErrorInfo noClientId() {
        return new ErrorInfo(40012, 400, "A presence member needs a clientId: connect with one, or name one.");
    }

    /** A channel has the greatest number of presence members. */
    public static ErrorInfo tooManyMembers(int limit) {
        return new ErrorInfo(91003, 400, "The channel has its greatest number of presence members, " + limit + ".");
    }

    /** An operation on objects is invalid. */
    public static ErrorInfo invalidObjectMessage(String message) {
        return new ErrorInfo(92000, 400, message);
    }

    /** Writes the value of the field {@code error}. */
    public void write(WireWriter to) {
        to.beginObject()
                .field("code", code)
                .field("statusCode", statusCode)
                .field("message", message)
                .endObject();
    }
}
