package dev.parley.server.cli.remote;

import org.jspecify.annotations.Nullable;

/** A command could not do what it was asked for. The message says why, to its user. */
public final class RemoteException extends RuntimeException {
    private static final long serialVersionUID = 1;

    RemoteException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }

    RemoteException(String message) {
        this(message, null);
    }
}
