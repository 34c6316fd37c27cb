package dev.parley.server.rest;

import dev.parley.server.auth.Access;
import dev.parley.server.auth.AccessRefusedException;
import dev.parley.server.auth.ApiKey;
import dev.parley.server.auth.Gate;
import dev.parley.server.auth.Revocation;
import dev.parley.server.auth.TokenDetails;
import dev.parley.server.auth.TokenRequest;
import dev.parley.server.wire.ErrorInfo;
import dev.parley.server.wire.WireException;
import java.io.IOException;
import java.time.Instant;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** What can be done under {@code /keys}: get tokens and take them back. */
final class KeysResource {

    /** Targets in one request. */
    static final int MAX_TARGETS = 100;

    private static final Logger LOG = LoggerFactory.getLogger(KeysResource.class);

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
     * {@code POST /keys/{keyName}/revokeTokens}: 200 with a result for each target, in their order. Blocks on the disk.
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
        for (JsonNode target : targets) {
            ObjectNode result = results.addObject().put("target", target.asString());
            try {
                Revocation revocation = gate.revoke(key, target.asString(), before, margin.asBoolean(false));
                result.put("issuedBefore", revocation.issuedBefore().toEpochMilli())
                        .put("appliesAt", revocation.appliesAt().toEpochMilli());
            } catch (AccessRefusedException e) {
                failures++;
                Access.Refused refused = e.refused();
                putError(result, new ErrorInfo(refused.sessionCode(), refused.sessionStatus(), refused.message()));
            } catch (IOException e) {
                failures++;
                LOG.error("A revocation could not be stored", e);
                putError(result, ErrorInfo.INTERNAL);
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
