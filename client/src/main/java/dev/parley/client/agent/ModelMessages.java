package dev.parley.client.agent;

import dev.parley.conversation.Message;
import dev.parley.conversation.Part;
import dev.parley.conversation.Prompt;
import dev.parley.conversation.ToolCall;
import java.net.URI;
import java.net.URISyntaxException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Makes the messages that a model is sent of those of a session. */
final class ModelMessages {
    private static final String TOKEN = "[A-Za-z0-9!#$&^_.+-]+";
    private static final Pattern MEDIA_TYPE = Pattern.compile("\\s*((" + TOKEN + ")/" + TOKEN + ")\\s*(;.*)?");

    private ModelMessages() {}

    static List<ModelMessage> of(Prompt prompt) {
        List<ModelMessage> messages = new ArrayList<>();
        for (Message message : prompt.messages()) {
            switch (message.role()) {
                case USER -> {
                    List<ModelMessage.Content> contents = contents(message);
                    if (!contents.isEmpty()) {
                        messages.add(new ModelMessage.Said(contents));
                    }
                }
                case SYSTEM -> messages.add(new ModelMessage.Instructions(message.text()));
                case ASSISTANT -> addRounds(message, messages);
            }
        }
        return messages;
    }

    // What people have sent

    private static List<ModelMessage.Content> contents(Message message) {
        List<ModelMessage.Content> contents = new ArrayList<>();
        for (Part part : message.parts()) {
            if (part instanceof Part.Text text && !text.text().isBlank()) {
                contents.add(new ModelMessage.Text(text.text()));
            } else if (part instanceof Part.File file) {
                ModelMessage.Media media = media(file);
                contents.add(media == null ? new ModelMessage.Text(described(file)) : media);
            }
        }
        return contents;
    }

    private static ModelMessage.@Nullable Media media(Part.File file) {
        Matcher type = MEDIA_TYPE.matcher(file.mediaType());
        if (!type.matches() || !isReadable(file)) {
            // Whoever has sent what is not well-formed must not fail every run of the session.
            return null;
        }
        String name = type.group(1).toLowerCase(Locale.ROOT);
        ModelMessage.Media.Kind kind = switch (type.group(2).toLowerCase(Locale.ROOT)) {
            case "image" -> ModelMessage.Media.Kind.IMAGE;
            case "audio" -> ModelMessage.Media.Kind.AUDIO;
            case "video" -> ModelMessage.Media.Kind.VIDEO;
            default -> name.equals("application/pdf") ? ModelMessage.Media.Kind.PDF : null;
        };
        return kind == null ? null : new ModelMessage.Media(kind, name, file);
    }

    private static boolean isReadable(Part.File file) {
        try {
            if (file.content().isPresent()) {
                return true;
            }
            URI at = new URI(file.url());
            return ("https".equalsIgnoreCase(at.getScheme()) || "http".equalsIgnoreCase(at.getScheme()))
                    && at.getHost() != null;
        } catch (IllegalArgumentException | URISyntaxException e) {
            return false;
        }
    }

    private static String described(Part.File file) {
        boolean isHere = file.url().regionMatches(true, 0, "data:", 0, 5);
        return "(a file of type " + file.mediaType() + (file.filename() == null ? "" : ": " + file.filename())
                + (isHere ? "" : ", at " + file.url()) + ")";
    }

    // What agents have said

    /** A round with a model, as far as it has been read. */
    private static final class Round {
        final StringBuilder text = new StringBuilder();
        final StringBuilder thinking = new StringBuilder();
        final List<ToolCall> calls = new ArrayList<>();

        void addTo(List<ModelMessage> messages, Message message) {
            // Thinking alone is no message that a model takes.
            if (!text.isEmpty() || !calls.isEmpty()) {
                messages.add(
                        new ModelMessage.Answered(text.toString(), thinking.toString(), calls, message.metadata()));
            }
        }
    }

    private static void addRounds(Message message, List<ModelMessage> to) {
        Round round = new Round();
        for (Part part : message.parts()) {
            // Another agent may have put several rounds into one message.
            boolean isNext = part instanceof Part.StepStart
                    || (!round.calls.isEmpty() && (part instanceof Part.Text || part instanceof Part.Reasoning));
            if (isNext) {
                round.addTo(to, message);
                round = new Round();
            }
            if (part instanceof Part.Text said) {
                round.text.append(said.text());
            } else if (part instanceof Part.Reasoning thought) {
                round.thinking.append(thought.text());
            } else if (part instanceof ToolCall call && !Boolean.TRUE.equals(call.providerExecuted())) {
                round.calls.add(call);
            }
        }
        round.addTo(to, message);
    }
}
