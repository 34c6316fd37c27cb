package dev.parley.server.rest;

import dev.parley.server.auth.AccessRefusedException;
import dev.parley.server.auth.ApiKey;
import dev.parley.server.auth.Gate;
import dev.parley.server.auth.Revocations;
import dev.parley.server.auth.TokenDetails;
import dev.parley.server.auth.TokenRequest;
import dev.parley.server.channel.Refusals;
import dev.parley.server.wire.ErrorInfo;
import dev.parley.server.wire.WireException;
import java.time.Instant;
import java.util.concurrent.ExecutionException;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** {@code /keys}: issues and revokes tokens. */
final class KeysResource {

    /** The greatest number of targets in one request. */
    static final int MAX_TARGETS = 100;

    private final Gate gate;

    KeysResource(Gate gate) {
        this.gate = gate;
    }

    /** {@code POST /keys/{keyName}/requestToken}: 201 with the token. */
    ObjectNode requestToken(String keyName, @Nullable String authorization, @Nullable JsonNode body)
            throws AccessRefusedException {
        TokenDetails details = gate.requestToken(authorization, TokenRequest.of(keyName, body));
        var answer = JsonMapper.shared()
                .createObjectNode()
                .put("token", details.token())
                .put("keyName", details.keyName())
                .put("issued", details.issued().toEpochMilli())
                .put("expires", details.expires().toEpochMilli())
                .put("capability", details.capabilities().toJson());
        if (details.clientId() != null) {
            answer.put("clientId", details.clientId());
        }
        return answer;
    }

    /**
     * {@code POST /keys/{keyName}/revokeTokens}: 200 with a result for each target, in the order of the targets. Blocks
     * until the revocations are durable.
     */
    ObjectNode revokeTokens(String keyName, @Nullable String authorization, @Nullable JsonNode body)
            throws AccessRefusedException, WireException {
        ApiKey key = gate.revokingKey(authorization, keyName);
        JsonNode targets = body == null ? null : body.get("targets");
        if (body == null
                || targets == null
                || !targets.isArray()
                || targets.isEmpty()
                || targets.size() > MAX_TARGETS
                || targets.valueStream().anyMatch(target -> !target.isString())) {
            throw new WireException(ErrorInfo.invalidValue(
                    "'targets' must be a list of 1 to " + MAX_TARGETS + " texts such as clientId:x."));
        }
        JsonNode issuedBefore = body.path("issuedBefore");
        JsonNode margin = body.path("allowReauthMargin");
        if (!isAbsent(issuedBefore) && !(issuedBefore.isIntegralNumber() && issuedBefore.canConvertToLong())) {
            throw new WireException(ErrorInfo.invalidValue("'issuedBefore' must be a time in milliseconds."));
        }
        if (!isAbsent(margin) && !margin.isBoolean()) {
            throw new WireException(ErrorInfo.invalidValue("'allowReauthMargin' must be true or false."));
        }
        Instant before = isAbsent(issuedBefore) ? null : Instant.ofEpochMilli(issuedBefore.asLong());
        var answer = JsonMapper.shared().createObjectNode();
        var results = answer.putArray("results");
        int failures = 0;
        // All are submitted before the first is awaited, so that they become durable together.
        var attempts = targets.valueStream()
                .map(target -> gate.revoke(key, target.asString(), before, margin.asBoolean(false)))
                .toList();
        for (int i = 0; i < attempts.size(); i++) {
            ObjectNode result = results.addObject().put("target", targets.get(i).asString());
            try {
                Revocations.Revoked revoked = attempts.get(i).get();
                result.put("issuedBefore", revoked.issuedBefore().toEpochMilli())
                        .put("appliesAt", revoked.appliesAt().toEpochMilli());
            } catch (ExecutionException e) {
                failures++;
                putError(
                        result,
                        e.getCause() instanceof AccessRefusedException refused
                                ? Refusals.of(refused.refused())
                                : Refusals.because(e.getCause()));
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new WireException(Refusals.because(e));
            }
        }
        return answer.put("successCount", targets.size() - failures).put("failureCount", failures);
    }

    private static void putError(ObjectNode result, ErrorInfo error) {
        result.putObject("error")
                .put("code", error.code())
                .put("statusCode", error.statusCode())
                .put("message", error.message());
    }

    private static boolean isAbsent(JsonNode value) {
        return value.isMissingNode() || value.isNull();
    }
}
