package dev.parley.server.wire;

import static org.assertj.core.api.Assertions.assertThat;

import dev.parley.engine.session.Positions;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SerialsTest {
    @Test
    void looksAsAgreed() {
        assertThat(Serials.render(Positions.of(1_795_251_092_000L, 3))).isEqualTo("01795251092000-0000003");
    }

    @Test
    void isReadAsWritten() {
        assertThat(LongStream.of(0, 1, Positions.of(1, 0), Positions.of(1_795_251_092_000L, 1_048_575), Long.MAX_VALUE))
                .allSatisfy(position ->
                        assertThat(Serials.parse(Serials.render(position))).hasValue(position));
    }

    @Test
    void hasTheOrderOfPositions() {
        long early = Positions.of(999, 1_048_575);
        assertThat(Serials.render(early)).isLessThan(Serials.render(early + 1));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "1",
                "01795251092000-000003",
                "01795251092000-00000003",
                "01795251092000_0000003",
                "0179525109200x-0000003",
                "-1795251092000-0000003",
                "01795251092000-9999999",
                "99999999999999-0000000"
            })
    void knowsWhatIsNone(String text) {
        assertThat(Serials.parse(text)).isEmpty();
    }

    @Test
    void absentIsNone() {
        assertThat(Serials.parse(null)).isEmpty();
    }
}
