package dev.parley.dayout;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import tools.jackson.core.type.TypeReference;
import tools.jackson.databind.json.JsonMapper;

/** All places in town. The page draws its map of the same file. */
final class Places {
    private static final List<Place> ALL = read();

    private Places() {}

    private static List<Place> read() {
        try (InputStream file =
                Objects.requireNonNull(Places.class.getResourceAsStream("places.json"), "places.json")) {
            return List.copyOf(JsonMapper.shared().readValue(file, new TypeReference<List<Place>>() {}));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static List<Place> of(Kind kind) {
        return ALL.stream().filter(place -> place.is() == kind).toList();
    }

    static Optional<Place> find(String id) {
        return ALL.stream().filter(place -> place.id().equals(id)).findFirst();
    }

    static Place get(String id) {
        return find(id).orElseThrow(() -> new IllegalArgumentException("There is no place with the id " + id + "."));
    }
}
