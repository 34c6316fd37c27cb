package dev.parley.engine.journal;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.function.LongSupplier;

/** A {@link Disk} that is one folder of the operating system's file system. */
public final class FolderDisk implements Disk {
    private static final int ZERO_BLOCK_BYTES = 1 << 20;
    private static final String UNFINISHED = ".unfinished";

    private final Path folder;
    private final LongSupplier reserve;

    /** Uses {@code folder}, and creates it if it does not exist. New files may use all free space of its disk. */
    public FolderDisk(Path folder) throws IOException {
        this(folder, () -> 0);
    }

    /**
     * Uses {@code folder}, and creates it if it does not exist.
     *
     * @param reserve number of bytes of its disk that must stay free when a file is created
     */
    public FolderDisk(Path folder, LongSupplier reserve) throws IOException {
        this.folder = Files.createDirectories(folder);
        this.reserve = reserve;
    }

    @Override
    public List<String> list() throws IOException {
        List<String> names = new ArrayList<>();
        try (DirectoryStream<Path> files = Files.newDirectoryStream(folder)) {
            for (Path file : files) {
                names.add(file.getFileName().toString());
            }
        }
        return names;
    }

    @Override
    public DiskFile open(String name) throws IOException {
        return new ChannelFile(
                FileChannel.open(folder.resolve(name), StandardOpenOption.READ, StandardOpenOption.WRITE));
    }

    @Override
    public DiskFile create(String name, byte[] header, long capacity) throws IOException {
        // Checked first: on a full disk every command asks again, and filling the disk takes a long time.
        long usable = folder.toFile().getUsableSpace();
        long kept = reserve.getAsLong();
        if (usable < capacity + kept) {
            throw new IOException("the disk of " + folder + " has " + usable + " bytes left, " + name + " needs "
                    + capacity + (kept > 0 ? " and " + kept + " must stay free" : ""));
        }
        Path unfinished = folder.resolve(name + UNFINISHED);
        try (FileChannel channel = FileChannel.open(
                unfinished,
                StandardOpenOption.WRITE,
                StandardOpenOption.CREATE,
                StandardOpenOption.TRUNCATE_EXISTING)) {
            // Real zeros, not a hole: later syncs then write only data and no file metadata, which is two to three
            // times faster. A full disk also shows here, and not in the middle of a group.
            ByteBuffer zeros = ByteBuffer.allocateDirect(ZERO_BLOCK_BYTES);
            for (long offset = 0; offset < capacity; offset += zeros.limit()) {
                zeros.clear().limit((int) Math.min(ZERO_BLOCK_BYTES, capacity - offset));
                writeFully(channel, zeros, offset);
            }
            writeFully(channel, ByteBuffer.wrap(header), 0);
            channel.force(true);
        } catch (IOException e) {
            // The partly written file uses space that is needed.
            Files.deleteIfExists(unfinished);
            throw e;
        }
        Files.move(unfinished, folder.resolve(name), StandardCopyOption.ATOMIC_MOVE);
        syncFolder();
        return open(name);
    }

    @Override
    public void delete(String name) throws IOException {
        Files.deleteIfExists(folder.resolve(name));
        syncFolder();
    }

    private void syncFolder() throws IOException {
        try (FileChannel directory = FileChannel.open(folder, StandardOpenOption.READ)) {
            directory.force(true);
        }
    }

    private static void writeFully(FileChannel channel, ByteBuffer bytes, long offset) throws IOException {
        long at = offset;
        while (bytes.hasRemaining()) {
            at += channel.write(bytes, at);
        }
    }

    private record ChannelFile(FileChannel channel) implements DiskFile {
        @Override
        public long size() throws IOException {
            return channel.size();
        }

        @Override
        public void write(ByteBuffer bytes, long offset) throws IOException {
            writeFully(channel, bytes, offset);
        }

        @Override
        public void read(ByteBuffer into, long offset) throws IOException {
            long at = offset;
            while (into.hasRemaining()) {
                int count = channel.read(into, at);
                if (count < 0) {
                    return;
                }
                at += count;
            }
        }

        @Override
        public void sync() throws IOException {
            channel.force(false);
        }

        @Override
        public void close() throws IOException {
            channel.close();
        }
    }
}
