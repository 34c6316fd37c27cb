package dev.parley.client.agent;

import dev.parley.conversation.Conversation;
import dev.parley.conversation.Message;
import dev.parley.conversation.Node;
import dev.parley.conversation.View;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/**
 * One branch of a conversation, as one person looks at it, kept up to date; see {@link View}. When the session lets the oldest
 * part of the conversation go, so does the view, and what was selected stays selected. Safe for use by several threads.
 */
public final class ClientView {
    private final SharedConversation shared;

    /** What is shown, of the conversation that there was then; both are guarded by the lock of what is shared. */
    private View view;

    private Conversation shown;

    ClientView(SharedConversation shared) {
        this.shared = shared;
        this.shown = shared.read(conversation -> conversation);
        this.view = shown.newView();
    }

    /** {@return the messages of the branch in order, as far as they are loaded} */
    public List<Message> messages() {
        return ask(View::messages);
    }

    /** {@return the runs of the branch in order} */
    public List<Node.Run> runs() {
        return ask(View::runs);
    }

    /**
     * {@return the run that a message belongs to, or the one that is shown as the answer to it}
     *
     * @param messageId the id of the message
     */
    public Optional<Node.Run> runOf(String messageId) {
        return ask(asked -> asked.runOf(messageId));
    }

    /**
     * {@return the alternatives of a message}
     *
     * @param messageId the id of the message
     */
    public View.Branch branch(String messageId) {
        return ask(asked -> asked.branch(messageId));
    }

    /**
     * Shows another alternative of a message from now on; see {@link View#select}.
     *
     * @param messageId the id of the message
     * @param index the place of the alternative in {@link #branch}, from 0
     * @return whether there is such an alternative
     */
    public boolean select(String messageId, int index) {
        return ask(asked -> asked.select(messageId, index));
    }

    /**
     * Loads older messages from the history, until there are this many more; blocks.
     *
     * @param count how many messages
     * @return how many more there are: fewer at the beginning of the session or if there is no {@linkplain ClientSession#open(
     *     dev.parley.client.ParleyClient, String, long) room} for more, and more if a page of the history has more
     */
    public int loadOlder(int count) {
        int before = messages().size();
        int more = 0;
        while (more < count && shared.loadOlder()) {
            more = messages().size() - before;
        }
        return Math.max(0, messages().size() - before);
    }

    /**
     * Asks the view something, without anything changing meanwhile. What is returned must not be bound to the view.
     *
     * @param <T> what the answer is
     * @param question is asked while nothing changes; must not block
     * @return the answer
     */
    public <T> T ask(Function<View, T> question) {
        return shared.read(conversation -> question.apply(of(conversation)));
    }

    private View of(Conversation conversation) {
        if (conversation != shown) {
            view = conversation.newView(view);
            shown = conversation;
        }
        return view;
    }
}
