/*
 * cliente: replays a file of SMTP orders against a server, over TCP or UDP. This
 * file reads the order file, and puts the parts together; the command line is in choices.h,
 * the dialogue in replay.h, many of them in load.h, what carries it in link.h. See cliente(1).
 */
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "choices.h"
#include "link.h"
#include "load.h"
#include "net/clock.h"
#include "portlog.h"
#include "replay.h"
#include "say.h"

/* Reads all of `file`. Returns memory that the caller frees, or NULL with errno. */
static char *read_all(FILE *file, size_t *length)
{
    size_t room = 65536;
    char *text = malloc(room), *more;

    *length = 0;
    while (text != NULL) {
        *length += fread(text + *length, 1, room - *length, file);
        if (*length < room)
            break;
        room *= 2;
        more = realloc(text, room);
        if (more == NULL)
            free(text);
        text = more;
    }
    if (text != NULL && ferror(file)) {
        free(text);
        return NULL;
    }
    return text;
}

/* Reads the order file. Returns memory that the caller frees, or NULL after saying why. */
static char *read_orders(const char *path, size_t *length)
{
    FILE *file = fopen(path, "r");
    char *text = file == NULL ? NULL : read_all(file, length);

    if (text == NULL)
        say("%s: %s", path, strerror(errno));
    if (file != NULL)
        fclose(file);
    return text;
}

static int announce(const struct link *link)
{
    char date[CLOCK_DATE_ROOM];

    printf("Connected to %s on port %u at %s\n", link->target->host, (unsigned)link->local_port,
           clock_date(time(NULL), date));
    return say_flush();
}

/* Shows what the link did. */
static int show_counts(const struct link *link)
{
    struct link_counts counts;

    link->kind->count(link, &counts);
    printf("datagrams %" PRIu64 ", resends %" PRIu64 ", duplicates %" PRIu64 ", ",
           counts.datagrams, counts.resends, counts.duplicates);
    if (counts.round_trip_ms < 0)
        printf("no round trip\n");
    else
        printf("median round trip %" PRId64 " ms\n", counts.round_trip_ms);
    return say_flush();
}

/* Replays the orders over an open link. Returns the exit status. */
static int replay_over(struct link *link, const struct choices *choices, struct orders orders)
{
    struct portlog *log = portlog_open(choices->folder, link->local_port, link->kind->name);
    int status;

    if (log == NULL)
        return 1;
    status = announce(link);
    if (status == 0)
        status = (int)replay_run(link, log, orders);
    if (choices->is_counting && show_counts(link) != 0 && status == 0)
        status = 1;
    return portlog_close(log) != 0 && status == 0 ? 1 : status;
}

/* Has the orders many times. Returns the exit status. */
static int put_load(const struct choices *choices, struct orders orders)
{
    size_t room = plan_room(orders), endless;
    struct plan_step *steps = calloc(room + 1, sizeof *steps);
    struct load load = {
        .way = { .kind = choices->kind,
                 .target = &choices->target,
                 .plan = { .steps = steps, .count = room },
                 .is_pipelined = choices->is_pipelined },
        .count = choices->count,
        .processes = (size_t)choices->processes,
        .hold_ms = choices->hold_ms,
        .is_csv = choices->is_csv,
    };
    int status = 1;

    if (steps == NULL) {
        say("no memory for %zu orders", room);
        return 1;
    }
    endless = plan_make(orders, steps);
    if (endless == 0)
        status = load_run(&load);
    else
        say("the orders end inside the text that line %zu began: the line \".\" is missing",
            endless);
    free(steps);
    return status;
}

/* Replays the orders once. Returns the exit status. */
static int replay_once(const struct choices *choices, struct orders orders)
{
    struct link *link = choices->kind->open(&choices->target);
    int status;

    if (link == NULL)
        return 1;
    status = replay_over(link, choices, orders);
    link->kind->close(link);
    return status;
}

int main(int argc, char **argv)
{
    struct choices choices;
    int status = choices_read(&choices, argc, argv);
    struct orders orders = { 0 };
    char *text;

    if (status != CHOICES_GO_ON)
        return status;
    text = read_orders(choices.file, &orders.length);
    if (text == NULL)
        return 1;
    orders.text = text;
    if (link_resolve(&choices.target) != 0)
        status = 1;
    else
        status = choices.count > 0 ? put_load(&choices, orders) : replay_once(&choices, orders);
    free(text);
    return status;
}
