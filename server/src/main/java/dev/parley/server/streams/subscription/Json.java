package dev.parley.server.streams.subscription;

import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.databind.json.JsonMapper;

/** The JSON mapper. It is created when it is first needed, so that a server without subscriptions starts faster. */
final class Json {
    /**
     * The greatest number of values, names and brackets in a body. The longest list that is accepted needs two thirds
     * of it.
     */
    static final int MAX_PARTS = 100_000;

    static final JsonMapper MAPPER = JsonMapper.builder(JsonFactory.builder()
                    .streamReadConstraints(StreamReadConstraints.builder()
                            .maxTokenCount(MAX_PARTS)
                            .build())
                    .build())
            .build();

    private Json() {}
}
