/** Apps that were created over HTTP, their keys, and revocations of tokens. */
@NullMarked
package dev.parley.engine.registry;

import org.jspecify.annotations.NullMarked;
