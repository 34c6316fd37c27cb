/* A small HTTP/1.1 client for load generation: loopback sockets and an incremental response parser. */
#ifndef BENCH_HTTP_H
#define BENCH_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MESSAGE_BYTES = 100, OFFSET_BYTES = 64, READ_BUFFER_BYTES = 256 * 1024 };

/* The server under test, from "http://127.0.0.1:PORT/base". */
struct target {
    char host[64];
    int port;
    char base[128];
};

/* One response being read; the body goes to a callback as it arrives, without its chunk framing. */
struct response {
    enum { HEADERS, FIXED_BODY, UNTIL_CLOSE, CHUNK_SIZE, CHUNK_BODY, CHUNK_END, TRAILERS, DONE } state;
    int status;
    bool chunked, up_to_date;
    long long remaining;
    char next_offset[OFFSET_BYTES];
    char line[256];
    size_t line_length;
};

typedef void body_sink(void *context, const char *bytes, size_t length);

uint64_t now_us(void);
double thread_cpu_seconds(void);
void die(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

struct target target_parse(const char *url);

/* A non-blocking socket on its way to the target. The source address rotates through 127.0.0.1 to 127.0.0.8, so that
   ports do not run short. */
int open_connection(const struct target *target);
int open_connected(const struct target *target); /* waits until it is there */
void cut_connection(int fd); /* with a reset, as a network would, and so without TIME_WAIT */
void write_all(int fd, const char *bytes, size_t length);
int poll_add(int epoll, int fd, uint32_t events, void *context);

void response_start(struct response *response);
size_t response_feed(struct response *response, const char *bytes, size_t length, body_sink *sink, void *context);

/* Writes exactly MESSAGE_BYTES of JSON that carry the instant of sending and a sequence number. */
void message_write(char *to, uint64_t stamp_us, uint64_t sequence);

/* Finds messages, and the SSE control event's offset and upToDate, in a body that arrives in arbitrary pieces. */
struct scanner {
    enum { TEXT, STAMP, OFFSET } mode;
    int digits;
    uint64_t stamp, sequence;
    size_t offset_matched, live_matched, offset_length;
    char offset_pending[OFFSET_BYTES];
    char offset[OFFSET_BYTES]; /* the last whole one */
};

struct scanner_events {
    void (*message)(void *context, uint64_t stamp_us, uint64_t sequence);
    void (*position)(void *context); /* scanner.offset is new */
    void (*up_to_date)(void *context);
};

void scan(struct scanner *scanner, const char *bytes, size_t length, const struct scanner_events *events, void *context);

/* Latencies: 10 us wide up to one second, then 1 ms wide up to 100 s. */
struct histogram {
    uint64_t count, max;
    uint32_t fine[100000], coarse[100000];
};

void histogram_add(struct histogram *histogram, uint64_t us);
double histogram_percentile_ms(const struct histogram *histogram, double percentile);
void histogram_print(const char *name, const struct histogram *histogram); /* as members of a JSON object */

const char *option(int argc, char **argv, const char *name, const char *fallback);
double option_number(int argc, char **argv, const char *name, double fallback);

int live_main(int argc, char **argv);
int fill_main(int argc, char **argv);
int catchup_main(int argc, char **argv);
int disk_main(int argc, char **argv);
int rt_main(int argc, char **argv);
int rt_publish_main(int argc, char **argv);
int rt_attach_main(int argc, char **argv);
int rt_answers_main(int argc, char **argv);

#endif
