package dev.parley.engine.session;

/**
 * The address of a session.
 *
 * @param app the app that it belongs to; has no slash
 * @param name its name within the app
 */
public record SessionName(String app, String name) {
    /** Refuses an app with a slash, which would make two sessions share a key. */
    public SessionName {
        if (app.indexOf('/') >= 0) {
            throw new IllegalArgumentException("an app has no slash: " + app);
        }
    }

    /** The name under which the engine knows it: unique among all sessions. */
    public String key() {
        return app + "/" + name;
    }
}
