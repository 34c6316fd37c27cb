package dev.parley.engine.journal;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;

/** A real disk whose faults a test turns on. */
public final class FaultyDisk implements Disk {
    private final Disk disk;
    private final ReentrantLock held = new ReentrantLock();
    private volatile boolean full;
    private volatile boolean failing;
    private volatile boolean keeping;

    public FaultyDisk(Disk disk) {
        this.disk = disk;
    }

    /** Whether files cannot be made. */
    public void full(boolean now) {
        full = now;
    }

    /** Whether syncs fail. */
    public void failing(boolean now) {
        failing = now;
    }

    /** Whether files cannot be deleted. */
    public void keeping(boolean now) {
        keeping = now;
    }

    /** Keeps syncs waiting until the calling thread unlocks it. */
    public ReentrantLock held() {
        return held;
    }

    @Override
    public List<String> list() throws IOException {
        return disk.list();
    }

    @Override
    public DiskFile open(String name) throws IOException {
        return new FaultyFile(disk.open(name));
    }

    @Override
    public DiskFile create(String name, byte[] header, long capacity) throws IOException {
        if (full) {
            throw new IOException("we pretend that the disk is full");
        }
        return new FaultyFile(disk.create(name, header, capacity));
    }

    @Override
    public void delete(String name) throws IOException {
        if (keeping) {
            throw new IOException("we pretend that the file cannot be deleted");
        }
        disk.delete(name);
    }

    private final class FaultyFile implements DiskFile {
        private final DiskFile file;

        FaultyFile(DiskFile file) {
            this.file = file;
        }

        @Override
        public long size() throws IOException {
            return file.size();
        }

        @Override
        public void write(ByteBuffer bytes, long offset) throws IOException {
            file.write(bytes, offset);
        }

        @Override
        public void read(ByteBuffer into, long offset) throws IOException {
            file.read(into, offset);
        }

        @Override
        public void sync() throws IOException {
            held.lock();
            try {
                if (failing) {
                    throw new IOException("we pretend that the sync failed");
                }
                file.sync();
            } finally {
                held.unlock();
            }
        }

        @Override
        public void close() throws IOException {
            file.close();
        }
    }
}
