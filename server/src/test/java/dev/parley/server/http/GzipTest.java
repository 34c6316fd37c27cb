package dev.parley.server.http;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.SplittableRandom;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class GzipTest {

    @ParameterizedTest
    @CsvSource({
        "gzip, true",
        "'gzip, deflate, br', true",
        "'br;q=1.0, GZIP;q=0.5', true",
        "*, true",
        "'*;q=0', false",
        "'gzip;q=0', false",
        "'gzip;q=0.000, *', false",
        "'gzip; q=0.001', true",
        "identity, false",
        "'br, deflate', false",
        "gzippy, false",
        "'', false"
    })
    void whoAsksForIt(String header, boolean accepted) {
        assertThat(Gzip.isAccepted(List.of(header))).isEqualTo(accepted);
        assertThat(Gzip.isAccepted(List.of())).isFalse();
    }

    @Test
    void whatGetsSmallerIsCompressed() throws Exception {
        byte[] text = "token ".repeat(1_000).getBytes(StandardCharsets.UTF_8);
        var packed = Gzip.pack(text);
        assertThat(packed.compressed()).isTrue();
        assertThat(packed.bytes()).hasSizeLessThan(text.length / 4);
        assertThat(new GZIPInputStream(new ByteArrayInputStream(packed.bytes())).readAllBytes())
                .isEqualTo(text);
    }

    @Test
    void whatIsSmallOrDoesNotGetSmallerIsNot() {
        byte[] noise = new byte[10_000];
        new SplittableRandom(1).nextBytes(noise);
        for (byte[] body : List.of(new byte[0], new byte[Gzip.LEAST_BYTES - 1], noise)) {
            assertThat(Gzip.pack(body)).isEqualTo(new Gzip.Packed(body, false));
        }
    }
}
