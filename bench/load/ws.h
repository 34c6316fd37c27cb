/* A small WebSocket client for load generation, and the two protocols that it speaks over it: Ably's in JSON, which is
   Parley's, and Socket.IO's. */
#ifndef BENCH_WS_H
#define BENCH_WS_H

#include "http.h"

enum { WS_HEAD_BYTES = 256, TEXT_BYTES = 100 };

enum protocol { ABLY, SOCKETIO };

struct ws {
    int fd;
    enum protocol protocol;
    bool upgraded;
    size_t newlines; /* of "\r\n\r\n", while the answer to the upgrade comes in */
    unsigned char header[14];
    size_t header_length;
    uint64_t payload_left;
    char head[WS_HEAD_BYTES]; /* how the message that is being read begins */
    size_t head_length;
    struct scanner scanner;
};

/* What a message from the server says, besides the texts in it. */
struct news {
    enum { NOTHING, OPENED, JOINED, ACKNOWLEDGED } kind;
    uint64_t serial, count; /* of the publishes that are acknowledged */
    const char *message;    /* the first message that they made, up to a quotation mark; NULL if none is named */
};

struct ws_events {
    void (*news)(void *context, struct news news);
    void (*text)(void *context, uint64_t stamp_us, uint64_t sequence);
};

/* Sends the request for the upgrade on a socket that is connected. */
void ws_ask(struct ws *ws, const struct target *target, const char *key);
/* False if the connection has ended; dies if the server refuses something. */
bool ws_read(struct ws *ws, char *buffer, const struct ws_events *events, void *context, uint64_t *bytes);
/* Messages of this many come with the attachment; 0: none. */
void ws_join(struct ws *ws, const char *channel, int rewind);
void ws_publish(struct ws *ws, const char *channel, uint64_t serial, uint64_t stamp_us, int texts);
/* Appends a token to a message; gives the bytes that were sent for it. */
size_t ws_append(
    struct ws *ws, const char *channel, uint64_t serial, const char *message, uint64_t stamp_us, uint64_t sequence);

#endif
