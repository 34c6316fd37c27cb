/** Sessions: ordered logs of messages and presence that people and agents share. Ably's protocol calls them channels. */
@NullMarked
package dev.parley.engine.session;

import org.jspecify.annotations.NullMarked;
