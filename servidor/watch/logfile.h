/*
 * A log file of whole lines that many processes append to. Lines are gathered in memory
 * and appended with one write(2) to a descriptor in append mode, which keeps those of
 * different processes apart. What cannot be written is dropped and counted.
 */
#ifndef WATCH_LOGFILE_H
#define WATCH_LOGFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "watch/counters.h"

/* The path and the batch are the caller's, who knows what is near to what. */
struct logfile {
    enum log_kind kind;
    const char *path;
    char *batch;         /* where lines are gathered, */
    size_t room;         /* so many octets of them */
    size_t used;
    int descriptor;
    uint32_t generation; /* counters()->log_generation when it was opened */
};

/*
 * Opens the log, making it if there is none: its kind, path, batch and room are set. 0, or -1
 * with errno.
 */
int logfile_open(struct logfile *file);

/*
 * Opens the path anew if the master has asked for it since. The old file stays if that fails;
 * whoever `is_said` is to say so does, which one process is enough for. A flush does it too.
 */
void logfile_reopen(struct logfile *file, bool is_said);

/*
 * Room for lines of up to `most` octets, no more than the log's, right where they are gathered.
 * logfile_wrote() says how many it was.
 */
char *logfile_room(struct logfile *file, size_t most);
void logfile_wrote(struct logfile *file, size_t length);

/* Gathers one line or more, line ends included; more than there is room for goes at once. */
void logfile_append(struct logfile *file, const char *lines, size_t length);

/* Appends the gathered lines to the file. */
void logfile_flush(struct logfile *file);

#endif
