#define _GNU_SOURCE
#include "http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { SOURCE_ADDRESSES = 8, CONNECT_TIMEOUT_MS = 5000 };

static uint64_t clock_us(clockid_t clock) {
    struct timespec t;
    clock_gettime(clock, &t);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

uint64_t now_us(void) {
    return clock_us(CLOCK_MONOTONIC);
}

double thread_cpu_seconds(void) {
    return (double)clock_us(CLOCK_THREAD_CPUTIME_ID) / 1e6;
}

void die(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fputs("load: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    exit(1);
}

struct target target_parse(const char *url) {
    struct target target = {0};
    if (sscanf(url, "http://%63[^:/]:%d%127s", target.host, &target.port, target.base) < 2) {
        die("not an http://host:port URL: %s", url);
    }
    return target;
}

int open_connection(const struct target *target) {
    static _Atomic unsigned rotation;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        die("socket: %s", strerror(errno));
    }
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    /* Lets the kernel choose the port at connect, by the whole 4-tuple. */
    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    struct sockaddr_in source = {.sin_family = AF_INET};
    source.sin_addr.s_addr = htonl(INADDR_LOOPBACK + rotation++ % SOURCE_ADDRESSES);
    if (bind(fd, (struct sockaddr *)&source, sizeof source) < 0) {
        die("bind: %s", strerror(errno));
    }
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)target->port)};
    if (inet_pton(AF_INET, target->host, &to.sin_addr) != 1) {
        die("not an IPv4 address: %s", target->host);
    }
    if (connect(fd, (struct sockaddr *)&to, sizeof to) < 0 && errno != EINPROGRESS) {
        die("connect: %s", strerror(errno));
    }
    return fd;
}

int open_connected(const struct target *target) {
    int fd = open_connection(target);
    struct pollfd writable = {.fd = fd, .events = POLLOUT};
    if (poll(&writable, 1, CONNECT_TIMEOUT_MS) != 1 || (writable.revents & POLLERR)) {
        die("no connection to %s:%d", target->host, target->port);
    }
    return fd;
}

void cut_connection(int fd) {
    struct linger reset = {.l_onoff = 1, .l_linger = 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    close(fd);
}

void write_all(int fd, const char *bytes, size_t length) {
    while (length > 0) {
        ssize_t n = send(fd, bytes, length, MSG_NOSIGNAL);
        if (n < 0 && errno == EAGAIN) {
            struct pollfd writable = {.fd = fd, .events = POLLOUT};
            poll(&writable, 1, 1000);
        } else if (n < 0) {
            return; /* the read side reports the broken connection */
        } else {
            bytes += n;
            length -= (size_t)n;
        }
    }
}

int poll_add(int epoll, int fd, uint32_t events, void *context) {
    struct epoll_event event = {.events = events, .data.ptr = context};
    return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

void response_start(struct response *response) {
    response->state = HEADERS;
    response->status = 0;
    response->chunked = response->up_to_date = false;
    response->remaining = -1;
    response->next_offset[0] = '\0';
    response->line_length = 0;
}

static const char *header_value(const char *line, const char *name) {
    size_t length = strlen(name);
    if (strncasecmp(line, name, length) != 0 || line[length] != ':') {
        return NULL;
    }
    return line + length + 1 + strspn(line + length + 1, " ");
}

static void header_line(struct response *response, const char *line) {
    const char *value;
    if (response->status == 0) {
        if (sscanf(line, "HTTP/1.1 %d", &response->status) != 1) {
            die("not a status line: %s", line);
        }
    } else if ((value = header_value(line, "content-length"))) {
        response->remaining = atoll(value);
    } else if (header_value(line, "transfer-encoding")) {
        response->chunked = true;
    } else if ((value = header_value(line, "stream-next-offset"))) {
        snprintf(response->next_offset, OFFSET_BYTES, "%s", value);
    } else if ((value = header_value(line, "stream-up-to-date"))) {
        response->up_to_date = strcasecmp(value, "true") == 0;
    }
}

static void end_of_headers(struct response *response) {
    if (response->status == 100) {
        response_start(response);
    } else if (response->status == 204 || response->status == 304 || (!response->chunked && response->remaining == 0)) {
        response->state = DONE;
    } else {
        response->state = response->chunked ? CHUNK_SIZE : response->remaining > 0 ? FIXED_BODY : UNTIL_CLOSE;
    }
}

static void line_complete(struct response *response) {
    response->line[response->line_length] = '\0';
    switch (response->state) {
    case HEADERS:
        if (response->line_length == 0) {
            end_of_headers(response);
        } else {
            header_line(response, response->line);
        }
        break;
    case CHUNK_SIZE:
        response->remaining = strtoll(response->line, NULL, 16);
        response->state = response->remaining == 0 ? TRAILERS : CHUNK_BODY;
        break;
    case CHUNK_END:
        response->state = CHUNK_SIZE;
        break;
    case TRAILERS:
        if (response->line_length == 0) {
            response->state = DONE;
        }
        break;
    default:
        die("a line in state %d", response->state);
    }
    response->line_length = 0;
}

size_t response_feed(struct response *response, const char *bytes, size_t length, body_sink *sink, void *context) {
    size_t at = 0;
    while (at < length && response->state != DONE) {
        if (response->state == FIXED_BODY || response->state == CHUNK_BODY || response->state == UNTIL_CLOSE) {
            size_t n = length - at;
            if (response->state != UNTIL_CLOSE) {
                n = (long long)n < response->remaining ? n : (size_t)response->remaining;
                response->remaining -= (long long)n;
            }
            sink(context, bytes + at, n);
            at += n;
            if (response->state != UNTIL_CLOSE && response->remaining == 0) {
                response->state = response->state == CHUNK_BODY ? CHUNK_END : DONE;
            }
        } else {
            char c = bytes[at++];
            if (c == '\n') {
                line_complete(response);
            } else if (c != '\r' && response->line_length < sizeof response->line - 1) {
                response->line[response->line_length++] = c;
            }
        }
    }
    return at;
}

void message_write(char *to, uint64_t stamp_us, uint64_t sequence) {
    char head[64];
    int n = snprintf(
        head, sizeof head, "{\"m\":\"@%016llu%08llu\",\"d\":\"", (unsigned long long)stamp_us,
        (unsigned long long)sequence);
    memset(to, 'x', MESSAGE_BYTES);
    memcpy(to, head, (size_t)n);
    memcpy(to + MESSAGE_BYTES - 2, "\"}", 2);
}

void scan(struct scanner *s, const char *bytes, size_t length, const struct scanner_events *events, void *context) {
    static const char offset_key[] = "streamNextOffset\":\"";
    static const char live_key[] = "upToDate\":true";
    for (const char *p = bytes, *end = bytes + length; p < end; p++) {
        char c = *p;
        switch (s->mode) {
        case TEXT:
            if (c == '@') {
                s->mode = STAMP;
                s->digits = 0;
                s->stamp = s->sequence = 0;
                break;
            }
            s->offset_matched = c == offset_key[s->offset_matched] ? s->offset_matched + 1 : c == offset_key[0];
            s->live_matched = c == live_key[s->live_matched] ? s->live_matched + 1 : c == live_key[0];
            if (s->offset_matched == sizeof offset_key - 1) {
                s->mode = OFFSET;
                s->offset_matched = s->offset_length = 0;
            } else if (s->live_matched == sizeof live_key - 1) {
                s->live_matched = 0;
                events->up_to_date(context);
            }
            break;
        case STAMP:
            if (s->digits < 16) {
                s->stamp = s->stamp * 10 + (uint64_t)(c - '0');
            } else {
                s->sequence = s->sequence * 10 + (uint64_t)(c - '0');
            }
            if (++s->digits == 24) {
                s->mode = TEXT;
                events->message(context, s->stamp, s->sequence);
            }
            break;
        case OFFSET:
            if (c == '"') {
                s->offset_pending[s->offset_length] = '\0';
                memcpy(s->offset, s->offset_pending, sizeof s->offset);
                s->mode = TEXT;
                events->position(context);
            } else if (s->offset_length < OFFSET_BYTES - 1) {
                s->offset_pending[s->offset_length++] = c;
            }
            break;
        }
    }
}

void histogram_add(struct histogram *h, uint64_t us) {
    if (us < 1000000) {
        h->fine[us / 10]++;
    } else {
        uint64_t ms = us / 1000;
        h->coarse[ms < 100000 ? ms : 99999]++;
    }
    h->count++;
    h->max = us > h->max ? us : h->max;
}

double histogram_percentile_ms(const struct histogram *h, double percentile) {
    uint64_t rank = (uint64_t)((double)h->count * percentile / 100.0), seen = 0;
    for (int i = 0; i < 100000; i++) {
        if ((seen += h->fine[i]) > rank) {
            return i / 100.0;
        }
    }
    for (int i = 0; i < 100000; i++) {
        if ((seen += h->coarse[i]) > rank) {
            return i;
        }
    }
    return (double)h->max / 1000.0;
}

void histogram_print(const char *name, const struct histogram *h) {
    if (h->count == 0) {
        printf("\"%s\":null", name);
        return;
    }
    printf(
        "\"%s\":{\"count\":%llu,\"p50\":%.2f,\"p99\":%.2f,\"max\":%.2f}", name, (unsigned long long)h->count,
        histogram_percentile_ms(h, 50), histogram_percentile_ms(h, 99), (double)h->max / 1000.0);
}

const char *option(int argc, char **argv, const char *name, const char *fallback) {
    for (int i = 0; i + 1 < argc; i++) {
        if (strcmp(argv[i], name) == 0) {
            return argv[i + 1];
        }
    }
    return fallback;
}

double option_number(int argc, char **argv, const char *name, double fallback) {
    const char *value = option(argc, argv, name, NULL);
    return value ? atof(value) : fallback;
}
