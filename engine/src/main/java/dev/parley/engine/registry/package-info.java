/** Apps that were made while the server ran, the keys of these apps, and revocations of tokens. */
@NullMarked
package dev.parley.engine.registry;

import org.jspecify.annotations.NullMarked;
