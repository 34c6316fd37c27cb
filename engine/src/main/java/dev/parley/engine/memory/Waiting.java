package dev.parley.engine.memory;

/** A place in a line for room, see {@link Room#whenRoom}. */
public interface Waiting {

    /**
     * Gives the place up. Returns true if room had not been granted yet; it never will be then. Returns false if the
     * callback has run or is running; its bytes then have to be given back. May be called repeatedly, and returns false
     * after the first time.
     */
    boolean cancel();
}
