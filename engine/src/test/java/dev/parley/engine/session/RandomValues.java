package dev.parley.engine.session;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** Values of all kinds, the same in each run. */
public final class RandomValues {
    private final SplittableRandom random = new SplittableRandom(1);

    /** A number from {@code origin} on and below {@code bound}. */
    public int from(int origin, int bound) {
        return random.nextInt(origin, bound);
    }

    /** Yes or no. */
    public boolean yes() {
        return random.nextBoolean();
    }

    /** A name. */
    public SessionName name() {
        return new SessionName(text(), text());
    }

    /** Who has changed a message. */
    public Operation operation() {
        return new Operation(maybe(this::text), maybe(this::text), maybe(this::text));
    }

    /** A content. */
    public Body body() {
        Data data = maybe(() -> random.nextBoolean() ? Data.of(text()) : Data.of(new byte[] {1, 2, 3}));
        return new Body(maybe(this::text), data, maybe(this::text), maybe(this::text));
    }

    /** Some text. */
    public String text() {
        return Long.toString(random.nextLong(), 36).substring(random.nextInt(4));
    }

    /** A number that is not negative. */
    public long number() {
        return random.nextLong() >>> (1 + random.nextInt(62));
    }

    /** One of them. */
    public <T> T oneOf(T[] choices) {
        return choices[random.nextInt(choices.length)];
    }

    /** Null now and then. */
    public <T> @Nullable T maybe(Supplier<T> value) {
        return random.nextInt(3) == 0 ? null : value.get();
    }

    /** Checks that keys are in this order. */
    public static void assertOrder(byte[]... keys) {
        for (int i = 1; i < keys.length; i++) {
            assertThat(Arrays.compareUnsigned(keys[i - 1], keys[i])).isNegative();
        }
    }
}
