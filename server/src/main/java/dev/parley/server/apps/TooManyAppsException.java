package dev.parley.server.apps;

/** The admin API has made as many apps as it may. */
public final class TooManyAppsException extends Exception {

    private static final long serialVersionUID = 1L;

    TooManyAppsException() {
        super("There are " + Apps.MAX_MADE_APPS + " apps already.");
    }
}
