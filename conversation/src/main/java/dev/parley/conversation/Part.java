package dev.parley.conversation;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Base64;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** A part of a message. */
public sealed interface Part
        permits Part.Text,
                Part.Reasoning,
                ToolCall,
                Part.UrlSource,
                Part.DocumentSource,
                Part.File,
                Part.Data,
                Part.StepStart,
                Part.Other {

    /** How far a text is. */
    enum Progress {
        /** It grows. */
        STREAMING,
        /** It has been said to its end. */
        DONE,
        /** It was broken off. */
        CANCELLED
    }

    /**
     * What is said.
     *
     * @param text the text so far
     * @param progress how far it is
     * @param providerMetadata what the model's provider says about it, for the next request to that provider
     */
    record Text(String text, Progress progress, @Nullable JsonNode providerMetadata) implements Part {
        /**
         * A text that is complete.
         *
         * @param text the text
         */
        public Text(String text) {
            this(text, Progress.DONE, null);
        }
    }

    /**
     * What a model thinks.
     *
     * @param text the text so far
     * @param progress how far it is
     * @param providerMetadata what the model's provider says about it; some providers want it back with the next request
     */
    record Reasoning(
            String text, Progress progress, @Nullable JsonNode providerMetadata) implements Part {}

    /**
     * A page that the answer rests on.
     *
     * @param sourceId the source's id
     * @param url where it is
     * @param title its title
     * @param providerMetadata what the model's provider says about it
     */
    record UrlSource(
            String sourceId,
            String url,
            @Nullable String title,
            @Nullable JsonNode providerMetadata) implements Part {}

    /**
     * A document that the answer rests on.
     *
     * @param sourceId the source's id
     * @param mediaType the document's media type
     * @param title its title
     * @param filename its file name
     * @param providerMetadata what the model's provider says about it
     */
    record DocumentSource(
            String sourceId,
            String mediaType,
            String title,
            @Nullable String filename,
            @Nullable JsonNode providerMetadata)
            implements Part {}

    /**
     * A file.
     *
     * @param mediaType its media type
     * @param url where it is; a {@code data:} URL has its content
     * @param filename its name; {@code @ably/ai-transport} passes over it
     * @param providerMetadata what the model's provider says about it
     */
    record File(
            String mediaType,
            String url,
            @Nullable String filename,
            @Nullable JsonNode providerMetadata) implements Part {

        private static final String BASE64 = ";base64,";

        /**
         * A file that is elsewhere.
         *
         * @param mediaType its media type
         * @param url where it is
         */
        public File(String mediaType, String url) {
            this(mediaType, url, null, null);
        }

        /**
         * {@return a file whose content is in the message itself}
         *
         * @param mediaType its media type
         * @param content its content
         */
        public static File of(String mediaType, byte[] content) {
            return new File(mediaType, dataUrl(mediaType, content));
        }

        static String dataUrl(String mediaType, byte[] content) {
            return "data:" + mediaType + BASE64 + Base64.getEncoder().encodeToString(content);
        }

        /**
         * {@return the content, if it is in the message itself}
         *
         * @throws IllegalArgumentException if it is in a {@code data:} URL that is not well-formed
         */
        public Optional<byte[]> content() {
            if (!url.regionMatches(true, 0, "data:", 0, 5)) {
                return Optional.empty();
            }
            int comma = url.indexOf(',');
            if (comma < 0) {
                throw new IllegalArgumentException("a data: URL has a comma before its content");
            }
            String content = url.substring(comma + 1);
            return Optional.of(
                    url.regionMatches(true, comma + 1 - BASE64.length(), BASE64, 0, BASE64.length())
                            ? Base64.getMimeDecoder().decode(content)
                            : percentDecoded(content));
        }

        private static byte[] percentDecoded(String content) {
            byte[] bytes = content.getBytes(StandardCharsets.UTF_8);
            int length = 0;
            for (int i = 0; i < bytes.length; i++) {
                int high = bytes[i] == '%' && i + 2 < bytes.length ? Character.digit(bytes[i + 1], 16) : -1;
                int low = high < 0 ? -1 : Character.digit(bytes[i + 2], 16);
                if (bytes[i] == '%' && low < 0) {
                    throw new IllegalArgumentException(
                            "a data: URL has a percent sign without two hex digits after it");
                }
                bytes[length++] = low < 0 ? bytes[i] : (byte) (high << 4 | low);
                i += low < 0 ? 0 : 2;
            }
            return Arrays.copyOf(bytes, length);
        }
    }

    /**
     * Whatever an application wants to say.
     *
     * @param name the name of this kind of data, without {@code data-}
     * @param id its id; data of the same name and id takes the place of what was there
     * @param data the data
     */
    record Data(String name, @Nullable String id, @Nullable JsonNode data) implements Part {}

    /** Where a new round with the model begins. */
    record StepStart() implements Part {}

    /**
     * A part of a type that this version does not know, as it is written.
     *
     * @param json the part as a part of one of Vercel's UI messages
     */
    record Other(ObjectNode json) implements Part {}
}
