package dev.parley.server.wire;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ChannelSerialTest {
    private static final String NINE = "00000000000000-0000009";
    private static final String EIGHT = "00000000000000-0000008";
    private static final String SEVEN = "00000000000000-0000007";

    @Test
    void isThatOfThePositionIfNothingBeforeItIsToCome() {
        assertThat(ChannelSerial.at(9).render()).isEqualTo(NINE);
        assertThat(ChannelSerial.at(9).isComplete()).isTrue();
    }

    @ParameterizedTest
    @CsvSource({"9,-1,-1", "9,0,-1", "9,-1,1", "9,-1,9", "9,7,8", "9,9,-1"})
    void isReadAsWritten(long position, long cancelsFrom, long rewindFrom) {
        var place = new ChannelSerial(position, cancelsFrom, rewindFrom);
        assertThat(ChannelSerial.parse(place.render())).isEqualTo(place);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "x",
                NINE + "x",
                NINE + "c",
                NINE + "x" + EIGHT,
                NINE + "c" + EIGHT + "c" + EIGHT,
                NINE + "r" + EIGHT + "c" + SEVEN,
                // What comes first is not before what comes next.
                EIGHT + "c" + NINE,
                EIGHT + "r" + NINE,
                NINE + "c" + EIGHT + "r" + SEVEN,
                NINE + "c" + EIGHT + "r" + EIGHT,
                NINE + "c" + EIGHT + "r" + NINE + "r"
            })
    void knowsWhatIsNone(String text) {
        assertThat(ChannelSerial.parse(text)).isNull();
    }

    @Test
    void absentIsNone() {
        assertThat(ChannelSerial.parse(null)).isNull();
    }
}
