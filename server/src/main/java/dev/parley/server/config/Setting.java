package dev.parley.server.config;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * Makes a component of one of {@link Config}'s records a setting. Its name follows from the components: {@code
 * config.streams().longPollTimeout()} is {@code streams.long-poll-timeout}.
 */
@Retention(RetentionPolicy.RUNTIME)
@Target(ElementType.RECORD_COMPONENT)
public @interface Setting {

    /** The default in the form of the configuration file. Empty means none, or an empty list. */
    String value() default "";

    /** The least number allowed; milliseconds for a duration. */
    long min() default 0;

    /** The greatest number allowed; milliseconds for a duration. */
    long max() default Long.MAX_VALUE;

    Unit unit() default Unit.NONE;

    /** The description for the documentation. */
    String doc();

    /** The unit of a number. */
    enum Unit {
        NONE,
        MILLISECONDS,
        BYTES
    }
}
