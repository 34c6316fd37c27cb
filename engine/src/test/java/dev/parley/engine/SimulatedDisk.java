package dev.parley.engine;

import dev.parley.engine.journal.Disk;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import java.util.random.RandomGenerator;

/**
 * A disk in memory. What was written but not synced stands apart; when the power fails, any of its sectors may have
 * reached the medium or not.
 */
final class SimulatedDisk implements Disk {
    /** What a disk writes wholly or not at all; smaller than any real one now and then, which makes more tears. */
    private static final int[] SECTOR_BYTES = {512, 64};

    private final CrashPoints points;
    private final TreeMap<String, SimulatedFile> files = new TreeMap<>();
    private boolean full;
    private boolean fullShows;
    private boolean failing;

    SimulatedDisk(CrashPoints points) {
        this.points = points;
    }

    /**
     * Whether there is no room for new files.
     *
     * @param shows whether {@link #freeBytes} says so, or somebody else takes the room at the last moment
     */
    void full(boolean now, boolean shows) {
        full = now;
        fullShows = shows;
    }

    long freeBytes() {
        return full && fullShows ? 0 : Long.MAX_VALUE;
    }

    boolean isFull() {
        return full;
    }

    /** Lets the next sync fail. */
    void failNextSync() {
        failing = true;
    }

    /** Ends all faults. */
    void mend() {
        full = false;
        failing = false;
    }

    /** What a power failure leaves. After a crash of the process alone everything written is still there. */
    void losePower(RandomGenerator random) {
        int kept = random.nextInt(4);
        int sector = SECTOR_BYTES[random.nextInt(SECTOR_BYTES.length)];
        files.values().forEach(file -> file.losePower(random, kept, sector));
    }

    @Override
    public List<String> list() {
        return List.copyOf(files.keySet());
    }

    @Override
    public DiskFile open(String name) throws IOException {
        SimulatedFile file = files.get(name);
        if (file == null) {
            throw new IOException("no file " + name);
        }
        return file;
    }

    @Override
    public DiskFile create(String name, byte[] header, long capacity) throws IOException {
        points.point();
        if (full) {
            throw new IOException("simulated full disk");
        }
        SimulatedFile file = new SimulatedFile(header, (int) capacity);
        files.put(name, file);
        points.point();
        return file;
    }

    @Override
    public void delete(String name) {
        points.point();
        files.remove(name);
        points.point();
    }

    private record Write(int offset, byte[] bytes) {}

    private final class SimulatedFile implements DiskFile {
        private final byte[] medium;
        private final byte[] content;
        private final List<Write> unsynced = new ArrayList<>();

        SimulatedFile(byte[] header, int capacity) {
            medium = new byte[capacity];
            System.arraycopy(header, 0, medium, 0, header.length);
            content = medium.clone();
        }

        @Override
        public long size() {
            return content.length;
        }

        @Override
        public void write(ByteBuffer bytes, long offset) {
            points.point();
            byte[] copy = new byte[bytes.remaining()];
            bytes.get(copy);
            System.arraycopy(copy, 0, content, (int) offset, copy.length);
            unsynced.add(new Write((int) offset, copy));
            points.point();
        }

        @Override
        public void read(ByteBuffer into, long offset) {
            into.put(content, (int) offset, (int) Math.min(into.remaining(), content.length - offset));
        }

        @Override
        public void sync() throws IOException {
            points.point();
            if (failing) {
                failing = false;
                throw new IOException("simulated failure of a sync");
            }
            System.arraycopy(content, 0, medium, 0, content.length);
            unsynced.clear();
            points.point();
        }

        @Override
        public void close() {}

        void losePower(RandomGenerator random, int kept, int sector) {
            for (Write write : unsynced) {
                int at = write.offset;
                int end = at + write.bytes.length;
                while (at < end) {
                    int next = Math.min(end, (at / sector + 1) * sector);
                    if (kept == 0 || (kept > 1 && random.nextBoolean())) {
                        System.arraycopy(write.bytes, at - write.offset, medium, at, next - at);
                    }
                    at = next;
                }
            }
            System.arraycopy(medium, 0, content, 0, medium.length);
            unsynced.clear();
        }
    }
}
