package dev.parley.engine.memory;

/** A place in the line for room, see {@link Room#whenRoom}. */
public interface Waiting {

    /**
     * Gives the place up. True if the room had not been granted yet, so that it never will be; otherwise its runnable has
     * run or is running, and its bytes have to be given back. Safe to repeat, and then false.
     */
    boolean cancel();
}
