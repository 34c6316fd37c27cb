package dev.parley.engine.session.profile;

import dev.parley.engine.codec.GoldenBytes;
import dev.parley.engine.session.Profile;
import java.io.IOException;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/** What was said about sessions lies in the store as it always did. */
class ProfileFormatTest {
    private static final long TIME = 1_700_000_000_000L;

    @Test
    void profiles() throws IOException {
        GoldenBytes golden = new GoldenBytes("profiles");
        golden.example(
                "profile of a session with labels",
                new Profile(TIME, "client", new TreeMap<>(Map.of("key", "valüe", "k", ""))),
                ProfileRows::profile,
                ProfileRows::profile);
        golden.example(
                "profile of a session by nobody",
                new Profile(TIME, null, new TreeMap<>()),
                ProfileRows::profile,
                ProfileRows::profile);
        golden.haveAllOf(ProfileRows.class);
        golden.complete();
    }
}
