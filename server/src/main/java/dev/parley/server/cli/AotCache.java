package dev.parley.server.cli;

import com.sun.management.HotSpotDiagnosticMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The AOT cache that the JVM was started with. If it does not fit, the JVM only starts more slowly. */
final class AotCache {
    private static final Logger LOG = LoggerFactory.getLogger(AotCache.class);

    /** What the process has mapped into its memory; only Linux has it. */
    private static final Path MAPPED = Path.of("/proc/self/maps");

    private AotCache() {}

    /** Returns the path of a cache that the JVM was started with and does not use. */
    static @Nullable Path unused() {
        String given = ManagementFactory.getPlatformMXBean(HotSpotDiagnosticMXBean.class)
                .getVMOption("AOTCache")
                .getValue();
        if (given.isEmpty() || Files.notExists(MAPPED)) {
            return null;
        }
        Path cache = Path.of(given);
        // The name and not the path, because the system resolves links.
        String end = "/" + cache.getFileName();
        try (Stream<String> mapped = Files.lines(MAPPED)) {
            return mapped.anyMatch(each -> each.endsWith(end)) ? null : cache;
        } catch (IOException e) {
            LOG.debug("cannot find out whether the AOT cache is used", e);
            return null;
        }
    }
}
