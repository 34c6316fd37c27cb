#define _GNU_SOURCE
#include "ws.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { OPCODE_TEXT = 1, OPCODE_CLOSE = 8, OPCODE_PING = 9, OPCODE_PONG = 10, MAX_SEND_BYTES = 65535 };

void ws_ask(struct ws *ws, const struct target *target, const char *key) {
    char path[512], request[1024];
    if (ws->protocol == ABLY) {
        snprintf(path, sizeof path, "/?key=%s&format=json&v=6&heartbeats=false", key);
    } else {
        snprintf(path, sizeof path, "/socket.io/?EIO=4&transport=websocket");
    }
    int n = snprintf(
        request, sizeof request,
        "GET %s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
        path, target->host);
    write_all(ws->fd, request, (size_t)n);
}

/* Masked with zeros: the payload goes out as it is. */
static void send_frame(struct ws *ws, int opcode, const char *payload, size_t length) {
    static _Thread_local char frame[MAX_SEND_BYTES + 8];
    if (length > MAX_SEND_BYTES) {
        die("a frame of %zu bytes", length);
    }
    size_t n = 0;
    frame[n++] = (char)(0x80 | opcode);
    if (length < 126) {
        frame[n++] = (char)(0x80 | length);
    } else {
        frame[n++] = (char)(0x80 | 126);
        frame[n++] = (char)(length >> 8);
        frame[n++] = (char)length;
    }
    memset(frame + n, 0, 4);
    memcpy(frame + n + 4, payload, length);
    write_all(ws->fd, frame, n + 4 + length);
}

static void send_text(struct ws *ws, const char *text) {
    send_frame(ws, OPCODE_TEXT, text, strlen(text));
}

void ws_join(struct ws *ws, const char *channel, int rewind) {
    char text[256];
    if (ws->protocol == SOCKETIO) {
        snprintf(text, sizeof text, "420[\"join\",\"%s\"]", channel);
    } else if (rewind > 0) {
        snprintf(text, sizeof text, "{\"action\":10,\"channel\":\"%s\",\"params\":{\"rewind\":\"%d\"}}", channel, rewind);
    } else {
        snprintf(text, sizeof text, "{\"action\":10,\"channel\":\"%s\"}", channel);
    }
    send_text(ws, text);
}

void ws_publish(struct ws *ws, const char *channel, uint64_t serial, uint64_t stamp_us, int texts) {
    static const char fill[] =
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";
    static _Thread_local char frame[MAX_SEND_BYTES];
    size_t n;
    if (ws->protocol == ABLY) {
        n = (size_t)snprintf(
            frame, sizeof frame, "{\"action\":15,\"channel\":\"%s\",\"msgSerial\":%llu,\"messages\":[", channel,
            (unsigned long long)serial);
    } else {
        n = (size_t)snprintf(
            frame, sizeof frame, "42%llu[\"publish\",\"%s\"", (unsigned long long)serial + 1, channel);
    }
    for (int i = 0; i < texts; i++) {
        n += (size_t)snprintf(
            frame + n, sizeof frame - n, "%s%s\"@%016llu%08llu%.*s\"%s", ws->protocol == SOCKETIO || i > 0 ? "," : "",
            ws->protocol == ABLY ? "{\"data\":" : "", (unsigned long long)stamp_us, (unsigned long long)serial,
            TEXT_BYTES - 25, fill, ws->protocol == ABLY ? "}" : "");
        if (n >= sizeof frame - 2) {
            die("too many texts for one frame");
        }
    }
    n += (size_t)snprintf(frame + n, sizeof frame - n, ws->protocol == ABLY ? "]}" : "]");
    send_frame(ws, OPCODE_TEXT, frame, n);
}

size_t ws_append(
    struct ws *ws, const char *channel, uint64_t serial, const char *message, uint64_t stamp_us, uint64_t sequence) {
    char text[512];
    int n = snprintf(
        text, sizeof text,
        "{\"action\":15,\"channel\":\"%s\",\"msgSerial\":%llu,"
        "\"messages\":[{\"action\":5,\"serial\":\"%s\",\"data\":\" @%016llu%08llu\"}]}",
        channel, (unsigned long long)serial, message, (unsigned long long)stamp_us, (unsigned long long)sequence);
    if (n >= (int)sizeof text) {
        die("a channel or message with a long name: %s %s", channel, message);
    }
    send_text(ws, text);
    return (size_t)n;
}

static struct news ably_news(struct ws *ws) {
    static const char named[] = "\"serials\":[\"";
    unsigned action;
    struct news news = {0};
    if (sscanf(ws->head, "{\"action\":%u", &action) != 1) {
        die("not a frame: %s", ws->head);
    }
    switch (action) {
    case 1: {
        unsigned long long serial, count;
        if (sscanf(ws->head, "{\"action\":1,\"msgSerial\":%llu,\"count\":%llu", &serial, &count) != 2) {
            die("not an ACK: %s", ws->head);
        }
        const char *message = strstr(ws->head, named);
        news = (struct news){ACKNOWLEDGED, serial, count, message ? message + sizeof named - 1 : NULL};
        break;
    }
    case 4:
        news.kind = OPENED;
        break;
    case 11:
        news.kind = JOINED;
        break;
    case 2:  /* NACK */
    case 6:  /* DISCONNECTED */
    case 9:  /* ERROR */
    case 13: /* DETACHED */
        die("refused: %s", ws->head);
    }
    return news;
}

static struct news socketio_news(struct ws *ws) {
    struct news news = {0};
    unsigned long long id;
    if (ws->head[0] == '0') {
        send_text(ws, "40");
    } else if (ws->head[0] == '2') {
        send_text(ws, "3");
    } else if (strncmp(ws->head, "40", 2) == 0) {
        news.kind = OPENED;
    } else if (sscanf(ws->head, "43%llu[", &id) == 1) {
        news = id == 0 ? (struct news){.kind = JOINED} : (struct news){ACKNOWLEDGED, id - 1, 1, NULL};
    } else if (strncmp(ws->head, "44", 2) == 0 || strncmp(ws->head, "41", 2) == 0) {
        die("refused: %s", ws->head);
    }
    return news;
}

static bool whole_message(struct ws *ws, const struct ws_events *events, void *context) {
    ws->head[ws->head_length] = '\0';
    switch (ws->header[0] & 0x0f) {
    case OPCODE_CLOSE:
        return false;
    case OPCODE_PING:
        send_frame(ws, OPCODE_PONG, ws->head, ws->head_length);
        break;
    case OPCODE_PONG:
        break;
    default: {
        struct news news = ws->protocol == ABLY ? ably_news(ws) : socketio_news(ws);
        if (news.kind != NOTHING) {
            events->news(context, news);
        }
    }
    }
    ws->head_length = 0;
    return true;
}

static size_t header_size(const struct ws *ws) {
    if (ws->header_length < 2) {
        return 2;
    }
    int length = ws->header[1] & 0x7f;
    return length == 127 ? 10 : length == 126 ? 4 : 2;
}

static void no_position(void *context) {
    (void)context;
}

static bool feed(struct ws *ws, const char *bytes, size_t length, const struct ws_events *events, void *context) {
    const struct scanner_events texts = {events->text, no_position, no_position};
    size_t at = 0;
    while (at < length) {
        if (!ws->upgraded) {
            static const char end[] = "\r\n\r\n";
            char c = bytes[at++];
            if (ws->head_length < WS_HEAD_BYTES - 1) {
                ws->head[ws->head_length++] = c;
            }
            ws->newlines = c == end[ws->newlines] ? ws->newlines + 1 : c == '\r';
            if (ws->newlines == 4) {
                ws->head[ws->head_length] = '\0';
                if (strncmp(ws->head, "HTTP/1.1 101 ", 13) != 0) {
                    die("no WebSocket: %s", ws->head);
                }
                ws->upgraded = true;
                ws->head_length = 0;
            }
            continue;
        }
        if (ws->header_length < header_size(ws)) {
            ws->header[ws->header_length++] = (unsigned char)bytes[at++];
            if (ws->header_length < header_size(ws)) {
                continue;
            }
            size_t extended = ws->header_length - 2;
            ws->payload_left = extended == 0 ? ws->header[1] & 0x7f : 0;
            for (size_t i = 0; i < extended; i++) {
                ws->payload_left = ws->payload_left << 8 | ws->header[2 + i];
            }
        }
        size_t n = length - at < ws->payload_left ? length - at : (size_t)ws->payload_left;
        size_t room = WS_HEAD_BYTES - 1 - ws->head_length;
        memcpy(ws->head + ws->head_length, bytes + at, n < room ? n : room);
        ws->head_length += n < room ? n : room;
        scan(&ws->scanner, bytes + at, n, &texts, context);
        at += n;
        ws->payload_left -= n;
        if (ws->payload_left == 0) {
            ws->header_length = 0;
            if ((ws->header[0] & 0x80) && !whole_message(ws, events, context)) {
                return false;
            }
        }
    }
    return true;
}

bool ws_read(struct ws *ws, char *buffer, const struct ws_events *events, void *context, uint64_t *bytes) {
    ssize_t n;
    while ((n = read(ws->fd, buffer, READ_BUFFER_BYTES)) > 0) {
        *bytes += (uint64_t)n;
        if (!feed(ws, buffer, (size_t)n, events, context)) {
            return false;
        }
        if (n < READ_BUFFER_BYTES) {
            return true; /* a short read has emptied the socket */
        }
    }
    return n < 0 && errno == EAGAIN;
}
