/* See logfile.h. */
#include "watch/logfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "net/file.h"
#include "net/wipe.h"

static int open_log(const char *path)
{
    return file_open(path, O_WRONLY | O_APPEND | O_CREAT | O_NOCTTY, S_IRUSR | S_IWUSR | S_IRGRP);
}

int logfile_open(struct logfile *file)
{
    int descriptor = open_log(file->path);

    if (descriptor < 0)
        return -1;
    file->descriptor = descriptor;
    file->generation = atomic_load(&counters()->log_generation);
    file->used = 0;
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

/* A line that begins with a blank goes on with the record of the one before. */
static uint64_t count_records(const char *lines, size_t length)
{
    uint64_t records = 0;
    size_t i;

    for (i = 0; i < length; i++)
        records += lines[i] == '\n' && (i + 1 == length || lines[i + 1] != ' ');
    return records;
}

/* Accounts for lines of which only the first `kept` octets reached the file. */
static void lose(const struct logfile *file, const char *lines, size_t length, size_t kept)
{
    if (kept > 0 && lines[kept - 1] != '\n')
        atomic_store(&counters()->log_is_torn[file->kind], true);
    atomic_fetch_add(&counters()->log_lost_records, count_records(lines + kept, length - kept));
    say_failing(file);
}

static ssize_t write_once(int descriptor, const char *octets, size_t length)
{
    ssize_t written;

    do
        written = write(descriptor, octets, length);
    while (written < 0 && errno == EINTR);
    return written;
}

/* Whoever writes first after a torn line ends that line. False if it stays torn. */
static bool mend(const struct logfile *file)
{
    _Atomic bool *is_torn = &counters()->log_is_torn[file->kind];

    if (!atomic_load(is_torn) || !atomic_exchange(is_torn, false) ||
        write_once(file->descriptor, "\n", 1) == 1)
        return true;
    atomic_store(is_torn, true);
    return false;
}

static void write_lines(const struct logfile *file, const char *lines, size_t length)
{
    _Atomic bool *is_failing = &counters()->log_is_failing[file->kind];
    ssize_t written = mend(file) ? write_once(file->descriptor, lines, length) : -1;

    if (written == (ssize_t)length) {
        if (atomic_load(is_failing))
            atomic_store(is_failing, false);
        return;
    }
    if (written >= 0)
        errno = ENOSPC; /* a file takes less than it was given only when it is full */
    lose(file, lines, length, written > 0 ? (size_t)written : 0);
}

void logfile_flush(struct logfile *file)
{
    if (file->used > 0)
        write_lines(file, file->batch, file->used);
    wipe(file->batch, file->used);
    file->used = 0;
    logfile_reopen(file, false);
}

char *logfile_room(struct logfile *file, size_t most)
{
    if (most > file->room - file->used)
        logfile_flush(file);
    return file->batch + file->used;
}

void logfile_wrote(struct logfile *file, size_t length)
{
    file->used += length;
}

void logfile_append(struct logfile *file, const char *lines, size_t length)
{
    if (length > file->room) {
        logfile_flush(file);
        write_lines(file, lines, length);
        return;
    }
    memcpy(logfile_room(file, length), lines, length);
    logfile_wrote(file, length);
}
