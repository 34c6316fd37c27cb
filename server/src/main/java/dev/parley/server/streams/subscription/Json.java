package dev.parley.server.streams.subscription;

import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.databind.json.JsonMapper;

/** Made when it is first needed: a server without subscriptions starts without it. */
final class Json {
    /** How many values, names and brackets a body may have; the longest list that is taken has two thirds of them. */
    static final int MAX_PARTS = 100_000;

    static final JsonMapper MAPPER = JsonMapper.builder(JsonFactory.builder()
                    .streamReadConstraints(StreamReadConstraints.builder()
                            .maxTokenCount(MAX_PARTS)
                            .build())
                    .build())
            .build();

    private Json() {}
}
