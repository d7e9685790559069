/*
 * See totals.h. The file is the mapping itself, in the machine's own order of octets: a head
 * and a line for each total. While totals are added to, nothing can vouch for them, so the
 * seal over all of them is there only between a clean end and the next addition.
 */
#include "watch/totals.h"

#include <errno.h>
#include <fcntl.h>
#include <stdalign.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "net/clock.h"
#include "net/file.h"
#include "net/siphash.h"

/* Raised when a total changes its meaning or its place. */
enum { LAYOUT_VERSION = 1 };

/* A process that still cannot touch the file after so many mendings is not helped by another. */
enum { LINES = TOTALS + TOTAL_COMMON, PATH_ROOM = 4096, MENDINGS = 100 };

/* For the file's lock, which others need for a moment, unless they want to keep a start out. */
enum { PATIENCE_MS = 5000, PAUSE_MS = 10 };

/* Without a NUL. */
#define MAGIC { 'c', 'o', 'n', 't', 'a', 'd', 'o', 'r' }

struct line {
    alignas(COUNTERS_LINE) _Atomic uint64_t total; /* or a switch */
};

struct totals_head {
    char magic[8];
    uint32_t version, lines;
};

struct totals_file {
    struct totals_head head;
    _Atomic uint64_t seal; /* 0: none */
    struct line filter_is_off;
    struct line all[LINES];
};

static struct totals_file *shared;
static int kept = -1; /* the file, open so that it can be mended; -1: there is none */
static const char *kept_at;
static enum transport served;

/* The totals of UDP stand behind all others. */
static _Atomic uint64_t *total_at(enum total total, enum transport transport)
{
    size_t index = (size_t)total;

    if (total < TOTAL_COMMON && transport == TRANSPORT_UDP)
        index += TOTALS;
    return &shared->all[index].total;
}

/* What the seal of `file` must be: a hash of every octet behind it, and never 0. */
static uint64_t seal_of(const struct totals_file *file)
{
    static const unsigned char key[SIPHASH_KEY];
    size_t from = offsetof(struct totals_file, seal) + sizeof file->seal;

    return siphash(key, (const char *)file + from, sizeof *file - from) | 1;
}

/* Why the contents of a file cannot be gone on with; NULL if they can. */
static const char *find_fault(const struct totals_file *file, size_t length)
{
    static const char magic[] = MAGIC;
    uint64_t seal;

    if (length < sizeof file->head || memcmp(file->head.magic, magic, sizeof magic) != 0)
        return "it is damaged";
    if (file->head.version != LAYOUT_VERSION)
        return "it is of another version";
    if (length != sizeof *file || file->head.lines != LINES)
        return "it is damaged";
    seal = atomic_load(&file->seal);
    return seal == 0 || seal == seal_of(file) ? NULL : "it is damaged";
}

static int set_lock(int descriptor, short type)
{
    struct flock all = { .l_type = type, .l_whence = SEEK_SET };

    return fcntl(descriptor, F_SETLK, &all);
}

/*
 * Takes the file's lock, which a process that dies lets go. 0; or -1 with errno, EAGAIN if
 * another kept it all the time.
 */
static int wait_for_lock(int descriptor)
{
    const struct timespec pause = { .tv_nsec = PAUSE_MS * 1000000L };
    int64_t deadline_ms = clock_now_ms() + PATIENCE_MS;

    while (set_lock(descriptor, F_WRLCK) != 0) {
        if (errno != EAGAIN && errno != EACCES && errno != EINTR)
            return -1;
        if (clock_now_ms() >= deadline_ms) {
            errno = EAGAIN;
            return -1;
        }
        nanosleep(&pause, NULL);
    }
    return 0;
}

static int write_head(int descriptor)
{
    static const struct totals_head head = { .magic = MAGIC, LAYOUT_VERSION, LINES };

    return pwrite(descriptor, &head, sizeof head, 0) == (ssize_t)sizeof head ? 0 : -1;
}

/* Makes the empty file one with nothing counted. 1; or -1 with errno, and there is none. */
static int begin_file(int descriptor, const char *path)
{
    int error = posix_fallocate(descriptor, 0, (off_t)sizeof *shared);

    if (error == 0 && write_head(descriptor) == 0)
        return 1;
    error = error == 0 ? errno : error;
    unlink(path);
    errno = error;
    return -1;
}

/* Puts the file out of the way. 0, or -1 with errno. */
static int set_aside(const char *path, const char *fault)
{
    char aside[PATH_ROOM];

    snprintf(aside, sizeof aside, "%s.old", path);
    if (rename(path, aside) != 0)
        return -1;
    fprintf(stderr, "servidor: %s: %s: it is moved to %s, and counting begins anew\n", path,
            fault, aside);
    return 0;
}

/* Reads the file, and finds its fault. 1: it has none; 0: it has `*fault`; -1 with errno. */
static int inspect(int descriptor, off_t size, const char **fault)
{
    static struct totals_file found;
    int tries;

    /* Another process may break the seal, and then add, while this one reads. */
    for (tries = 0; tries < 2; tries++) {
        memset(&found, 0, sizeof found);
        if (pread(descriptor, &found, sizeof found, 0) < 0)
            return -1;
        *fault = find_fault(&found, (size_t)size);
        if (*fault == NULL)
            return 1;
    }
    return 0;
}

/*
 * Looks at the locked file, and begins it if it is empty. 1: it can be mapped; 0: it is out of
 * the way, and another is to be opened; -1 with errno.
 */
static int prepare(int descriptor, const char *path)
{
    const char *fault = NULL;
    struct stat status;
    int result;

    /* Another process may have moved it meanwhile. */
    if (!file_is_at(descriptor, path))
        return 0;
    if (fstat(descriptor, &status) != 0)
        return -1;
    if (status.st_size == 0)
        return begin_file(descriptor, path);
    result = inspect(descriptor, status.st_size, &fault);
    return result == 0 ? set_aside(path, fault) : result;
}

/* Maps the locked file that was prepared. 1, or -1 with errno. */
static int map_file(int descriptor, const char *path)
{
    shared = counters_map(descriptor, sizeof *shared);
    if (shared == NULL)
        return -1;
    kept = descriptor;
    kept_at = path;
    return 1;
}

/* One try. 1: the file is mapped; 0: try again; -1 with errno. */
static int try_file(const char *path)
{
    int descriptor = file_open(path, O_RDWR | O_CREAT | O_NOCTTY, S_IRUSR | S_IWUSR);
    int result, saved;

    if (descriptor < 0)
        return -1;
    file_close_to_others(descriptor, path);
    result = wait_for_lock(descriptor) == 0 ? prepare(descriptor, path) : -1;
    if (result > 0)
        result = map_file(descriptor, path);
    saved = errno;
    if (result > 0)
        set_lock(descriptor, F_UNLCK);
    else
        close(descriptor);
    errno = saved;
    return result;
}

static const char *why_not(int result)
{
    if (result == 0)
        return "others replace it all the time";
    return errno == EAGAIN ? "another process keeps it locked" : strerror(errno);
}

int totals_start(const char *path)
{
    int result = 0, tries;

    _Static_assert(sizeof(struct line) == COUNTERS_LINE, "one total a line");
    _Static_assert(sizeof *shared <= COUNTERS_SPARE, "they have room in memory");
    for (tries = 0; path != NULL && result == 0 && tries < 3; tries++)
        result = try_file(path);
    if (result > 0)
        return 0;
    if (path != NULL)
        fprintf(stderr, "servidor: %s: %s: totals will be lost at the end\n", path,
                why_not(result));
    shared = counters_map(-1, sizeof *shared);
    return shared == NULL ? -1 : 0;
}

void totals_end(void)
{
    uint64_t seal = seal_of(shared);

    /* A worker of an earlier server that was killed may still be counting. */
    atomic_store(&shared->seal, seal);
    if (seal_of(shared) != seal)
        atomic_store(&shared->seal, 0);
}

/* What the seal vouched for has changed. */
static void break_seal(void)
{
    if (atomic_load(&shared->seal) != 0)
        atomic_store(&shared->seal, 0);
}

void totals_bury(void)
{
    uint64_t born = totals_read(TOTAL_WORKERS_BORN, TRANSPORT_TCP);

    totals_add(TOTAL_WORKERS_DIED, born - totals_read(TOTAL_WORKERS_DIED, TRANSPORT_TCP));
}

/*
 * Gives each line its room on the disk, for a hole in the file is no help where the disk is full.
 * What is written is the last octet of each, which is always 0.
 */
static bool fill_file(void)
{
    off_t at;

    for (at = COUNTERS_LINE - 1; at < (off_t)sizeof *shared; at += COUNTERS_LINE)
        if (pwrite(kept, "", 1, at) != 1)
            return false;
    return true;
}

static bool mend_file(void)
{
    struct stat status;
    static int times;

    /* A file that was cut once more is another matter, however often that was so. */
    if (fstat(kept, &status) == 0 && status.st_size < (off_t)sizeof *shared)
        times = 0;
    return ++times <= MENDINGS && write_head(kept) == 0 && fill_file();
}

/* This process counts in memory from now on, unless the system refuses that. */
static bool leave_file(void)
{
    if (counters_cover(shared, sizeof *shared) != 0)
        return false;
    close(kept);
    kept = -1;
    atomic_store(&counters()->totals_are_lost, true);
    return true;
}

bool totals_mend(const void *address)
{
    const char *at = address, *begin = (const char *)shared;

    return kept >= 0 && at >= begin && at < begin + sizeof *shared &&
           (mend_file() || leave_file());
}

bool totals_give_up(void)
{
    static bool is_said;

    if (is_said || !atomic_load(&counters()->totals_are_lost))
        return false;
    is_said = true;
    if (kept >= 0)
        leave_file();
    fprintf(stderr, "servidor: %s: it was cut and cannot be made whole again: "
                    "counting begins anew, and totals will be lost at the end\n", kept_at);
    return true;
}

void totals_serve(enum transport transport)
{
    /* Not written to where it is right, its page stays the master's: 4 KiB of each session. */
    if (served != transport)
        served = transport;
}

void totals_add(enum total total, uint64_t amount)
{
    /* Once before, for whoever is killed in between, and once after, for totals_end(). */
    break_seal();
    atomic_fetch_add(total_at(total, served), amount);
    break_seal();
}

uint64_t totals_read(enum total total, enum transport transport)
{
    return atomic_load(total_at(total, transport));
}

bool totals_filter_is_off(void)
{
    return atomic_load(&shared->filter_is_off.total) != 0;
}

void totals_switch_filter(bool is_off)
{
    break_seal();
    atomic_store(&shared->filter_is_off.total, is_off);
    break_seal();
}
