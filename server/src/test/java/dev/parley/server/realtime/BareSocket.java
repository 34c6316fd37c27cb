package dev.parley.server.realtime;

import java.io.BufferedInputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/** A WebSocket that is read when the test wants it, and no byte before: there is no library that reads on its own. */
final class BareSocket implements AutoCloseable {
    static final int CONTINUATION = 0;
    static final int TEXT = 1;
    static final int PING = 9;
    static final int PONG = 10;
    private static final int FINAL = 0x80;
    private static final int MASKED = 0x80;
    private static final int SMALL_BUFFER = 64 << 10;
    private static final int TIMEOUT_MILLIS = 30_000;

    private final Socket socket = new Socket();
    private final OutputStream out;
    private final DataInputStream in;

    BareSocket(int port, String query) throws IOException {
        socket.setReceiveBufferSize(SMALL_BUFFER);
        socket.setSoTimeout(TIMEOUT_MILLIS);
        socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
        out = socket.getOutputStream();
        out.write(
                ("GET /?v=6&" + query + " HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                                + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n")
                        .getBytes(StandardCharsets.US_ASCII));
        InputStream bytes = new BufferedInputStream(socket.getInputStream());
        for (String end = ""; !end.endsWith("\r\n\r\n"); ) {
            end = (end.length() > 3 ? end.substring(1) : end) + (char) bytes.read();
        }
        in = new DataInputStream(bytes);
    }

    /** A frame with a payload that says to be so long, masked with zeros; {@code payload} may be less than that. */
    static byte[] frame(int opcode, boolean last, int length, byte[] payload) {
        ByteBuffer frame = ByteBuffer.allocate(14 + payload.length);
        frame.put((byte) (opcode | (last ? FINAL : 0)));
        if (length < 126) {
            frame.put((byte) (MASKED | length));
        } else if (length <= 0xffff) {
            frame.put((byte) (MASKED | 126)).putShort((short) length);
        } else {
            frame.put((byte) (MASKED | 127)).putLong(length);
        }
        frame.putInt(0).put(payload);
        byte[] bytes = new byte[frame.position()];
        frame.flip().get(bytes);
        return bytes;
    }

    static byte[] text(String json) {
        byte[] payload = json.replace('\'', '"').getBytes(StandardCharsets.UTF_8);
        return frame(TEXT, true, payload.length, payload);
    }

    void send(byte[] bytes) throws IOException {
        out.write(bytes);
    }

    /** A frame of the server. */
    record Received(int opcode, byte[] payload) {
        String text() {
            return new String(payload, StandardCharsets.UTF_8);
        }
    }

    Received read() throws IOException {
        int opcode = in.readUnsignedByte() & 0xf;
        long length = in.readUnsignedByte();
        length = length == 126 ? in.readUnsignedShort() : length == 127 ? in.readLong() : length;
        Received received = new Received(opcode, in.readNBytes((int) length));
        if (opcode == PING) {
            send(frame(PONG, true, received.payload().length, received.payload()));
        }
        return received;
    }

    /** Reads until a text that has {@code part}. */
    Received readUntil(String part) throws IOException {
        Received received;
        do {
            received = read();
        } while (received.opcode() != TEXT || !received.text().contains(part));
        return received;
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }
}
