/* The floor of fan-out: a server that only writes the same bytes.
   POST PATH-k: its body goes to every reader of PATH-k as one Durable Streams SSE event, one write(2) each.
   GET PATH-k: becomes a reader. Anything else gets an empty answer.
   No history, no durability, no parsing of the body: whoever does more cannot cost less. One thread, epoll. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { STREAMS = 16384, REQUEST_BYTES = 4096, BODY_BYTES = 2048, BACKLOG = 4096 };

struct connection {
    int fd;
    struct connection *next_reader, *previous_reader; /* of the same stream, when a reader */
    int stream;
    bool reading;
    size_t length;
    char *request; /* freed once it is a reader */
};

static struct connection *readers[STREAMS];
static unsigned long long positions[STREAMS];
static int epoll;

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static void close_connection(struct connection *connection) {
    if (connection->reading) {
        if (connection->previous_reader) {
            connection->previous_reader->next_reader = connection->next_reader;
        } else {
            readers[connection->stream] = connection->next_reader;
        }
        if (connection->next_reader) {
            connection->next_reader->previous_reader = connection->previous_reader;
        }
    }
    close(connection->fd);
    free(connection->request);
    free(connection);
}

/* False when the socket's buffer is full: a floor keeps no queue. */
static bool write_whole(struct connection *connection, const char *bytes, size_t length) {
    return send(connection->fd, bytes, length, MSG_NOSIGNAL) == (ssize_t)length;
}

static size_t event_write(char *to, size_t capacity, int stream, const char *body, int body_length) {
    char event[BODY_BYTES + 512];
    int n = 0;
    if (body) {
        n = snprintf(event, sizeof event, "event: data\ndata:[%.*s]\n\n", body_length, body);
    }
    n += snprintf(
        event + n, sizeof event - (size_t)n,
        "event: control\ndata:{\"streamNextOffset\":\"%016d_%016llu\",\"streamCursor\":\"1000000\",\"upToDate\":true}\n\n",
        0, positions[stream]);
    return (size_t)snprintf(to, capacity, "%x\r\n%s\r\n", (unsigned)n, event);
}

static bool become_reader(struct connection *connection, int stream) {
    static const char head[] = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\n"
                               "Transfer-Encoding: chunked\r\n\r\n";
    char answer[1024];
    memcpy(answer, head, sizeof head - 1);
    size_t length = sizeof head - 1;
    length += event_write(answer + length, sizeof answer - length, stream, NULL, 0);
    connection->stream = stream;
    connection->reading = true;
    connection->next_reader = readers[stream];
    if (readers[stream]) {
        readers[stream]->previous_reader = connection;
    }
    readers[stream] = connection;
    free(connection->request);
    connection->request = NULL;
    return write_whole(connection, answer, length);
}

static void broadcast(int stream, const char *body, int body_length) {
    char event[BODY_BYTES + 1024];
    positions[stream] += (unsigned)body_length;
    size_t length = event_write(event, sizeof event, stream, body, body_length);
    for (struct connection *reader = readers[stream], *next; reader; reader = next) {
        next = reader->next_reader;
        if (!write_whole(reader, event, length)) {
            shutdown(reader->fd, SHUT_RDWR); /* its event loop turn closes it */
        }
    }
}

/* Answers the requests in the buffer; false to close. */
static bool serve(struct connection *connection) {
    for (;;) {
        char *request = connection->request;
        request[connection->length] = '\0';
        char *head_end = strstr(request, "\r\n\r\n");
        if (!head_end) {
            return connection->length < REQUEST_BYTES;
        }
        char *length_header = strcasestr(request, "\r\ncontent-length:");
        int body_length = length_header && length_header < head_end ? atoi(length_header + 17) : 0;
        char *body = head_end + 4;
        size_t whole = (size_t)(body - request) + (size_t)body_length;
        if (body_length < 0 || body_length > BODY_BYTES || whole > REQUEST_BYTES) {
            return false;
        }
        if (connection->length < whole) {
            return true;
        }
        size_t path_length = strcspn(request, "?\r");
        char *dash = memrchr(request, '-', path_length);
        int stream = dash ? atoi(dash + 1) & (STREAMS - 1) : 0;
        if (strncmp(request, "GET ", 4) == 0) {
            return become_reader(connection, stream);
        }
        static const char created[] = "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n";
        static const char no_content[] = "HTTP/1.1 204 No Content\r\n\r\n";
        if (strncmp(request, "POST ", 5) == 0) {
            broadcast(stream, body, body_length);
        }
        bool put = strncmp(request, "PUT ", 4) == 0;
        if (!write_whole(connection, put ? created : no_content, put ? sizeof created - 1 : sizeof no_content - 1)) {
            return false;
        }
        connection->length -= whole;
        memmove(request, request + whole, connection->length);
        if (connection->length == 0) {
            return true;
        }
    }
}

static void on_readable(struct connection *connection) {
    char ignored[256];
    char *to = connection->reading ? ignored : connection->request + connection->length;
    size_t room = connection->reading ? sizeof ignored : REQUEST_BYTES - connection->length;
    ssize_t n = read(connection->fd, to, room);
    if (n < 0 && errno == EAGAIN) {
        return;
    }
    if (n > 0 && !connection->reading) {
        connection->length += (size_t)n;
    }
    if (n <= 0 || (!connection->reading && !serve(connection))) {
        close_connection(connection);
    }
}

static void accept_all(int listener) {
    int fd;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        int on = 1;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        struct connection *connection = calloc(1, sizeof *connection);
        connection->fd = fd;
        connection->request = malloc(REQUEST_BYTES + 1);
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
        epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
    }
}

int main(int argc, char **argv) {
    int port = argc > 1 ? atoi(argv[1]) : 0;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int on = 1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) < 0 || listen(listener, BACKLOG) < 0) {
        fail("listen");
    }
    epoll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
    printf("listening on http://127.0.0.1:%d/v1/stream\n", port);
    fflush(stdout);
    for (struct epoll_event events[256];;) {
        int n = epoll_wait(epoll, events, 256, -1);
        for (int i = 0; i < n; i++) {
            if (events[i].data.ptr) {
                on_readable(events[i].data.ptr);
            } else {
                accept_all(listener);
            }
        }
    }
}
