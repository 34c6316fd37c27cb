package dev.parley.server.cli.remote;

import dev.parley.server.config.Amount;
import dev.parley.server.config.Setting;
import dev.parley.server.http.Urls;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

/** {@code parley token}: has a running server make tokens. */
@Command(
        name = "token",
        description = "Make tokens.",
        mixinStandardHelpOptions = true,
        synopsisSubcommandLabel = "COMMAND")
public final class TokenCommand extends CommandGroup {
    private static final Pattern DURATION = Pattern.compile("\\d{1,9}(ms|s|m|h|d)");

    @Command(
            name = "new",
            description = "Write a new token of the key.",
            mixinStandardHelpOptions = true,
            footer = {"", "For example: parley token new --capability '{\"trip\":[\"subscribe\",\"history\"]}' --ttl 1h"
            })
    void make(
            @Mixin Remote remote,
            @Option(
                            names = "--capability",
                            paramLabel = "JSON",
                            description = "What the token may do, at most what the key may. Without it all of that.")
                    @Nullable
                    String capability,
            @Option(
                            names = "--ttl",
                            paramLabel = "DURATION",
                            defaultValue = "1h",
                            description = "Its lifetime, such as 90s, 30m, 1h or 7d (1h).")
                    String ttl,
            @Option(names = "--client-id", paramLabel = "ID", description = "Whom the token is for.") @Nullable
                    String clientId) {
        String key = remote.credentials();
        if (key == null || key.indexOf(':') < 0) {
            throw new RemoteException("A token is made of a key: give one in --key-file or PARLEY_KEY.");
        }
        String name = key.substring(0, key.indexOf(':'));
        var body = Remote.JSON.createObjectNode().put("keyName", name).put("ttl", millis(ttl));
        body.put("timestamp", System.currentTimeMillis());
        if (capability != null) {
            body.put("capability", checked(capability));
        }
        if (clientId != null) {
            body.put("clientId", clientId);
        }
        JsonNode details = remote.post("/keys/" + Urls.escaped(name) + "/requestToken", body);
        remote.write(details, details.path("token").stringValue(""));
    }

    private long millis(String ttl) {
        if (!DURATION.matcher(ttl).matches()) {
            throw wrong("'" + ttl + "' is no duration: write a number with ms, s, m, h or d, such as 1h.");
        }
        return Amount.parse(ttl, Setting.Unit.MILLISECONDS);
    }

    private String checked(String capability) {
        try {
            if (Remote.JSON.readTree(capability).isObject()) {
                return capability;
            }
        } catch (JacksonException e) {
            throw wrong("The capability is no JSON: " + e.getOriginalMessage(), e);
        }
        throw wrong("A capability is an object, such as {\"trip\":[\"subscribe\"]}.");
    }
}
