/* Live readers and open-loop writers.
   S streams ("PATH-0" ...), each with R SSE readers and one writer at a fixed rate; optionally one more stream
   ("PATH-S"), the bystander, with one reader: its latency shows what others suffer when all main readers are cut.

   Readers run on this thread, writers on their own, so that a burst of deliveries does not delay the writing.
   Open loop: message k of a writer is due at start + k / rate. A message carries the instant just before its POST is
   sent, but if it had to wait because the server had not answered the one before, the instant at which it was due:
   what the server delays is charged to the server, the generator's own lateness is reported apart. */
#define _GNU_SOURCE
#include "http.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum {
    MAX_CONNECTING = 200,
    READY_SECONDS = 60,
    DRAIN_MIN_MS = 500,
    DRAIN_MAX_MS = 5000,
    RETRY_US = 20000,
    BYSTANDER_WINDOW_US = 2000000, /* before and after the cut */
    MAX_WRITE_ERRORS = 1000,
};

struct stream {
    char path[160];
    double rate;
    bool bystander;
    /* of its writer */
    int fd;
    bool busy;
    uint64_t due_index, last_answer_us, sent_at_us;
    struct response response;
    _Atomic uint64_t sent;
};

struct reader {
    struct stream *stream;
    int fd; /* -1 while not connected */
    bool asked, live;
    uint64_t retry_at_us;
    struct response response;
    struct scanner scanner;
    uint64_t expected, expected_at_offset;
};

static struct target target;
static int epoll;
static struct stream *streams;
static struct reader *readers;
static int stream_count, reader_count, connecting;
static int live_count; /* of the main readers */

static uint64_t window_start, window_end, cut_at; /* CLOCK_MONOTONIC, us */
static uint64_t read_at_us;                       /* of the read in progress */
static uint64_t delivered, gaps, duplicates, reconnects, bytes_read;
static struct histogram latency, bystander_before, bystander_during;

/* ---- readers ---- */

static void connect_reader(struct reader *reader) {
    reader->fd = open_connection(&target);
    reader->asked = false;
    reader->retry_at_us = 0;
    connecting++;
    response_start(&reader->response);
    char offset[OFFSET_BYTES];
    memcpy(offset, reader->scanner.offset, sizeof offset);
    memset(&reader->scanner, 0, sizeof reader->scanner);
    memcpy(reader->scanner.offset, offset, sizeof offset);
    /* What came after the last control event is sent again. */
    reader->expected = reader->expected_at_offset;
    if (poll_add(epoll, reader->fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, reader) < 0) {
        die("epoll_ctl: %s", strerror(errno));
    }
}

static void disconnect_reader(struct reader *reader) {
    if (!reader->asked) {
        connecting--;
    }
    if (reader->live && !reader->stream->bystander) {
        live_count--;
    }
    reader->live = false;
    cut_connection(reader->fd);
    reader->fd = -1;
    reader->retry_at_us = now_us() + RETRY_US;
}

static void ask(struct reader *reader) {
    char request[512];
    const char *offset = reader->scanner.offset[0] ? reader->scanner.offset : "now";
    int n = snprintf(
        request, sizeof request, "GET %s%s?offset=%s&live=sse HTTP/1.1\r\nHost: %s\r\nAccept: text/event-stream\r\n\r\n",
        target.base, reader->stream->path, offset, target.host);
    write_all(reader->fd, request, (size_t)n);
    reader->asked = true;
    connecting--;
}

static void on_message(void *context, uint64_t stamp, uint64_t sequence) {
    struct reader *reader = context;
    if (sequence == reader->expected) {
        reader->expected++;
    } else if (sequence > reader->expected) {
        gaps += sequence - reader->expected;
        reader->expected = sequence + 1;
    } else {
        duplicates++;
    }
    uint64_t age = read_at_us > stamp ? read_at_us - stamp : 0;
    if (reader->stream->bystander) {
        if (cut_at && stamp < cut_at && stamp + BYSTANDER_WINDOW_US >= cut_at) {
            histogram_add(&bystander_before, age);
        } else if (cut_at && stamp >= cut_at && stamp < cut_at + BYSTANDER_WINDOW_US) {
            histogram_add(&bystander_during, age);
        }
        return;
    }
    if (stamp >= window_start && stamp < window_end) {
        histogram_add(&latency, age);
    }
    delivered += read_at_us >= window_start && read_at_us < window_end;
}

static void on_position(void *context) {
    struct reader *reader = context;
    reader->expected_at_offset = reader->expected;
}

static void on_up_to_date(void *context) {
    struct reader *reader = context;
    if (!reader->live) {
        reader->live = true;
        live_count += !reader->stream->bystander;
    }
}

static const struct scanner_events scanner_events = {on_message, on_position, on_up_to_date};

static void on_body(void *context, const char *bytes, size_t length) {
    struct reader *reader = context;
    scan(&reader->scanner, bytes, length, &scanner_events, reader);
}

static void on_reader_event(struct reader *reader, uint32_t events, char *buffer) {
    if (!reader->asked && (events & EPOLLOUT) && !(events & EPOLLERR)) {
        ask(reader);
    }
    ssize_t n;
    while ((n = read(reader->fd, buffer, READ_BUFFER_BYTES)) > 0) {
        read_at_us = now_us();
        if (read_at_us >= window_start && read_at_us < window_end) {
            bytes_read += (uint64_t)n;
        }
        response_feed(&reader->response, buffer, (size_t)n, on_body, reader);
        if (reader->response.status != 200 && reader->response.status != 0) {
            die("%s%s: status %d", target.base, reader->stream->path, reader->response.status);
        }
        if (n < READ_BUFFER_BYTES && !(events & EPOLLRDHUP)) {
            break; /* edge-triggered, but a short read has emptied the socket; what comes later raises a new edge */
        }
    }
    bool ended = n == 0 || (n < 0 && errno != EAGAIN) || reader->response.state == DONE || (events & EPOLLERR);
    if (ended || (events & EPOLLHUP)) {
        reconnects++;
        disconnect_reader(reader);
    }
}

static void cut_all_main_readers(void) {
    for (int i = 0; i < reader_count; i++) {
        if (!readers[i].stream->bystander && readers[i].fd >= 0) {
            disconnect_reader(&readers[i]);
            readers[i].retry_at_us = 0;
        }
    }
}

/* Connects whoever is due, bounded while ramping up, and all at once when they come back after the cut. */
static bool connect_due(uint64_t now, int max_connecting) {
    bool waiting = false;
    for (int i = 0; i < reader_count; i++) {
        if (readers[i].fd < 0) {
            if (readers[i].retry_at_us <= now && connecting < max_connecting) {
                connect_reader(&readers[i]);
            } else {
                waiting = true;
            }
        }
    }
    return waiting;
}

static bool some_disconnected;

static void turn(int timeout_ms, int max_connecting, char *buffer) {
    if (some_disconnected) {
        some_disconnected = connect_due(now_us(), max_connecting);
    }
    struct epoll_event events[512];
    int n = epoll_wait(epoll, events, 512, some_disconnected ? 1 : timeout_ms);
    for (int i = 0; i < n; i++) {
        struct reader *reader = events[i].data.ptr;
        if (reader->fd >= 0) {
            on_reader_event(reader, events[i].events, buffer);
            some_disconnected |= reader->fd < 0;
        }
    }
}

static void run_until(uint64_t end, char *buffer) {
    for (uint64_t now; (now = now_us()) < end;) {
        uint64_t left_ms = (end - now) / 1000 + 1;
        turn(left_ms > 100 ? 100 : (int)left_ms, MAX_CONNECTING, buffer);
    }
}

static uint64_t backlog(void) {
    uint64_t missing = 0;
    for (int i = 0; i < reader_count; i++) {
        uint64_t sent = atomic_load(&readers[i].stream->sent);
        missing += sent > readers[i].expected ? sent - readers[i].expected : 0;
    }
    return missing;
}

/* ---- writers, on their own thread ---- */

static uint64_t writers_start;
static _Atomic bool writers_stop;
static uint64_t write_errors, late_sends; /* late: the generator's own fault, by more than a millisecond */
static double writer_cpu_in_window;
static struct histogram acknowledgements, lateness;

static uint64_t due_us(const struct stream *stream, int index) {
    /* Spread over the period, so that the streams' messages do not all fall on the same instant. */
    double phase = (double)index / stream_count;
    return writers_start + (uint64_t)(((double)stream->due_index + phase) * 1e6 / stream->rate);
}

static void post(struct stream *stream, int index, uint64_t now) {
    uint64_t due = due_us(stream, index);
    bool held_back = stream->last_answer_us > due;
    uint64_t stamp = held_back ? due : now;
    if (!held_back && now >= window_start && now < window_end) {
        histogram_add(&lateness, now - due);
        late_sends += now - due > 1000;
    }
    char request[1024];
    int head = snprintf(
        request, sizeof request - MESSAGE_BYTES,
        "POST %s%s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n", target.base,
        stream->path, target.host, MESSAGE_BYTES);
    message_write(request + head, stamp, stream->due_index);
    response_start(&stream->response);
    stream->busy = true;
    stream->sent_at_us = stamp;
    stream->due_index++;
    atomic_store(&stream->sent, stream->due_index);
    write_all(stream->fd, request, (size_t)head + MESSAGE_BYTES);
}

static void ignore_body(void *context, const char *bytes, size_t length) {
    (void)context, (void)bytes, (void)length;
}

static void write_error(struct stream *stream, const char *what) {
    if (++write_errors > MAX_WRITE_ERRORS) {
        die("writer of %s: %s", stream->path, what);
    }
}

static void on_answer(struct stream *stream, int writer_epoll, char *buffer) {
    ssize_t n = read(stream->fd, buffer, 4096);
    if (n > 0) {
        response_feed(&stream->response, buffer, (size_t)n, ignore_body, NULL);
        if (stream->response.state == DONE && stream->busy) {
            stream->busy = false;
            stream->last_answer_us = now_us();
            if (stream->response.status / 100 != 2) {
                write_error(stream, "not a 2xx answer");
            } else if (stream->sent_at_us >= window_start && stream->sent_at_us < window_end) {
                histogram_add(&acknowledgements, stream->last_answer_us - stream->sent_at_us);
            }
        }
    } else if (n == 0 || errno != EAGAIN) {
        write_error(stream, "connection closed");
        close(stream->fd);
        stream->fd = open_connected(&target);
        stream->busy = false;
        poll_add(writer_epoll, stream->fd, EPOLLIN, stream);
    }
}

static void *write_messages(void *unused) {
    (void)unused;
    int writer_epoll = epoll_create1(EPOLL_CLOEXEC);
    for (int i = 0; i < stream_count; i++) {
        streams[i].fd = open_connected(&target);
        poll_add(writer_epoll, streams[i].fd, EPOLLIN, &streams[i]);
    }
    char buffer[4096];
    struct epoll_event events[64];
    double cpu_at_start = -1, cpu_at_end = -1;
    while (!atomic_load(&writers_stop)) {
        uint64_t now = now_us(), next = now + 100000;
        if (cpu_at_start < 0 && now >= window_start) {
            cpu_at_start = thread_cpu_seconds();
        }
        if (cpu_at_end < 0 && now >= window_end) {
            cpu_at_end = thread_cpu_seconds();
        }
        for (int i = 0; i < stream_count; i++) {
            uint64_t due = due_us(&streams[i], i);
            if (streams[i].busy || due >= window_end) {
                continue;
            }
            if (due <= now) {
                post(&streams[i], i, now_us());
            } else if (due < next) {
                next = due;
            }
        }
        now = now_us();
        uint64_t wait_ns = next > now ? (next - now) * 1000 : 0;
        struct timespec wait = {.tv_sec = (time_t)(wait_ns / 1000000000), .tv_nsec = (long)(wait_ns % 1000000000)};
        int n = epoll_pwait2(writer_epoll, events, 64, &wait, NULL);
        for (int i = 0; i < n; i++) {
            on_answer(events[i].data.ptr, writer_epoll, buffer);
        }
    }
    writer_cpu_in_window = cpu_at_end - cpu_at_start;
    return NULL;
}

/* ---- the run ---- */

static void event(const char *name) {
    printf("{\"event\":\"%s\"}\n", name);
    fflush(stdout);
}

static void add_stream(const char *path, double rate, bool bystander) {
    struct stream *stream = &streams[stream_count];
    snprintf(stream->path, sizeof stream->path, "%s-%d", path, stream_count++);
    stream->rate = rate;
    stream->bystander = bystander;
}

static void add_reader(struct stream *stream) {
    struct reader *reader = &readers[reader_count++];
    reader->stream = stream;
    reader->fd = -1;
}

int live_main(int argc, char **argv) {
    target = target_parse(option(argc, argv, "--url", ""));
    const char *path = option(argc, argv, "--path", "/bench");
    int main_streams = (int)option_number(argc, argv, "--streams", 1);
    int readers_each = (int)option_number(argc, argv, "--readers", 1);
    double rate = option_number(argc, argv, "--rate", 50);
    double warmup = option_number(argc, argv, "--warmup", 1);
    double seconds = option_number(argc, argv, "--seconds", 5);
    double bystander_rate = option_number(argc, argv, "--bystander", 0);
    double cut_after = option_number(argc, argv, "--cut-after", 0);

    streams = calloc((size_t)main_streams + 1, sizeof *streams);
    readers = calloc((size_t)main_streams * (size_t)readers_each + 1, sizeof *readers);
    char *buffer = malloc(READ_BUFFER_BYTES);
    epoll = epoll_create1(EPOLL_CLOEXEC);
    for (int i = 0; i < main_streams; i++) {
        add_stream(path, rate, false);
        for (int k = 0; k < readers_each; k++) {
            add_reader(&streams[i]);
        }
    }
    int main_readers = reader_count;
    if (bystander_rate > 0) {
        add_stream(path, bystander_rate, true);
        add_reader(&streams[stream_count - 1]);
    }

    uint64_t start = now_us();
    some_disconnected = true;
    while (live_count < main_readers || !readers[reader_count - 1].live) {
        turn(100, MAX_CONNECTING, buffer);
        if (now_us() - start > READY_SECONDS * 1000000ull) {
            die("%d of %d readers are live after %d s", live_count, main_readers, READY_SECONDS);
        }
    }
    double ready_ms = (double)(now_us() - start) / 1e3;
    event("live");

    window_start = now_us() + (uint64_t)(warmup * 1e6);
    window_end = window_start + (uint64_t)(seconds * 1e6);
    pthread_t writers;
    if (rate > 0) {
        writers_start = now_us() + 50000;
        if (cut_after > 0) {
            cut_at = window_start + (uint64_t)(cut_after * 1e6);
        }
        pthread_create(&writers, NULL, write_messages, NULL);
    }
    run_until(window_start, buffer);
    reconnects = 0;
    double reader_cpu = thread_cpu_seconds();
    event("measuring");

    double storm_ms = -1;
    if (cut_at) {
        run_until(cut_at, buffer);
        uint64_t cut = now_us();
        cut_all_main_readers();
        some_disconnected = true;
        while (live_count < main_readers && now_us() < window_end) {
            turn(10, main_readers + 1, buffer);
        }
        storm_ms = live_count == main_readers ? (double)(now_us() - cut) / 1e3 : -1;
    }
    run_until(window_end, buffer);
    reader_cpu = thread_cpu_seconds() - reader_cpu;
    event("measured");

    uint64_t drain_start = now_us();
    while (now_us() < drain_start + DRAIN_MIN_MS * 1000ull
           || (backlog() > 0 && now_us() < drain_start + DRAIN_MAX_MS * 1000ull)) {
        turn(50, MAX_CONNECTING, buffer);
    }
    if (rate > 0) {
        atomic_store(&writers_stop, true);
        pthread_join(writers, NULL);
    }

    printf(
        "{\"event\":\"result\",\"readers\":%d,\"ready_ms\":%.1f,\"seconds\":%.3f,\"delivered\":%llu,\"bytes\":%llu,"
        "\"gaps\":%llu,\"duplicates\":%llu,\"backlog\":%llu,\"reconnects\":%llu,\"write_errors\":%llu,\"late_sends\":%llu,"
        "\"storm_ms\":%.1f,\"reader_cpu_seconds\":%.3f,\"writer_cpu_seconds\":%.3f,",
        main_readers, ready_ms, seconds, (unsigned long long)delivered, (unsigned long long)bytes_read,
        (unsigned long long)gaps, (unsigned long long)duplicates, (unsigned long long)backlog(),
        (unsigned long long)reconnects, (unsigned long long)write_errors, (unsigned long long)late_sends, storm_ms,
        reader_cpu, writer_cpu_in_window);
    histogram_print("latency_ms", &latency);
    putchar(',');
    histogram_print("ack_ms", &acknowledgements);
    putchar(',');
    histogram_print("lateness_ms", &lateness);
    putchar(',');
    histogram_print("bystander_before_ms", &bystander_before);
    putchar(',');
    histogram_print("bystander_during_ms", &bystander_during);
    puts("}");
    return 0;
}
