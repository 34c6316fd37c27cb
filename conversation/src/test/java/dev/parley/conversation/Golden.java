package dev.parley.conversation;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** What the npm library has written into a session, and what it makes of it: see conformance/conversation/golden.mjs. */
record Golden(String scene, String file, JsonNode json) {
    private static final Path FOLDER = Path.of("src/test/resources/golden");

    static Stream<Golden> all() {
        try (Stream<Path> files = Files.list(FOLDER)) {
            return files.sorted().map(Golden::read).toList().stream();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static Golden of(String scene) {
        return all().filter(golden -> golden.scene().equals(scene)).findFirst().orElseThrow();
    }

    private static Golden read(Path file) {
        JsonNode json = JsonMapper.shared().readTree(file);
        return new Golden(json.path("scene").stringValue(), file.getFileName().toString(), json);
    }

    List<SessionMessage> deliveries() {
        return messages("deliveries");
    }

    List<SessionMessage> history() {
        return messages("history");
    }

    private List<SessionMessage> messages(String field) {
        List<SessionMessage> messages = new ArrayList<>();
        for (JsonNode message : json.path(field).values()) {
            messages.add(Objects.requireNonNull(SessionMessage.parse(message)));
        }
        return messages;
    }

    /** The messages as they are after these deliveries, newest first: what history gives at that time. */
    static List<SessionMessage> historyAfter(List<SessionMessage> deliveries) {
        Map<String, LoggedMessage> logged = new LinkedHashMap<>();
        Map<String, SessionMessage> newest = new LinkedHashMap<>();
        for (SessionMessage delivery : deliveries) {
            if (!delivery.ephemeral()) {
                logged.computeIfAbsent(delivery.serial(), LoggedMessage::new).apply(delivery);
                newest.put(delivery.serial(), delivery);
            }
        }
        List<SessionMessage> history = new ArrayList<>();
        newest.forEach((serial, last) -> {
            LoggedMessage message = Objects.requireNonNull(logged.get(serial));
            boolean grown = last.action() == SessionMessage.Action.APPEND;
            history.add(
                    0,
                    new SessionMessage(
                            grown ? SessionMessage.Action.UPDATE : last.action(),
                            serial,
                            last.version(),
                            message.name(),
                            message.clientId(),
                            message.timestamp(),
                            grown ? JsonMapper.shared().valueToTree(message.text()) : last.data(),
                            last.headers(),
                            false));
        });
        return history;
    }

    @Override
    public String toString() {
        return scene;
    }
}
