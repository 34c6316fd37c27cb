package dev.parley.server.streams.subscription;

import tools.jackson.databind.json.JsonMapper;

/** Made when it is first needed: a server without subscriptions starts without it. */
final class Json {
    static final JsonMapper MAPPER = new JsonMapper();

    private Json() {}
}
