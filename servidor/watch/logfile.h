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

enum { LOGFILE_PATH_ROOM = 4096, LOGFILE_BATCH = 32768 };

/* What a line touches stands together: each page that a process writes to is memory of its own. */
struct logfile {
    enum log_kind kind;
    int descriptor;
    uint32_t generation; /* counters()->log_generation when it was opened */
    size_t used;         /* octets gathered */
    char batch[LOGFILE_BATCH];
    char path[LOGFILE_PATH_ROOM];
};

/* Opens `path` for the log `kind`, making it if there is none. 0, or -1 with errno. */
int logfile_open(struct logfile *file, enum log_kind kind, const char *path);

/*
 * Opens the path anew if the master has asked for it since. The old file stays if that fails;
 * whoever `is_said` is to say so does, which one process is enough for. A flush does it too.
 */
void logfile_reopen(struct logfile *file, bool is_said);

/*
 * Room for lines of up to `most` octets, no more than LOGFILE_BATCH, right where they are gathered.
 * logfile_wrote() says how many it was.
 */
char *logfile_room(struct logfile *file, size_t most);
void logfile_wrote(struct logfile *file, size_t length);

/* Gathers one line or more, line ends included; more than LOGFILE_BATCH octets go at once. */
void logfile_append(struct logfile *file, const char *lines, size_t length);

/* Appends the gathered lines to the file. */
void logfile_flush(struct logfile *file);

#endif
