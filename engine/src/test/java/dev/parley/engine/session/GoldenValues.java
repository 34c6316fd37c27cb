package dev.parley.engine.session;

/** Values in golden examples. */
public final class GoldenValues {
    /** A session's id. */
    public static final long ID = 0x0102_0304_0506L;

    /** A message's serial. */
    public static final long SERIAL = 0x0607_0809_0A0BL;

    /** A session's name. */
    public static final SessionName NAME = new SessionName("app", "chat:ü");

    /** A content with everything. */
    public static final Body FULL = new Body("name", Data.of("täxt"), "json", "{\"a\":1}");

    /** A content of bytes. */
    public static final Body BYTES = new Body(null, Data.of(new byte[] {0, -1}), null, null);

    /** A content with nothing. */
    public static final Body EMPTY = new Body(null, null, null, null);

    private GoldenValues() {}
}
