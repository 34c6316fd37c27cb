/* How many 4 KiB writes the disk makes durable per second, in a preallocated file: one after another, or so many a second. */
#define _GNU_SOURCE
#include "http.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BLOCK = 4096, FILE_BLOCKS = 16384 };

int disk_main(int argc, char **argv) {
    const char *directory = option(argc, argv, "--dir", ".");
    double seconds = option_number(argc, argv, "--seconds", 1);
    double rate = option_number(argc, argv, "--rate", 0);
    char path[4096];
    snprintf(path, sizeof path, "%s/disk-check-XXXXXX", directory);
    int fd = mkstemp(path);
    if (fd < 0) {
        die("%s: %s", path, strerror(errno));
    }
    unlink(path);
    static char block[BLOCK];
    for (int i = 0; i < FILE_BLOCKS; i++) {
        if (write(fd, block, BLOCK) != BLOCK) {
            die("write: %s", strerror(errno));
        }
    }
    fsync(fd);

    static struct histogram syncs;
    uint64_t start = now_us(), before = start;
    for (int i = 0; before - start < (uint64_t)(seconds * 1e6); i++) {
        if (pwrite(fd, block, BLOCK, (off_t)(i % FILE_BLOCKS) * BLOCK) != BLOCK || fdatasync(fd) < 0) {
            die("fdatasync: %s", strerror(errno));
        }
        uint64_t after = now_us();
        histogram_add(&syncs, after - before);
        before = after;
        if (rate > 0) {
            uint64_t due = start + (uint64_t)((double)(i + 1) * 1e6 / rate);
            if (due > after) {
                usleep((useconds_t)(due - after));
                before = now_us();
            }
        }
    }
    printf("{\"per_second\":%.0f,", (double)syncs.count / ((double)(before - start) / 1e6));
    histogram_print("sync_ms", &syncs);
    puts("}");
    return 0;
}
