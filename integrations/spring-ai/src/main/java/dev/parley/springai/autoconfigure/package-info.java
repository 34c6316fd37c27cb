/** What an application of Spring Boot gets of Parley by setting properties. */
@NullMarked
package dev.parley.springai.autoconfigure;

import org.jspecify.annotations.NullMarked;
