/**
 * Sessions: ordered logs of messages and presence that people and agents share. Ably's protocol calls them channels. This
 * package has what commands and entries are made of; a package for each concept has its rules, rows and reads.
 */
@NullMarked
package dev.parley.engine.session;

import org.jspecify.annotations.NullMarked;
