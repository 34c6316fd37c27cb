package dev.parley.engine.session.profile;

import dev.parley.engine.codec.BinaryReader;
import dev.parley.engine.codec.BinaryWriter;
import dev.parley.engine.session.Profile;
import java.util.SortedMap;
import java.util.TreeMap;

/** How profiles lie in the store, under the keys of the sessions' ids. */
final class ProfileRows {
    private static final int VERSION = 1;

    private ProfileRows() {}

    static byte[] profile(Profile profile) {
        BinaryWriter out = new BinaryWriter(128)
                .u8(VERSION)
                .varint(profile.made())
                .optional(profile.by())
                .varint(profile.labels().size());
        profile.labels().forEach((key, value) -> out.string(key).string(value));
        return out.toBytes();
    }

    static Profile profile(byte[] row) {
        BinaryReader in = new BinaryReader(row);
        in.version(VERSION);
        long made = in.varint();
        String by = in.optional();
        SortedMap<String, String> labels = new TreeMap<>();
        for (int count = in.count(); count > 0; count--) {
            labels.put(in.string(), in.string());
        }
        return new Profile(made, by, labels);
    }
}
