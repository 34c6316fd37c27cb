/** An application of Spring Boot that has an agent in a session. */
@NullMarked
package dev.parley.examples.spring;

import org.jspecify.annotations.NullMarked;
