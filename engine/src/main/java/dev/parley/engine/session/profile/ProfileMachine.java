package dev.parley.engine.session.profile;

import dev.parley.engine.session.Profile;
import dev.parley.engine.session.SessionCommand.Describe;
import dev.parley.engine.session.SessionCommand.LabelChange;
import dev.parley.engine.session.SessionOutcome.Described;
import dev.parley.engine.session.SessionOutcome.OfDescribe;
import dev.parley.engine.session.SessionOutcome.TooManyLabels;
import dev.parley.engine.session.SessionState;
import java.util.SortedMap;
import java.util.TreeMap;

/** What somebody says about a session. Pure, as SessionMachine, which calls it. */
public final class ProfileMachine {
    private ProfileMachine() {}

    /** Changes the labels of a session, which stays from now on. */
    public static OfDescribe describe(SessionState s, Describe c, boolean made, ProfileTx tx) {
        Profile known = tx.profile(s);
        SortedMap<String, String> labels = new TreeMap<>();
        if (known != null && !c.replace()) {
            labels.putAll(known.labels());
        }
        for (LabelChange change : c.labels()) {
            if (change.value() == null) {
                labels.remove(change.key());
            } else {
                labels.put(change.key(), change.value());
            }
        }
        if (labels.size() > c.maxLabels()) {
            return new TooManyLabels(c.maxLabels());
        }
        Profile now =
                known == null ? new Profile(c.time(), c.by(), labels) : new Profile(known.made(), known.by(), labels);
        if (!now.equals(known)) {
            tx.put(s, known, now);
        }
        return new Described(made);
    }
}
