package dev.parley.client;

/**
 * What is known of a stream.
 *
 * @param contentType the type of its data
 * @param tail the offset of its end: what is appended next can be read from there
 * @param closed whether nothing can be appended any more
 */
public record StreamInfo(String contentType, String tail, boolean closed) {}
