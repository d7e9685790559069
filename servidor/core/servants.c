/* See servants.h. */
#include "core/servants.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "core/births.h"
#include "core/door.h"
#include "core/process.h"
#include "core/responder.h"
#include "net/clock.h"

enum servant { SERVANT_DOOR, SERVANT_RESPONDER, SERVANTS };

enum { DESCRIPTION_ROOM = 32 };

struct place {
    const char *name;
    void (*live)(struct server *server);
    int (*port)(const struct server *server); /* which it lives by; -1: there is none now */
    pid_t pid; /* 0: none */
    int64_t born_ms;
    struct births births;
};

static int door_port(const struct server *server)
{
    return server->datagrams;
}

static int responder_port(const struct server *server)
{
    return server->monitors[0];
}

static struct place places[SERVANTS] = {
    [SERVANT_DOOR] = { .name = "door", .live = door_live, .port = door_port },
    [SERVANT_RESPONDER] = { .name = "monitor", .live = responder_live, .port = responder_port },
};

struct birth {
    struct server *server;
    const struct place *place;
};

static void live(void *context)
{
    const struct birth *birth = context;

    birth->place->live(birth->server);
}

/* It could not be born, or died at once: the next one waits a little. */
static void slow_births(struct place *place, const char *what, const char *why)
{
    unsigned pause_ms = births_note_failure(&place->births, clock_now_ms());

    fprintf(stderr, "servidor: the %s %s %s: the next one in %u ms\n", place->name, what, why,
            pause_ms);
}

static void keep(struct server *server, struct place *place)
{
    struct birth birth = { server, place };
    int64_t now_ms = clock_now_ms();

    if (place->pid > 0 || place->port(server) < 0 || births_are_pausing(&place->births, now_ms))
        return;
    place->pid = process_fork(live, &birth);
    place->born_ms = now_ms;
    if (place->pid < 0)
        slow_births(place, "could not be forked:", strerror(errno));
}

void servants_keep(struct server *server)
{
    int i;

    for (i = 0; i < SERVANTS; i++)
        keep(server, &places[i]);
}

/* What comes meanwhile waits in its socket, or is said again. */
static void bury(struct place *place, int status, bool is_said)
{
    bool has_lived = clock_now_ms() - place->born_ms >= BIRTHS_SHORT_LIFE_MS;
    char how[DESCRIPTION_ROOM];

    place->pid = 0;
    process_describe(status, how, sizeof how);
    if (status == 0 || has_lived)
        births_note_life(&place->births);
    if (status != 0 && !has_lived)
        slow_births(place, "was born and ended by", how);
    else if (status != 0 && is_said)
        fprintf(stderr, "servidor: the %s ended by %s: another takes its place\n", place->name,
                how);
}

bool servants_bury(pid_t child, int status, bool is_said)
{
    int i = 0;

    while (i < SERVANTS && places[i].pid != child)
        i++;
    if (i < SERVANTS)
        bury(&places[i], status, is_said);
    return i < SERVANTS;
}

void servants_tell(int number)
{
    int i;

    for (i = 0; i < SERVANTS; i++)
        if (places[i].pid > 0)
            kill(places[i].pid, number);
}

bool servants_have_any(void)
{
    int i = 0;

    while (i < SERVANTS && places[i].pid <= 0)
        i++;
    return i < SERVANTS;
}

int64_t servants_due_ms(void)
{
    int64_t due_ms = 0;
    int i;

    for (i = 0; i < SERVANTS; i++)
        if (places[i].pid <= 0 && (due_ms == 0 || places[i].births.not_before_ms < due_ms))
            due_ms = places[i].births.not_before_ms;
    return due_ms;
}
