package dev.parley.client;

import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** What is said about the messages of a session: reactions, votes, marks. Messages show what they come to as a summary. */
public final class Annotations {
    private final Session session;
    private final Link link;
    private final Http http;
    private final MessageIds ids;

    Annotations(Session session, Link link, Http http, MessageIds ids) {
        this.session = session;
        this.link = link;
        this.http = http;
        this.ids = ids;
    }

    /**
     * Says something about a message, and waits until it is durable. Returns the serial of the annotation.
     *
     * @param messageSerial the serial of the message
     * @param annotation what is said
     * @return the serial of the annotation, or null if the server names none
     */
    public @Nullable String publish(String messageSerial, NewAnnotation annotation) {
        List<@Nullable String> serials = link.await(() -> send(Annotation.Action.CREATE, messageSerial, annotation));
        return serials.isEmpty() ? null : serials.get(0);
    }

    /**
     * Takes back what this client has said about a message, and waits until that is durable.
     *
     * @param messageSerial the serial of the message
     * @param annotation what was said: its type, and its name if the type has names
     */
    public void delete(String messageSerial, NewAnnotation annotation) {
        link.await(() -> send(Annotation.Action.DELETE, messageSerial, annotation));
    }

    private CompletableFuture<List<@Nullable String>> send(
            Annotation.Action action, String messageSerial, NewAnnotation annotation) {
        var frame = Wire.object().put("channel", session.name());
        frame.putArray("annotations").add(Wire.annotation(action, ids.next(), messageSerial, annotation));
        return session.request(Action.ANNOTATION, frame, Requests.Again.HARMLESS);
    }

    /**
     * {@return the annotations of a message, oldest first; blocks}
     *
     * @param messageSerial the serial of the message
     */
    public Page<Annotation> of(String messageSerial) {
        String path = session.path("messages/" + ConnectUri.encode(messageSerial) + "/annotations");
        return http.page(path, "", Wire::annotation);
    }

    /**
     * Calls {@code listener} with each annotation. The session has to be attached with
     * {@link SessionOptions.Mode#ANNOTATION_SUBSCRIBE}; summaries come without it, as messages.
     *
     * @param listener is called on the listener executor of the client
     * @return what removes the listener
     */
    public Registration onChange(Consumer<Annotation> listener) {
        return session.onEvent(event -> {
            if (event instanceof Annotation annotation) {
                listener.accept(annotation);
            }
        });
    }
}
