/*
 * A load: the dialogue of an order file, had many times by several processes, and measured. What
 * a process does for one session is in drive.h and hold.h, how they are kept together in crew.h.
 */
#ifndef CLIENTE_LOAD_H
#define CLIENTE_LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "drive.h"

struct load {
    struct drive_way way;
    uint64_t count;   /* of sessions, in all */
    size_t processes; /* 1 to count */
    int64_t hold_ms;  /* all sessions are open at the same time for so long; 0: they need not be */
    bool is_csv;      /* the report is a line for programs */
};

enum { LOAD_COUNT_LIMIT = 100000000 };

/*
 * Has the load, and prints its report on standard output. Returns the exit status: 0 if each
 * session ran to its end.
 */
int load_run(const struct load *load);

#endif
