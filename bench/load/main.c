/* The load generator of the bench: see usage below. Every result is one line of JSON on stdout. */
#include "http.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    int (*main)(int argc, char **argv);
    const char *usage;
} commands[] = {
    {"live", live_main,
     "--url U --path P --streams S --readers R --rate HZ --warmup s --seconds s [--bystander HZ --cut-after s]"},
    {"fill", fill_main, "--url U --path P --method PUT|POST --streams S --requests N --messages M --connections C"},
    {"catchup", catchup_main, "--url U --path P --readers R --seconds s --messages EXPECTED"},
    {"disk", disk_main, "--dir D --seconds s [--rate HZ]"},
    {"rt", rt_main, "--url U --protocol ably|socketio --key K --path CHANNEL --readers R --rate HZ --warmup s --seconds s"},
    {"rt-publish", rt_publish_main, "--url U --protocol P --key K --path CHANNELS --connections C --warmup s --seconds s"},
    {"rt-attach", rt_attach_main, "--url U --key K --path CHANNEL --connections C --messages M --warmup s --seconds s"},
    {"rt-answers", rt_answers_main,
     "--url U --key K --path CHANNELS --answers A --readers R --rate HZ --tokens N --warmup s --seconds s"},
};

int main(int argc, char **argv) {
    for (size_t i = 0; argc > 1 && i < sizeof commands / sizeof *commands; i++) {
        if (strcmp(argv[1], commands[i].name) == 0) {
            return commands[i].main(argc, argv);
        }
    }
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        fprintf(stderr, "load %s %s\n", commands[i].name, commands[i].usage);
    }
    return 2;
}
