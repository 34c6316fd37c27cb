package dev.parley.server.config;

/** A configuration that cannot be used. The message is for the operator, names the setting, and contains no secret. */
public final class ConfigException extends RuntimeException {

    private static final long serialVersionUID = 1;

    public ConfigException(String message) {
        super(message);
    }
}
