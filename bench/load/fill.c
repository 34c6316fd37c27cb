/* Closed-loop writer: N requests over C keep-alive connections, round robin over S streams. */
#define _GNU_SOURCE
#include "http.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

struct connection {
    int fd;
    bool open, busy;
    struct response response;
};

static struct target target;
static const char *path, *method;
static long long streams, requests, sent, done, errors;
static int messages, epoll, last_error_status;
static char *request;

/* With one message a request it is sent bare, otherwise as a JSON array, which the protocol flattens. */
static size_t body_write(char *to, long long first_sequence) {
    if (messages == 0) {
        return 0;
    }
    char *at = to;
    uint64_t stamp = now_us();
    for (int i = 0; i < messages; i++) {
        if (messages > 1) {
            *at++ = i == 0 ? '[' : ',';
        }
        message_write(at, stamp, (uint64_t)(first_sequence + i));
        at += MESSAGE_BYTES;
    }
    if (messages > 1) {
        *at++ = ']';
    }
    return (size_t)(at - to);
}

static void send_next(struct connection *connection) {
    if (sent == requests) {
        return;
    }
    long long stream = sent % streams, round = sent / streams;
    size_t length = messages == 0 ? 0 : (size_t)messages * MESSAGE_BYTES + (messages > 1 ? (size_t)messages + 1 : 0);
    int head = sprintf(
        request, "%s %s%s-%lld HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
        method, target.base, path, stream, target.host, length);
    size_t body = body_write(request + head, round * messages);
    response_start(&connection->response);
    connection->busy = true;
    sent++;
    write_all(connection->fd, request, (size_t)head + body);
}

static void reopen(struct connection *connection) {
    if (connection->open) {
        close(connection->fd);
    }
    connection->fd = open_connected(&target);
    connection->open = true;
    poll_add(epoll, connection->fd, EPOLLIN, connection);
    send_next(connection);
}

static void ignore_body(void *context, const char *bytes, size_t length) {
    (void)context, (void)bytes, (void)length;
}

static void on_done(int status) {
    done++;
    if (status / 100 != 2) {
        errors++;
        last_error_status = status;
    }
}

static void on_readable(struct connection *connection, char *buffer) {
    ssize_t n = read(connection->fd, buffer, READ_BUFFER_BYTES);
    if (n > 0) {
        response_feed(&connection->response, buffer, (size_t)n, ignore_body, NULL);
        if (connection->busy && connection->response.state == DONE) {
            connection->busy = false;
            on_done(connection->response.status);
            send_next(connection);
        }
    } else if (n == 0 || errno != EAGAIN) {
        if (connection->busy) {
            connection->busy = false;
            on_done(0);
        }
        reopen(connection);
    }
}

int fill_main(int argc, char **argv) {
    target = target_parse(option(argc, argv, "--url", ""));
    path = option(argc, argv, "--path", "/bench");
    method = option(argc, argv, "--method", "POST");
    streams = (long long)option_number(argc, argv, "--streams", 1);
    requests = (long long)option_number(argc, argv, "--requests", 1);
    messages = (int)option_number(argc, argv, "--messages", 1);
    double limit_seconds = option_number(argc, argv, "--limit-seconds", 600);
    int connections = (int)option_number(argc, argv, "--connections", 16);

    request = malloc(1024 + (size_t)(messages + 1) * (MESSAGE_BYTES + 1));
    char *buffer = malloc(READ_BUFFER_BYTES);
    struct connection *all = calloc((size_t)connections, sizeof *all);
    epoll = epoll_create1(EPOLL_CLOEXEC);
    uint64_t start = now_us();
    for (int i = 0; i < connections; i++) {
        reopen(&all[i]);
    }
    struct epoll_event events[64];
    while (done < requests) {
        int n = epoll_wait(epoll, events, 64, 1000);
        for (int i = 0; i < n; i++) {
            on_readable(events[i].data.ptr, buffer);
        }
        if ((double)(now_us() - start) / 1e6 > limit_seconds) {
            die("%lld of %lld requests after %.0f s", done, requests, limit_seconds);
        }
    }
    printf(
        "{\"requests\":%lld,\"errors\":%lld,\"last_error_status\":%d,\"seconds\":%.3f,\"generator_cpu_seconds\":%.3f}\n",
        done, errors, last_error_status, (double)(now_us() - start) / 1e6, thread_cpu_seconds());
    return 0;
}
