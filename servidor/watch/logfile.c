/* See logfile.h. */
#include "watch/logfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int open_log(const char *path)
{
    return open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY,
                S_IRUSR | S_IWUSR | S_IRGRP);
}

int logfile_open(struct logfile *file, const char *path)
{
    int descriptor = open_log(path);

    if (descriptor < 0)
        return -1;
    snprintf(file->path, sizeof file->path, "%s", path);
    file->descriptor = descriptor;
    file->generation = atomic_load(&counters()->log_generation);
    file->used = 0;
    file->batch[0] = '\n';
    return 0;
}

/* Says `what` about the log, unless this was already said of the present trouble. */
static void say_failing(const struct logfile *file, const char *what)
{
    if (!atomic_exchange(&counters()->log_is_failing[file->kind], true))
        dprintf(STDERR_FILENO, "servidor: %s: %s: %s\n", file->path, strerror(errno), what);
}

void logfile_reopen(struct logfile *file)
{
    uint32_t generation = atomic_load(&counters()->log_generation);
    int descriptor;

    if (file->generation == generation)
        return;
    file->generation = generation;
    logfile_flush(file);
    descriptor = open_log(file->path);
    if (descriptor < 0) {
        say_failing(file, "the log goes on in its old file");
        return;
    }
    close(file->descriptor);
    file->descriptor = descriptor;
}

static uint64_t count_lines(const char *octets, size_t length)
{
    uint64_t lines = 0;
    size_t i;

    for (i = 0; i < length; i++)
        lines += octets[i] == '\n';
    return lines;
}

/* Accounts for lines of which only `written` octets (some, or -1: none) reached the file. */
static void lose(struct logfile *file, const char *from, size_t length, ssize_t written)
{
    size_t kept = written > 0 ? (size_t)written : 0;

    if (written >= 0)
        errno = ENOSPC; /* a file takes less than it was given only when it is full */
    if (kept > 0 && from[kept - 1] != '\n')
        atomic_store(&counters()->log_is_torn[file->kind], true);
    atomic_fetch_add(&counters()->log_lost_records, count_lines(from + kept, length - kept));
    say_failing(file, "sessions go on, its lines are lost");
}

static void write_batch(struct logfile *file)
{
    /* Whoever writes first after a torn line ends that line. */
    size_t skip = atomic_exchange(&counters()->log_is_torn[file->kind], false) ? 0 : 1;
    size_t length = 1 + file->used - skip;
    ssize_t written;

    do
        written = write(file->descriptor, file->batch + skip, length);
    while (written < 0 && errno == EINTR);
    if (written == (ssize_t)length) {
        if (atomic_load(&counters()->log_is_failing[file->kind]))
            atomic_store(&counters()->log_is_failing[file->kind], false);
        return;
    }
    if (skip == 0 && written <= 0)
        atomic_store(&counters()->log_is_torn[file->kind], true);
    lose(file, file->batch + skip, length, written);
}

void logfile_flush(struct logfile *file)
{
    if (file->used > 0)
        write_batch(file);
    file->used = 0;
    logfile_reopen(file);
}

void logfile_append(struct logfile *file, const char *line, size_t length)
{
    if (length > LOGFILE_BATCH - file->used)
        logfile_flush(file);
    memcpy(file->batch + 1 + file->used, line, length);
    file->used += length;
}
