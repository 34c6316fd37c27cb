package dev.parley.client;

import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ProxySelector;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;

/** An HTTP proxy that does nothing but CONNECT. */
final class TunnelProxy implements AutoCloseable {
    private final ServerSocket door = new ServerSocket(0, 128, InetAddress.getLoopbackAddress());
    private final List<String> targets = new CopyOnWriteArrayList<>();
    private final Set<Socket> sockets = ConcurrentHashMap.newKeySet();

    TunnelProxy() throws IOException {
        Thread.ofVirtual().name("tunnel proxy").start(this::accept);
    }

    /** Sends everything through this proxy. */
    ProxySelector selector() {
        return ProxySelector.of(new InetSocketAddress(door.getInetAddress(), door.getLocalPort()));
    }

    /** What clients wanted to be connected with. */
    List<String> targets() {
        return targets;
    }

    private void accept() {
        while (!door.isClosed()) {
            try {
                Socket client = door.accept();
                sockets.add(client);
                Thread.ofVirtual().start(() -> serve(client));
            } catch (IOException e) {
                // The proxy is closed.
                return;
            }
        }
    }

    private void serve(Socket client) {
        try (client) {
            String[] request = head(client.getInputStream()).split(" ", 3);
            if (!request[0].equals("CONNECT")) {
                answer(client, "405 Method Not Allowed");
                return;
            }
            targets.add(request[1]);
            int colon = request[1].lastIndexOf(':');
            int port = Integer.parseInt(request[1].substring(colon + 1));
            try (Socket server = new Socket(request[1].substring(0, colon), port)) {
                sockets.add(server);
                answer(client, "200 Connection Established");
                Thread.ofVirtual().start(() -> pump(client, server));
                pump(server, client);
            }
        } catch (IOException e) {
            // One side is gone; closing tells the other.
            return;
        }
    }

    /** The request line, and what follows up to the empty line. */
    private static String head(InputStream in) throws IOException {
        StringBuilder head = new StringBuilder();
        while (head.indexOf("\r\n\r\n") < 0) {
            int next = in.read();
            if (next < 0) {
                throw new IOException("The head of the request has no end.");
            }
            head.append((char) next);
        }
        return head.toString();
    }

    private static void answer(Socket client, String status) throws IOException {
        client.getOutputStream().write(("HTTP/1.1 " + status + "\r\n\r\n").getBytes(StandardCharsets.US_ASCII));
    }

    private static void pump(Socket from, Socket to) {
        try (from;
                to) {
            from.getInputStream().transferTo(to.getOutputStream());
        } catch (IOException e) {
            // As above.
            return;
        }
    }

    @Override
    public void close() throws IOException {
        door.close();
        for (Socket socket : sockets) {
            socket.close();
        }
    }
}
