/** What the server does from time to time: it sweeps, makes checkpoints, and removes what need not be kept. */
@NullMarked
package dev.parley.server.housekeeping;

import org.jspecify.annotations.NullMarked;
