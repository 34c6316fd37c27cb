/**
 * A day out: several people chat, and call Bernard when they need him. He is an agent made with LangChain4j, works when the server
 * wakes him, and writes the itinerary that everybody sees and edits.
 */
@NullMarked
package dev.parley.dayout;

import org.jspecify.annotations.NullMarked;
