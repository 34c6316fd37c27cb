package dev.parley.server.wire;

/** The bits of {@code flags} in ATTACH and ATTACHED; those from {@link #PRESENCE} on are modes. */
public final class Flags {
    public static final int HAS_PRESENCE = 1;
    public static final int HAS_BACKLOG = 1 << 1;
    public static final int RESUMED = 1 << 2;
    public static final int TRANSIENT = 1 << 4;

    /** Sent by a client that had been attached before. */
    public static final int ATTACH_RESUME = 1 << 5;

    public static final int HAS_OBJECTS = 1 << 7;

    public static final int PRESENCE = 1 << 16;
    public static final int PUBLISH = 1 << 17;
    public static final int SUBSCRIBE = 1 << 18;
    public static final int PRESENCE_SUBSCRIBE = 1 << 19;
    public static final int ANNOTATION_PUBLISH = 1 << 21;
    public static final int ANNOTATION_SUBSCRIBE = 1 << 22;
    public static final int OBJECT_SUBSCRIBE = 1 << 24;
    public static final int OBJECT_PUBLISH = 1 << 25;

    /** The modes of an attachment that asks for none. */
    public static final int DEFAULT_MODES = PRESENCE | PUBLISH | SUBSCRIBE | PRESENCE_SUBSCRIBE | ANNOTATION_PUBLISH;

    /** All modes. */
    public static final int ALL_MODES = DEFAULT_MODES | ANNOTATION_SUBSCRIBE | OBJECT_SUBSCRIBE | OBJECT_PUBLISH;

    private Flags() {}
}
