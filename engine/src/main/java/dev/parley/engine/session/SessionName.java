package dev.parley.engine.session;

/**
 * The name of a session.
 *
 * @param app the app to which the session belongs; contains no slash
 * @param name the name within the app
 */
public record SessionName(String app, String name) {
    /** Refuses an app with a slash, because two sessions could then have the same key. */
    public SessionName {
        if (app.indexOf('/') >= 0) {
            throw new IllegalArgumentException("an app has no slash: " + app);
        }
    }

    /** The name in the engine, which no other session has. */
    public String key() {
        return app + "/" + name;
    }
}
