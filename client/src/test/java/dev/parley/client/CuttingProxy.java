package dev.parley.client;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.IntSupplier;

/** The network between a client and a server: it can be cut, be down, and stop passing anything. */
public final class CuttingProxy implements AutoCloseable {
    private final ServerSocket door;
    private final IntSupplier targetPort;
    private final Set<Socket> sockets = ConcurrentHashMap.newKeySet();
    private volatile boolean down;
    private volatile boolean silent;
    private volatile boolean losesAnswers;
    private final LongAdder bytesToClients = new LongAdder();

    /** A network to this server. */
    public CuttingProxy(TestServer server) throws IOException {
        this.targetPort = server::port;
        this.door = new ServerSocket(0, 128, InetAddress.getLoopbackAddress());
        Thread.ofVirtual().name("proxy").start(this::accept);
    }

    /** Its address. */
    public URI uri() {
        return URI.create("http://127.0.0.1:" + door.getLocalPort());
    }

    /** Cuts all connections. */
    public void cut() {
        for (Socket socket : sockets) {
            close(socket);
        }
    }

    /** Cuts all connections, and lets none come about until {@link #up}. */
    public void down() {
        down = true;
        cut();
    }

    /** Everything passes again. */
    public void up() {
        down = false;
        silent = false;
        losesAnswers = false;
    }

    /** Passes nothing any more, and cuts nothing. */
    public void fallSilent() {
        silent = true;
    }

    /** Passes requests, and cuts the connection when the answer comes. */
    public void loseAnswers() {
        losesAnswers = true;
    }

    /** What clients have been sent. */
    long bytesToClients() {
        return bytesToClients.sum();
    }

    private void accept() {
        while (!door.isClosed()) {
            try {
                Socket client = door.accept();
                if (down) {
                    close(client);
                    continue;
                }
                sockets.add(client);
                Thread.ofVirtual().start(() -> serve(client));
            } catch (IOException e) {
                // The proxy is closed.
                return;
            }
        }
    }

    private void serve(Socket client) {
        try {
            Socket server = new Socket(InetAddress.getLoopbackAddress(), targetPort.getAsInt());
            sockets.add(server);
            Thread.ofVirtual().start(() -> pump(client, server, false));
            pump(server, client, true);
        } catch (IOException e) {
            // The server is down, so for the client the network is.
            close(client);
        }
    }

    private void pump(Socket from, Socket to, boolean toClient) {
        byte[] buffer = new byte[16 << 10];
        try (from;
                to) {
            InputStream in = from.getInputStream();
            OutputStream out = to.getOutputStream();
            while (true) {
                int read = in.read(buffer);
                if (read < 0 || (toClient && losesAnswers)) {
                    return;
                }
                if (!silent) {
                    out.write(buffer, 0, read);
                    bytesToClients.add(toClient ? read : 0);
                }
            }
        } catch (IOException e) {
            // One side is gone; closing tells the other.
            return;
        } finally {
            sockets.remove(from);
            sockets.remove(to);
        }
    }

    private static void close(Socket socket) {
        try (socket) {
            // So that the other side sees a reset.
            socket.setSoLinger(true, 0);
        } catch (IOException e) {
            // Somebody else has just closed it.
            return;
        }
    }

    @Override
    public void close() throws IOException {
        door.close();
        cut();
    }
}
