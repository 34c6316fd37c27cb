/* Readers that read a whole stream again and again, following Stream-Next-Offset until it is up to date.
   The first pass of each is checked message by message and not timed; the later ones only count bytes. */
#define _GNU_SOURCE
#include "http.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { CHECK_SECONDS = 120 };

struct reader {
    int fd;
    bool checked;
    struct response response;
    struct scanner scanner;
    uint64_t messages, out_of_order;
    uint64_t pass_start;
    char offset[OFFSET_BYTES];
};

static struct target target;
static const char *path;
static int epoll, unchecked;
static bool timing;
static uint64_t timed_bytes, timed_requests, errors;
static struct histogram passes;

static void ask(struct reader *reader) {
    char request[512];
    int n = snprintf(
        request, sizeof request, "GET %s%s?offset=%s HTTP/1.1\r\nHost: %s\r\n\r\n", target.base, path, reader->offset,
        target.host);
    response_start(&reader->response);
    write_all(reader->fd, request, (size_t)n);
}

static void from_the_start(struct reader *reader) {
    strcpy(reader->offset, "-1");
    reader->pass_start = now_us();
    ask(reader);
}

static void on_message(void *context, uint64_t stamp, uint64_t sequence) {
    (void)stamp;
    struct reader *reader = context;
    reader->out_of_order += sequence != reader->messages;
    reader->messages++;
}

static void nothing(void *context) {
    (void)context;
}

static const struct scanner_events scanner_events = {on_message, nothing, nothing};

static void on_body(void *context, const char *bytes, size_t length) {
    struct reader *reader = context;
    if (timing) {
        timed_bytes += length;
    }
    if (!reader->checked) {
        scan(&reader->scanner, bytes, length, &scanner_events, reader);
    }
}

static void on_response(struct reader *reader) {
    struct response *response = &reader->response;
    timed_requests += timing;
    if (response->status != 200 || response->next_offset[0] == '\0') {
        if (++errors > 100) {
            die("status %d, offset \"%s\"", response->status, response->next_offset);
        }
        from_the_start(reader);
    } else if (!response->up_to_date) {
        memcpy(reader->offset, response->next_offset, sizeof reader->offset);
        ask(reader);
    } else {
        if (!reader->checked) {
            reader->checked = true;
            unchecked--;
        } else if (timing) {
            histogram_add(&passes, now_us() - reader->pass_start);
        }
        from_the_start(reader);
    }
}

/* One read per turn, so that the readers share the generator fairly. */
static void on_readable(struct reader *reader, char *buffer) {
    ssize_t n = read(reader->fd, buffer, READ_BUFFER_BYTES);
    if (n > 0) {
        response_feed(&reader->response, buffer, (size_t)n, on_body, reader);
        if (reader->response.state == DONE) {
            on_response(reader);
        }
    } else if (n == 0 || errno != EAGAIN) {
        die("the server closed a reader's connection");
    }
}

static bool checking(void) {
    return unchecked > 0;
}

static bool always(void) {
    return true;
}

static double run(double seconds, bool (*going_on)(void), char *buffer) {
    struct epoll_event events[64];
    uint64_t start = now_us(), end = start + (uint64_t)(seconds * 1e6);
    while (now_us() < end && going_on()) {
        int n = epoll_wait(epoll, events, 64, 100);
        for (int i = 0; i < n; i++) {
            on_readable(events[i].data.ptr, buffer);
        }
    }
    return (double)(now_us() - start) / 1e6;
}

int catchup_main(int argc, char **argv) {
    target = target_parse(option(argc, argv, "--url", ""));
    path = option(argc, argv, "--path", "/bench-0");
    int count = (int)option_number(argc, argv, "--readers", 1);
    double seconds = option_number(argc, argv, "--seconds", 3);
    uint64_t expected = (uint64_t)option_number(argc, argv, "--messages", 0);

    char *buffer = malloc(READ_BUFFER_BYTES);
    struct reader *readers = calloc((size_t)count, sizeof *readers);
    epoll = epoll_create1(EPOLL_CLOEXEC);
    unchecked = count;
    for (int i = 0; i < count; i++) {
        readers[i].fd = open_connected(&target);
        poll_add(epoll, readers[i].fd, EPOLLIN, &readers[i]);
        from_the_start(&readers[i]);
    }
    run(CHECK_SECONDS, checking, buffer);
    if (unchecked > 0) {
        die("%d of %d readers did not finish one pass in %d s", unchecked, count, CHECK_SECONDS);
    }
    uint64_t wrong = 0;
    for (int i = 0; i < count; i++) {
        wrong += readers[i].out_of_order + (readers[i].messages != expected);
    }

    puts("{\"event\":\"measuring\"}");
    fflush(stdout);
    timing = true;
    double cpu = thread_cpu_seconds();
    double elapsed = run(seconds, always, buffer);
    cpu = thread_cpu_seconds() - cpu;
    puts("{\"event\":\"measured\"}");
    printf(
        "{\"event\":\"result\",\"seconds\":%.3f,\"bytes\":%llu,\"requests\":%llu,\"errors\":%llu,\"wrong\":%llu,"
        "\"generator_cpu_seconds\":%.3f,",
        elapsed, (unsigned long long)timed_bytes, (unsigned long long)timed_requests, (unsigned long long)errors,
        (unsigned long long)wrong, cpu);
    histogram_print("pass_ms", &passes);
    puts("}");
    return 0;
}
