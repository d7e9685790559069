/* See servants.h. */
#include "core/servants.h"

#include <signal.h>
#include <stdio.h>

#include "core/door.h"
#include "core/process.h"
#include "core/responder.h"
#include "net/clock.h"

enum servant { SERVANT_DOOR, SERVANT_RESPONDER, SERVANTS };

enum {
    PAUSE_MS = 100, /* from a violent end to the next birth */
    DESCRIPTION_ROOM = 32,
};

struct place {
    const char *name;
    void (*live)(struct server *server);
    pid_t pid; /* 0: none */
    int64_t not_before_ms;
};

static struct place places[SERVANTS] = {
    [SERVANT_DOOR] = { .name = "door", .live = door_live },
    [SERVANT_RESPONDER] = { .name = "monitor", .live = responder_live },
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

static void keep(struct server *server, struct place *place)
{
    struct birth birth = { server, place };

    if (place->pid > 0 || clock_now_ms() < place->not_before_ms)
        return;
    place->pid = process_fork(live, &birth);
    if (place->pid < 0)
        place->not_before_ms = clock_now_ms() + PAUSE_MS;
}

void servants_keep(struct server *server)
{
    int i;

    for (i = 0; i < SERVANTS; i++)
        keep(server, &places[i]);
}

bool servants_bury(pid_t child, int status, bool is_said)
{
    char how[DESCRIPTION_ROOM];
    int i = 0;

    while (i < SERVANTS && places[i].pid != child)
        i++;
    if (i == SERVANTS)
        return false;
    places[i].pid = 0;
    if (status == 0)
        return true;
    /* What comes meanwhile waits in its socket, or is said again. */
    places[i].not_before_ms = clock_now_ms() + PAUSE_MS;
    if (is_said)
        fprintf(stderr, "servidor: the %s ended by %s: another takes its place\n", places[i].name,
                process_describe(status, how, sizeof how));
    return true;
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
        if (places[i].pid <= 0 && (due_ms == 0 || places[i].not_before_ms < due_ms))
            due_ms = places[i].not_before_ms;
    return due_ms;
}
