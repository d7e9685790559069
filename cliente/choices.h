/* The command line of cliente. */
#ifndef CLIENTE_CHOICES_H
#define CLIENTE_CHOICES_H

#include <stdbool.h>
#include <stdint.h>

#include "link.h"

/* What choices_read() returns but for exit statuses: the program goes on. */
enum { CHOICES_GO_ON = -1 };

struct choices {
    struct link_target target; /* not resolved */
    const struct link_kind *kind;
    const char *folder, *file;
    bool is_plain, is_counting;
    char numbered; /* the last option that the numbered mode alone has; 0: none */
    char single;   /* the last one that a load has not */
    char load;     /* the last one that a load alone has */
    uint64_t count; /* of sessions of a load; 0: there is none */
    uint64_t processes;
    int64_t hold_ms;
    bool is_pipelined, is_csv;
};

/*
 * Reads the command line. All texts in `choices` stay those of `argv`. Returns CHOICES_GO_ON, or
 * the status to exit with, after saying what is wrong or showing what was asked for.
 */
int choices_read(struct choices *choices, int argc, char **argv);

#endif
