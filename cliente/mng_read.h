/* Readings: of one command or of all that read something, once or again and again. */
#ifndef CLIENTE_MNG_READ_H
#define CLIENTE_MNG_READ_H

#include <stdbool.h>
#include <stdint.h>

struct mng_server;

struct mng_task {
    int command;       /* 0 to 255 or MNG_ALL */
    bool is_metrics;   /* MNG_ALL, for Prometheus */
    int64_t period_ms; /* 0: once */
};

/* Asks and prints the answer. Returns an exit status: 0, or 1 when there is no good answer. */
int mng_read(const struct mng_server *server, const struct mng_task *task);

/*
 * The same each period. Blocks SIGINT, which ends it with 0, as an error of the server or of
 * standard output does with 1; silence does not.
 */
int mng_watch(const struct mng_server *server, const struct mng_task *task);

#endif
