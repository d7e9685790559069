/*
 * The answers of the monitoring protocol as people and Prometheus read them, on standard
 * output. One table has the words for each command.
 */
#ifndef CLIENTE_MNG_PRINT_H
#define CLIENTE_MNG_PRINT_H

#include <stdbool.h>
#include <stdint.h>

#include "net/monitor_wire.h"

/* What a command that reads something was answered. */
struct mng_row {
    bool is_known; /* the server knows the command */
    uint64_t value;
    int64_t at_ms; /* when, of clock_now_ms() */
};

struct mng_reading {
    struct mng_row rows[MONITOR_COMMANDS];
};

/* As in "Auth failed". */
const char *mng_status_text(unsigned status);

/*
 * Prints the id and the answer to `command` as the report does, or "Error: " and the status.
 * `before` is an earlier answer for the rate of a counter, or NULL.
 */
void mng_print_answer(unsigned command, const struct monitor_reply *reply,
                      const struct mng_row *row, const struct mng_row *before);

/* Prints a table of what is known; with rates if `before`, an earlier reading, is not NULL. */
void mng_print_table(const struct mng_reading *reading, const struct mng_reading *before);

/* Prints what is known as Prometheus has it (text format, version 0.0.4). */
void mng_print_metrics(const struct mng_reading *reading);

#endif
