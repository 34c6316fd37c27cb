/** What people are asked in sessions and what they decide, with the rows, rules and reads. */
@NullMarked
package dev.parley.engine.session.request;

import org.jspecify.annotations.NullMarked;
