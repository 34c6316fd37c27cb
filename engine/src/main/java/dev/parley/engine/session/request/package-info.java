/** Requests that are remembered, so that nothing is done twice. */
@NullMarked
package dev.parley.engine.session.request;

import org.jspecify.annotations.NullMarked;
