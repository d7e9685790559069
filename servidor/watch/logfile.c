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

/* Says that the log cannot be written, unless this was said of the present trouble already. */
static void say_failing(const struct logfile *file)
{
    if (!atomic_exchange(&counters()->log_is_failing[file->kind], true))
        dprintf(STDERR_FILENO, "servidor: %s: %s: sessions go on, its lines are lost\n",
                file->path, strerror(errno));
}

void logfile_reopen(struct logfile *file, bool is_said)
{
    uint32_t generation = atomic_load(&counters()->log_generation);
    int descriptor;

    if (file->generation == generation)
        return;
    file->generation = generation;
    logfile_flush(file);
    descriptor = open_log(file->path);
    if (descriptor < 0) {
        if (is_said)
            dprintf(STDERR_FILENO, "servidor: %s: %s: the log goes on in its old file\n",
                    file->path, strerror(errno));
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

/* Accounts for a batch of which only the octets up to batch[kept] reached the file. */
static void lose(struct logfile *file, size_t kept)
{
    if (kept > 1 && file->batch[kept - 1] != '\n')
        atomic_store(&counters()->log_is_torn[file->kind], true);
    if (kept < 1)
        kept = 1;
    atomic_fetch_add(&counters()->log_lost_records,
                     count_lines(file->batch + kept, 1 + file->used - kept));
    say_failing(file);
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
    if (written >= 0)
        errno = ENOSPC; /* a file takes less than it was given only when it is full */
    lose(file, written > 0 ? skip + (size_t)written : skip);
}

void logfile_flush(struct logfile *file)
{
    if (file->used > 0)
        write_batch(file);
    file->used = 0;
    logfile_reopen(file, false);
}

void logfile_append(struct logfile *file, const char *line, size_t length)
{
    if (length > LOGFILE_BATCH - file->used)
        logfile_flush(file);
    memcpy(file->batch + 1 + file->used, line, length);
    file->used += length;
}
