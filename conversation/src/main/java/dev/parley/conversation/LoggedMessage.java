package dev.parley.conversation;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * A message of the session's log as all its deliveries together make it, in whatever order they have come: what the newest
 * of its whole versions says, and after it the appends of later versions. A delivery that is there already changes nothing.
 */
final class LoggedMessage {
    /**
     * The number of appends that are kept apart, so that one of an earlier version still finds its place among them. The
     * session delivers the appends of a message in order; this is for what reaches a reader by several ways.
     */
    static final int REORDERED_APPENDS = 64;

    private record Fragment(String version, String text) {}

    private final String serial;
    private boolean created;
    private long timestamp;
    private @Nullable String name;
    private @Nullable String clientId;
    private Headers headers = Headers.NONE;
    private String headersVersion = "";

    /** The version of what stands before the fragments; empty if only appends are known. */
    private String wholeVersion = "";

    private @Nullable JsonNode data;
    private final StringBuilder settled = new StringBuilder();
    private final List<Fragment> fragments = new ArrayList<>();
    private @Nullable String text;
    private boolean deleted;

    /** The characters of its data. */
    private long size;

    /** The node that it belongs to, null as long as that is not known or if it belongs to none. */
    @Nullable
    NodeState home;

    LoggedMessage(String serial) {
        this.serial = serial;
    }

    /** What a delivery has told. */
    enum News {
        /** Nothing new. */
        NONE,
        /** What the message says. */
        CONTENT,
        /** Perhaps also who says it and where it belongs. */
        PLACE
    }

    /** Takes a delivery. */
    News apply(SessionMessage message) {
        boolean says = message.action() == SessionMessage.Action.APPEND ? append(message) : replace(message);
        News known = identify(message);
        return says && known == News.NONE ? News.CONTENT : known;
    }

    /** Takes what a delivery says about the message rather than in it; an older one may know what a newer one does not. */
    private News identify(SessionMessage message) {
        News news = News.NONE;
        if (name == null && message.name() != null) {
            name = message.name();
            news = News.PLACE;
        }
        boolean creates = message.action() == SessionMessage.Action.CREATE;
        if (!created && (creates || timestamp == 0)) {
            news = creates && !Objects.equals(clientId, message.clientId()) ? News.PLACE : news;
            created = creates;
            clientId = message.clientId();
            timestamp = message.timestamp();
        }
        // Who moderates a message replaces what it says, and need not know what it is.
        if (!message.headers().isEmpty() && message.version().compareTo(headersVersion) > 0) {
            if (!message.headers().equals(headers)) {
                news = message.headers().placesAs(headers) && news == News.NONE ? News.CONTENT : News.PLACE;
            }
            headers = message.headers();
            headersVersion = message.version();
        }
        return news;
    }

    static LoggedMessage earlier(LoggedMessage one, LoggedMessage other) {
        return one.serial.compareTo(other.serial) <= 0 ? one : other;
    }

    private boolean replace(SessionMessage message) {
        String version = message.version();
        if (version.compareTo(wholeVersion) <= 0) {
            return false;
        }
        String before = text();
        JsonNode dataBefore = data;
        boolean deletedBefore = deleted;
        wholeVersion = version;
        fragments.removeIf(fragment -> fragment.version().compareTo(version) <= 0);
        deleted = message.action() == SessionMessage.Action.DELETE;
        data = deleted ? null : message.data();
        settled.setLength(0);
        if (data != null && data.isString()) {
            settled.append(data.stringValue());
        }
        size = settled.length();
        for (Fragment fragment : fragments) {
            size += fragment.text().length();
        }
        if (data != null && !data.isString()) {
            size += data.toString().length();
        }
        text = null;
        // A page of history may say as a whole what appends have said before.
        boolean isText = data != null && data.isString() && dataBefore != null && dataBefore.isString();
        return deleted != deletedBefore || !text().equals(before) || !(isText || Objects.equals(data, dataBefore));
    }

    private boolean append(SessionMessage message) {
        String version = message.version();
        if (version.compareTo(wholeVersion) <= 0) {
            return false;
        }
        int at = fragments.size();
        while (at > 0 && fragments.get(at - 1).version().compareTo(version) > 0) {
            at--;
        }
        if (at > 0 && fragments.get(at - 1).version().equals(version)) {
            return false;
        }
        JsonNode more = message.data();
        String fragment = more == null ? "" : more.asString("");
        text = null;
        size += fragment.length();
        fragments.add(at, new Fragment(version, fragment));
        if (fragments.size() > REORDERED_APPENDS && !wholeVersion.isEmpty()) {
            settle(REORDERED_APPENDS / 2);
        }
        return true;
    }

    private void settle(int count) {
        List<Fragment> oldest = fragments.subList(0, count);
        oldest.forEach(fragment -> settled.append(fragment.text()));
        wholeVersion = oldest.get(count - 1).version();
        oldest.clear();
    }

    String serial() {
        return serial;
    }

    long size() {
        return size;
    }

    long timestamp() {
        return timestamp;
    }

    @Nullable
    String name() {
        return name;
    }

    @Nullable
    String clientId() {
        return clientId;
    }

    Headers headers() {
        return headers;
    }

    /** Whether its content was removed. */
    boolean deleted() {
        return deleted;
    }

    /** Its text; empty if its data is none. */
    String text() {
        String whole = text;
        if (whole == null) {
            StringBuilder all = new StringBuilder(settled);
            fragments.forEach(fragment -> all.append(fragment.text()));
            whole = all.toString();
            text = whole;
        }
        return whole;
    }

    /** What its text has after this many characters. */
    String textAfter(int chars) {
        if (text != null || chars < settled.length()) {
            String whole = text();
            return chars < whole.length() ? whole.substring(chars) : "";
        }
        StringBuilder rest = new StringBuilder();
        int left = chars - settled.length();
        for (Fragment fragment : fragments) {
            String more = fragment.text();
            if (left < more.length()) {
                rest.append(more, left, more.length());
            }
            left = Math.max(0, left - more.length());
        }
        return rest.toString();
    }

    /** Its data as it was published; for what grows ask for the text. */
    @Nullable
    JsonNode data() {
        return data;
    }

    Part.Progress progress() {
        String status = headers.get(WireForm.STATUS);
        if (WireForm.COMPLETE.equals(status)) {
            return Part.Progress.DONE;
        }
        return WireForm.CANCELLED.equals(status) ? Part.Progress.CANCELLED : Part.Progress.STREAMING;
    }
}
