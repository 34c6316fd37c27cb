/**
 * Sessions: ordered logs of messages and presence events that people and agents share. Ably's protocol calls them
 * channels. This package has the parts of commands and entries. There is a package for the rules, rows and reads of
 * each concept.
 */
@NullMarked
package dev.parley.engine.session;

import org.jspecify.annotations.NullMarked;
