package dev.parley.server.session;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The description of the session door says what the door has, and nothing else. */
class DescriptionTest {
    private static final Set<String> METHODS = Set.of("get", "put", "post", "delete", "patch");

    private static JsonNode description() throws Exception {
        return JsonMapper.shared().readTree(Description.json());
    }

    @Test
    void hasAllRoutesOfTheDoorAndNoOthers() throws Exception {
        List<String> described = new ArrayList<>();
        description()
                .get("paths")
                .properties()
                .forEach(path -> path.getValue().propertyNames().forEach(name -> {
                    if (METHODS.contains(name)) {
                        described.add(name.toUpperCase(Locale.ROOT) + " " + path.getKey());
                    }
                }));

        assertThat(described).containsExactlyInAnyOrderElementsOf(SessionRoutes.all());
    }

    @Test
    void describesEachVariableOfAPathAndEachReference() throws Exception {
        JsonNode description = description();

        description.findValues("$ref").forEach(reference -> {
            String pointer = reference.stringValue().substring(1);
            assertThat(description.at(pointer).isMissingNode()).as(pointer).isFalse();
        });
        description.get("paths").properties().forEach(path -> {
            long variables = path.getKey().chars().filter(c -> c == '{').count();
            assertThat(path.getValue().path("parameters").size())
                    .as(path.getKey())
                    .isEqualTo(variables);
        });
    }
}
