/* Realtime load over WebSocket.
   rt: R connections in one channel, and one publisher at a fixed rate on its own thread (open loop, without waiting for
   acknowledgements; a message carries the instant at which it was sent, and how late that was is reported apart).
   rt-publish: C publishers that each wait for the acknowledgement before the next message (closed loop).
   rt-attach: C slots, in each of which a client comes, attaches, gets the last M messages and goes (closed loop).
   rt-answers: A channels with R connections each, and in each an agent that lets one answer of N tokens after another
   grow, at a fixed rate of tokens (open loop). */
#define _GNU_SOURCE
#include "ws.h"

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
    PENDING_ACKS = 65536,
};

struct client {
    struct ws ws;
    bool connected, live;
    char channel[96];
    uint64_t expected, serial, sent_at, texts;
};

static struct target target;
static enum protocol protocol;
static const char *key;
static int epoll;
static char *buffer;
static struct client *clients;
static int client_count, connecting, live_count;

static uint64_t window_start, window_end, read_at_us, bytes_read, bytes_ignored;
static uint64_t delivered, gaps, duplicates, completed;
static struct histogram latency, acknowledgements, lateness;

static bool in_window(uint64_t us) {
    return us >= window_start && us < window_end;
}

static void event(const char *name) {
    printf("{\"event\":\"%s\"}\n", name);
    fflush(stdout);
}

/* ---- connections ---- */

static void connect_client(struct client *client) {
    memset(&client->ws, 0, sizeof client->ws);
    client->ws.protocol = protocol;
    client->ws.fd = open_connection(&target);
    client->connected = client->live = false;
    client->texts = 0;
    connecting++;
    if (poll_add(epoll, client->ws.fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, client) < 0) {
        die("epoll_ctl: %s", strerror(errno));
    }
}

static void become_live(struct client *client) {
    client->live = true;
    connecting--;
    live_count++;
}

/* Waits for news of the kinds that one mode knows. */
static const struct ws_events *mode;

static void (*on_end)(struct client *client);

static void turn(int timeout_ms) {
    struct epoll_event events[512];
    int n = epoll_wait(epoll, events, 512, timeout_ms);
    for (int i = 0; i < n; i++) {
        struct client *client = events[i].data.ptr;
        if (!client->connected && (events[i].events & EPOLLOUT) && !(events[i].events & EPOLLERR)) {
            client->connected = true;
            ws_ask(&client->ws, &target, key);
        }
        if (events[i].events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) {
            read_at_us = now_us();
            uint64_t *bytes = in_window(read_at_us) ? &bytes_read : &bytes_ignored;
            if (!ws_read(&client->ws, buffer, mode, client, bytes) || (events[i].events & (EPOLLHUP | EPOLLERR))) {
                on_end(client);
            }
        }
    }
}

static void end_is_failure(struct client *client) {
    die("the server has closed a connection of %s", client->channel);
}

static void connect_all(void) {
    uint64_t start = now_us();
    int next = 0;
    while (live_count < client_count) {
        while (next < client_count && connecting < MAX_CONNECTING) {
            connect_client(&clients[next++]);
        }
        turn(100);
        if (now_us() - start > READY_SECONDS * 1000000ull) {
            die("%d of %d connections are there after %d s", live_count, client_count, READY_SECONDS);
        }
    }
}

static void run_until(uint64_t end) {
    for (uint64_t now; (now = now_us()) < end;) {
        uint64_t left_ms = (end - now) / 1000 + 1;
        turn(left_ms > 100 ? 100 : (int)left_ms);
    }
}

static void prepare(int argc, char **argv, int count) {
    target = target_parse(option(argc, argv, "--url", ""));
    protocol = strcmp(option(argc, argv, "--protocol", "ably"), "socketio") == 0 ? SOCKETIO : ABLY;
    key = option(argc, argv, "--key", "");
    client_count = count;
    clients = calloc((size_t)count, sizeof *clients);
    buffer = malloc(READ_BUFFER_BYTES);
    epoll = epoll_create1(EPOLL_CLOEXEC);
    on_end = end_is_failure;
}

/* ---- readers ---- */

static void reader_news(void *context, struct news news) {
    struct client *client = context;
    if (news.kind == OPENED) {
        ws_join(&client->ws, client->channel, 0);
    } else if (news.kind == JOINED) {
        become_live(client);
    }
}

static void reader_text(void *context, uint64_t stamp, uint64_t sequence) {
    struct client *client = context;
    if (sequence == client->expected) {
        client->expected++;
    } else if (sequence > client->expected) {
        gaps += sequence - client->expected;
        client->expected = sequence + 1;
    } else {
        duplicates++;
    }
    if (in_window(stamp)) {
        histogram_add(&latency, read_at_us > stamp ? read_at_us - stamp : 0);
    }
    delivered += in_window(read_at_us);
}

static const struct ws_events reader = {reader_news, reader_text};

/* ---- the thread that sends, at a fixed rate ---- */

static double rate;
static _Atomic uint64_t sent;
static _Atomic bool publisher_ready, publisher_stop;
static _Atomic uint64_t publish_start;
static uint64_t acknowledged, late_sends;
static double publisher_cpu;

/* Sends what is due: the message of that index, and the instant for which it was planned. */
typedef void (*send_due)(uint64_t index, uint64_t due);

static void note_lateness(uint64_t due, uint64_t stamp) {
    if (in_window(stamp)) {
        histogram_add(&lateness, stamp - due);
        late_sends += stamp - due > 1000;
    }
}

static void note_acknowledgement(uint64_t at, uint64_t now) {
    acknowledged++;
    if (in_window(at)) {
        histogram_add(&acknowledgements, now - at);
    }
}

/* Keeps to the schedule until it is stopped, and reads what comes for the connections of `own_epoll` meanwhile. */
static void keep_sending(int own_epoll, double per_second, send_due send, const struct ws_events *events_of_sender) {
    char *own_buffer = malloc(READ_BUFFER_BYTES);
    uint64_t index = 0, ignored = 0;
    double cpu_at_start = -1, cpu_at_end = -1;
    while (!atomic_load(&publisher_stop)) {
        uint64_t now = now_us(), wait_us = 1000;
        if (cpu_at_start < 0 && window_start && now >= window_start) {
            cpu_at_start = thread_cpu_seconds();
        }
        if (cpu_at_end < 0 && window_end && now >= window_end) {
            cpu_at_end = thread_cpu_seconds();
        }
        if (publish_start) {
            uint64_t due = publish_start + (uint64_t)((double)index * 1e6 / per_second);
            if (due >= window_end) {
                wait_us = 10000;
            } else if (due <= now) {
                send(index++, due);
                wait_us = 0;
            } else {
                wait_us = due - now < 10000 ? due - now : 10000;
            }
        }
        struct timespec wait = {.tv_nsec = (long)wait_us * 1000};
        struct epoll_event events[64];
        int n = epoll_pwait2(own_epoll, events, 64, &wait, NULL);
        for (int i = 0; i < n; i++) {
            struct ws *ws = events[i].data.ptr;
            if (!ws_read(ws, own_buffer, events_of_sender, ws, &ignored)) {
                die("the server has closed a connection that publishes");
            }
        }
    }
    publisher_cpu = cpu_at_end - cpu_at_start;
    free(own_buffer);
}

static double ready_ms, reader_cpu;

/* Starts the thread that sends, if there is one; lets all readers come; measures for `seconds` after `warmup`; waits for
   what is on its way, of which `missing` tells how much there is. */
static void measure_open_loop(void *(*sender)(void *), double warmup, double seconds, uint64_t (*missing)(void)) {
    pthread_t publisher;
    if (sender) {
        pthread_create(&publisher, NULL, sender, NULL);
        while (!atomic_load(&publisher_ready)) {
            usleep(1000);
        }
    }
    uint64_t start = now_us();
    connect_all();
    ready_ms = (double)(now_us() - start) / 1e3;
    event("live");

    window_start = now_us() + (uint64_t)(warmup * 1e6);
    window_end = window_start + (uint64_t)(seconds * 1e6);
    publish_start = now_us() + 50000;
    run_until(window_start);
    reader_cpu = thread_cpu_seconds();
    event("measuring");
    run_until(window_end);
    reader_cpu = thread_cpu_seconds() - reader_cpu;
    event("measured");
    if (!sender) {
        return;
    }
    uint64_t drain_start = now_us();
    while (now_us() < drain_start + DRAIN_MIN_MS * 1000ull
           || ((missing() > 0 || acknowledged < sent) && now_us() < drain_start + DRAIN_MAX_MS * 1000ull)) {
        turn(50);
    }
    atomic_store(&publisher_stop, true);
    pthread_join(publisher, NULL);
}

static void print_histograms(void) {
    histogram_print("latency_ms", &latency);
    putchar(',');
    histogram_print("ack_ms", &acknowledgements);
    putchar(',');
    histogram_print("lateness_ms", &lateness);
    puts("}");
}

/* ---- one publisher, many readers ---- */

static const char *published_channel;
static struct ws publisher_ws;
static uint64_t sent_at[PENDING_ACKS];

static void publisher_news(void *context, struct news news) {
    (void)context;
    if (news.kind == OPENED) {
        atomic_store(&publisher_ready, true);
    } else if (news.kind == ACKNOWLEDGED) {
        uint64_t now = now_us();
        for (uint64_t i = news.serial; i < news.serial + news.count; i++) {
            note_acknowledgement(sent_at[i % PENDING_ACKS], now);
        }
    }
}

static void publisher_text(void *context, uint64_t stamp, uint64_t sequence) {
    (void)context, (void)stamp, (void)sequence;
}

static void publish_due(uint64_t index, uint64_t due) {
    uint64_t stamp = now_us();
    note_lateness(due, stamp);
    sent_at[index % PENDING_ACKS] = stamp;
    atomic_store(&sent, index + 1);
    ws_publish(&publisher_ws, published_channel, index, stamp, 1);
}

static void *publish(void *unused) {
    static const struct ws_events publisher = {publisher_news, publisher_text};
    publisher_ws = (struct ws){.protocol = protocol, .fd = open_connected(&target)};
    int own_epoll = epoll_create1(EPOLL_CLOEXEC);
    poll_add(own_epoll, publisher_ws.fd, EPOLLIN, &publisher_ws);
    ws_ask(&publisher_ws, &target, key);
    keep_sending(own_epoll, rate, publish_due, &publisher);
    return unused;
}

static uint64_t backlog(void) {
    uint64_t missing = 0, all = atomic_load(&sent);
    for (int i = 0; i < client_count; i++) {
        missing += all - clients[i].expected;
    }
    return missing;
}

int rt_main(int argc, char **argv) {
    prepare(argc, argv, (int)option_number(argc, argv, "--readers", 1));
    published_channel = option(argc, argv, "--path", "bench");
    rate = option_number(argc, argv, "--rate", 50);
    double warmup = option_number(argc, argv, "--warmup", 1);
    double seconds = option_number(argc, argv, "--seconds", 5);
    mode = &reader;
    for (int i = 0; i < client_count; i++) {
        snprintf(clients[i].channel, sizeof clients[i].channel, "%s", published_channel);
    }
    measure_open_loop(rate > 0 ? publish : NULL, warmup, seconds, backlog);
    printf(
        "{\"event\":\"result\",\"readers\":%d,\"ready_ms\":%.1f,\"seconds\":%.3f,\"delivered\":%llu,\"bytes\":%llu,"
        "\"gaps\":%llu,\"duplicates\":%llu,\"backlog\":%llu,\"unacknowledged\":%llu,\"late_sends\":%llu,"
        "\"reader_cpu_seconds\":%.3f,\"writer_cpu_seconds\":%.3f,",
        client_count, ready_ms, seconds, (unsigned long long)delivered, (unsigned long long)bytes_read,
        (unsigned long long)gaps, (unsigned long long)duplicates, (unsigned long long)backlog(),
        (unsigned long long)(sent - acknowledged), (unsigned long long)late_sends, reader_cpu, publisher_cpu);
    print_histograms();
    return 0;
}

/* ---- publishers that wait ---- */

static void publish_next(struct client *client) {
    client->sent_at = now_us();
    ws_publish(&client->ws, client->channel, client->serial++, client->sent_at, 1);
}

static void closed_loop_news(void *context, struct news news) {
    struct client *client = context;
    if (news.kind == OPENED) {
        become_live(client);
    } else if (news.kind == ACKNOWLEDGED) {
        uint64_t now = now_us();
        if (in_window(now)) {
            histogram_add(&acknowledgements, now - client->sent_at);
            completed++;
        }
        publish_next(client);
    }
}

static void measure_loop(double warmup, double seconds) {
    window_start = now_us() + (uint64_t)(warmup * 1e6);
    window_end = window_start + (uint64_t)(seconds * 1e6);
    run_until(window_start);
    double cpu = thread_cpu_seconds();
    event("measuring");
    run_until(window_end);
    cpu = thread_cpu_seconds() - cpu;
    event("measured");
    printf(
        "{\"event\":\"result\",\"connections\":%d,\"seconds\":%.3f,\"completed\":%llu,\"bytes\":%llu,"
        "\"reader_cpu_seconds\":%.3f,\"writer_cpu_seconds\":0,",
        client_count, seconds, (unsigned long long)completed, (unsigned long long)bytes_read, cpu);
    histogram_print("latency_ms", &acknowledgements);
    puts("}");
}

int rt_publish_main(int argc, char **argv) {
    static const struct ws_events closed_loop = {closed_loop_news, publisher_text};
    prepare(argc, argv, (int)option_number(argc, argv, "--connections", 1));
    mode = &closed_loop;
    for (int i = 0; i < client_count; i++) {
        snprintf(clients[i].channel, sizeof clients[i].channel, "%s-%d", option(argc, argv, "--path", "publish"), i);
    }
    connect_all();
    for (int i = 0; i < client_count; i++) {
        publish_next(&clients[i]);
    }
    measure_loop(option_number(argc, argv, "--warmup", 1), option_number(argc, argv, "--seconds", 5));
    return 0;
}

/* ---- clients that come and go ---- */

static int wanted_texts;

static void comer_news(void *context, struct news news) {
    struct client *client = context;
    if (news.kind == OPENED) {
        ws_join(&client->ws, client->channel, wanted_texts);
    } else if (news.kind == JOINED && !client->live) {
        become_live(client);
    }
}

static void comer_text(void *context, uint64_t stamp, uint64_t sequence) {
    (void)stamp, (void)sequence;
    struct client *client = context;
    client->texts++;
}

static void filler_news(void *context, struct news news) {
    struct client *client = context;
    if (news.kind == OPENED) {
        ws_publish(&client->ws, client->channel, 0, now_us(), wanted_texts);
    } else if (news.kind == ACKNOWLEDGED) {
        become_live(client);
    }
}

/* Whoever has got everything goes, and the next one comes in its place. */
static void replace_the_served(void) {
    for (int i = 0; i < client_count; i++) {
        struct client *client = &clients[i];
        if (client->live && client->texts >= (uint64_t)wanted_texts) {
            uint64_t now = now_us();
            if (in_window(now)) {
                histogram_add(&acknowledgements, now - client->sent_at);
                completed++;
            }
            cut_connection(client->ws.fd);
            live_count--;
            client->sent_at = now;
            connect_client(client);
        }
    }
}

int rt_attach_main(int argc, char **argv) {
    static const struct ws_events filler = {filler_news, publisher_text};
    static const struct ws_events comer = {comer_news, comer_text};
    int slots = (int)option_number(argc, argv, "--connections", 1);
    double warmup = option_number(argc, argv, "--warmup", 1), seconds = option_number(argc, argv, "--seconds", 5);
    prepare(argc, argv, slots);
    wanted_texts = (int)option_number(argc, argv, "--messages", 100);
    for (int i = 0; i < slots; i++) {
        snprintf(clients[i].channel, sizeof clients[i].channel, "%s", option(argc, argv, "--path", "attach"));
    }
    client_count = 1;
    mode = &filler;
    connect_all();
    cut_connection(clients[0].ws.fd);
    client_count = slots;
    live_count = 0;
    mode = &comer;
    for (int i = 0; i < slots; i++) {
        clients[i].sent_at = now_us();
        connect_client(&clients[i]);
    }
    window_start = now_us() + (uint64_t)(warmup * 1e6);
    window_end = window_start + (uint64_t)(seconds * 1e6);
    double cpu = 0;
    bool measuring = false;
    for (uint64_t now; (now = now_us()) < window_end;) {
        if (!measuring && now >= window_start) {
            measuring = true;
            cpu = thread_cpu_seconds();
            event("measuring");
        }
        turn(10);
        replace_the_served();
    }
    cpu = thread_cpu_seconds() - cpu;
    event("measured");
    printf(
        "{\"event\":\"result\",\"connections\":%d,\"seconds\":%.3f,\"completed\":%llu,\"bytes\":%llu,"
        "\"reader_cpu_seconds\":%.3f,\"writer_cpu_seconds\":0,",
        slots, seconds, (unsigned long long)completed, (unsigned long long)bytes_read, cpu);
    histogram_print("latency_ms", &acknowledgements);
    puts("}");
    return 0;
}

/* ---- answers that grow ---- */

enum { HELD_TOKENS = 1024 };

/* One in each channel: lets an answer grow, then begins the next. */
struct agent {
    struct ws ws; /* first: what is read is told to the connection's agent */
    char channel[96];
    char message[96]; /* the answer that grows; empty until the server has named it */
    bool open;
    uint64_t serial, tokens, acknowledged;
    uint64_t sent_at[HELD_TOKENS];
    /* Tokens that were due before they could be sent. */
    uint64_t held[HELD_TOKENS];
    int held_count;
};

static struct agent *agents;
static int agent_count, readers_per_answer, open_agents, tokens_per_answer;
static uint64_t tokens_in_window, bytes_sent;

/* The next answer begins when everything is acknowledged: then the acknowledgement that names it names nothing else. */
static bool may_send(const struct agent *agent) {
    bool begins = agent->tokens % (uint64_t)tokens_per_answer == 0;
    return begins ? agent->acknowledged == agent->serial : agent->message[0] != '\0';
}

static void send_token(struct agent *agent, uint64_t stamp) {
    uint64_t sequence = agent->serial++;
    if (sequence - agent->acknowledged >= HELD_TOKENS) {
        die("%d tokens of %s are not acknowledged", HELD_TOKENS, agent->channel);
    }
    agent->sent_at[sequence % HELD_TOKENS] = stamp;
    tokens_in_window += in_window(stamp);
    if (agent->tokens++ % (uint64_t)tokens_per_answer == 0) {
        agent->message[0] = '\0';
        ws_publish(&agent->ws, agent->channel, sequence, stamp, 1);
    } else {
        size_t bytes = ws_append(&agent->ws, agent->channel, sequence, agent->message, stamp, sequence);
        bytes_sent += in_window(stamp) ? bytes : 0;
    }
    atomic_fetch_add(&sent, 1);
}

static void agent_news(void *context, struct news news) {
    struct agent *agent = context;
    if (news.kind == OPENED) {
        agent->open = true;
        if (++open_agents == agent_count) {
            atomic_store(&publisher_ready, true);
        }
        return;
    }
    if (news.kind != ACKNOWLEDGED) {
        return;
    }
    uint64_t now = now_us();
    for (uint64_t i = news.serial; i < news.serial + news.count; i++) {
        note_acknowledgement(agent->sent_at[i % HELD_TOKENS], now);
    }
    agent->acknowledged = news.serial + news.count;
    if (agent->message[0] == '\0' && agent->acknowledged == agent->serial) {
        size_t length = news.message ? strcspn(news.message, "\"") : 0;
        if (length == 0 || length >= sizeof agent->message) {
            die("an answer in %s has no name", agent->channel);
        }
        memcpy(agent->message, news.message, length);
        agent->message[length] = '\0';
    }
    int next = 0;
    while (next < agent->held_count && may_send(agent)) {
        send_token(agent, agent->held[next++]);
    }
    agent->held_count -= next;
    memmove(agent->held, agent->held + next, (size_t)agent->held_count * sizeof *agent->held);
}

/* The agents take turns, so that their tokens are spread over time. */
static void token_is_due(uint64_t index, uint64_t due) {
    struct agent *agent = &agents[index % (uint64_t)agent_count];
    uint64_t now = now_us();
    note_lateness(due, now);
    if (agent->held_count == 0 && may_send(agent)) {
        send_token(agent, now);
    } else if (agent->held_count < HELD_TOKENS) {
        agent->held[agent->held_count++] = now;
    } else {
        die("an answer in %s waits for its acknowledgements", agent->channel);
    }
}

static void *let_answers_grow(void *unused) {
    static const struct ws_events agent_events = {agent_news, publisher_text};
    int own_epoll = epoll_create1(EPOLL_CLOEXEC);
    for (int i = 0; i < agent_count; i++) {
        agents[i].ws = (struct ws){.protocol = ABLY, .fd = open_connected(&target)};
        poll_add(own_epoll, agents[i].ws.fd, EPOLLIN, &agents[i]);
        ws_ask(&agents[i].ws, &target, key);
    }
    keep_sending(own_epoll, rate * agent_count, token_is_due, &agent_events);
    return unused;
}

static uint64_t tokens_missing(void) {
    uint64_t missing = 0;
    for (int i = 0; i < client_count; i++) {
        missing += agents[i / readers_per_answer].serial - clients[i].expected;
    }
    return missing;
}

int rt_answers_main(int argc, char **argv) {
    agent_count = (int)option_number(argc, argv, "--answers", 100);
    readers_per_answer = (int)option_number(argc, argv, "--readers", 3);
    prepare(argc, argv, agent_count * readers_per_answer);
    rate = option_number(argc, argv, "--rate", 50);
    tokens_per_answer = (int)option_number(argc, argv, "--tokens", 300);
    double warmup = option_number(argc, argv, "--warmup", 1), seconds = option_number(argc, argv, "--seconds", 5);
    const char *path = option(argc, argv, "--path", "answers");
    mode = &reader;
    agents = calloc((size_t)agent_count, sizeof *agents);
    for (int i = 0; i < agent_count; i++) {
        snprintf(agents[i].channel, sizeof agents[i].channel, "%s-%d", path, i);
    }
    for (int i = 0; i < client_count; i++) {
        memcpy(clients[i].channel, agents[i / readers_per_answer].channel, sizeof clients[i].channel);
    }
    measure_open_loop(let_answers_grow, warmup, seconds, tokens_missing);
    printf(
        "{\"event\":\"result\",\"answers\":%d,\"readers\":%d,\"seconds\":%.3f,\"tokens\":%llu,\"delivered\":%llu,"
        "\"bytes\":%llu,\"bytes_sent\":%llu,\"gaps\":%llu,\"duplicates\":%llu,\"backlog\":%llu,\"unacknowledged\":%llu,"
        "\"late_sends\":%llu,\"reader_cpu_seconds\":%.3f,\"writer_cpu_seconds\":%.3f,",
        agent_count, readers_per_answer, seconds, (unsigned long long)tokens_in_window, (unsigned long long)delivered,
        (unsigned long long)bytes_read, (unsigned long long)bytes_sent, (unsigned long long)gaps,
        (unsigned long long)duplicates, (unsigned long long)tokens_missing(),
        (unsigned long long)(sent - acknowledged), (unsigned long long)late_sends, reader_cpu, publisher_cpu);
    print_histograms();
    return 0;
}
