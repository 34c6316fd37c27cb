package dev.parley.client.agent;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * Says which lock has to be held. Error Prone checks every annotation of this name; this one is our own, so that applications
 * need no library for it.
 */
@Retention(RetentionPolicy.SOURCE)
@Target({ElementType.FIELD, ElementType.METHOD})
@interface GuardedBy {
    /** The lock. */
    String value();
}
