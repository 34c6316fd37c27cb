package dev.parley.engine.session;

import java.util.List;

/**
 * What a session needs to know of the form of messages as long as its control is not the default one. The door, which
 * knows that form, has written it.
 *
 * @param agentMessages the names of messages that only agents write and that are refused while a person has the control
 * @param written the message that says that a person has taken over by writing, about that person's client id as text of
 *     the message's form
 * @param expired the message that says that the control has gone back because its time was over
 */
public record ControlTexts(List<String> agentMessages, RunTexts.Notice written, RunTexts.Notice expired) {
    int size() {
        int size = written.size() + expired.size();
        for (String name : agentMessages) {
            size += name.length();
        }
        return size;
    }
}
