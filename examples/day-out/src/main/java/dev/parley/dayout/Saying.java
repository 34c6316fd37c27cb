package dev.parley.dayout;

/**
 * What somebody has said.
 *
 * @param who the name
 * @param text the words
 * @param at its number among all messages of the prompt
 */
record Saying(String who, String text, int at) {
    static Saying of(String message, int at) {
        int colon = message.indexOf(": ");
        return colon < 0
                ? new Saying("Somebody", message, at)
                : new Saying(message.substring(0, colon), message.substring(colon + 2), at);
    }
}
