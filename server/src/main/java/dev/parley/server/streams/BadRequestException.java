package dev.parley.server.streams;

/** A request that is refused before it becomes a command; the message says what to do about it. */
final class BadRequestException extends Exception {
    private static final long serialVersionUID = 1L;

    private final int status;
    private final String code;

    BadRequestException(int status, String code, String message) {
        super(message);
        this.status = status;
        this.code = code;
    }

    static BadRequestException of(String code, String message) {
        return new BadRequestException(400, code, message);
    }

    int status() {
        return status;
    }

    String code() {
        return code;
    }
}
