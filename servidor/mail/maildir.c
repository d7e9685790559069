/*
 * See maildir.h, and http://cr.yp.to/proto/maildir.html for the rules of names: seconds,
 * microseconds, process and a counter make one unique on its host. In tmp/ a mark stands
 * before it, by which a later start knows what is its own.
 */
#include "mail/maildir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "net/fault.h"
#include "net/file.h"
#include "net/text.h"

#define MARK "servidor."

/* A file that another program left in tmp/ and nobody touched for so long is of no use. */
enum { STALE_S = 36 * 60 * 60 };

/* So that a whole name, with its mark, is one that a file system takes. */
enum { HOST_LIMIT = 128, HOST_ROOM = 256 };

/* Writes the path of what is called `entry` ("new", "tmp/x") in a box. */
static void write_path(char path[MAILDIR_PATH_ROOM], const char *folder, const char *box,
                       const char *entry)
{
    snprintf(path, MAILDIR_PATH_ROOM, "%s/%s/%s", folder, box, entry);
}

/* This host's name, with the two octets that a file name of a Maildir must not have escaped. */
static const char *host_name(void)
{
    static char escaped[HOST_LIMIT + 1];
    char host[HOST_ROOM] = "";
    size_t i, used = 0;

    if (escaped[0] != '\0')
        return escaped;
    if (gethostname(host, sizeof host - 1) != 0 || host[0] == '\0')
        memcpy(host, "localhost", sizeof "localhost");
    for (i = 0; host[i] != '\0' && used + 4 <= HOST_LIMIT; i++)
        if (host[i] == '/' || host[i] == ':')
            used += (size_t)snprintf(escaped + used, sizeof escaped - used, "\\%03o",
                                     (unsigned)host[i]);
        else
            escaped[used++] = host[i];
    escaped[used] = '\0';
    return escaped;
}

static void write_name(char name[MAILDIR_NAME_ROOM])
{
    static unsigned long counter;
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    snprintf(name, MAILDIR_NAME_ROOM, "%lld.M%ldP%ldQ%lu.%s", (long long)now.tv_sec,
             now.tv_nsec / 1000, (long)getpid(), ++counter, host_name());
}

static int make_folder(const char *path)
{
    if (fault_strikes("folder-make"))
        return -1;
    return mkdir(path, S_IRWXU) == 0 || errno == EEXIST ? 0 : -1;
}

/* Makes what is missing of a box. */
static int make_box(const char *folder, const char *box)
{
    static const char *const parts[] = { "", "tmp", "cur", "new", NULL };
    char path[MAILDIR_PATH_ROOM];
    int i;

    if (make_folder(folder) != 0)
        return -1;
    for (i = 0; parts[i] != NULL; i++) {
        write_path(path, folder, box, parts[i]);
        if (make_folder(path) != 0)
            return -1;
    }
    return 0;
}

static int open_file(const char *path, int flags, const char *probe)
{
    int descriptor;

    do
        descriptor = fault_strikes(probe) ? -1 : open(path, flags | O_CLOEXEC, S_IRUSR | S_IWUSR);
    while (descriptor < 0 && errno == EINTR);
    return descriptor;
}

static int open_spool(struct spool *spool, const char *folder, const char *box)
{
    char file[sizeof "tmp/" MARK + MAILDIR_NAME_ROOM];

    snprintf(file, sizeof file, "tmp/" MARK "%s", spool->name);
    write_path(spool->path, folder, box, file);
    return open_file(spool->path, O_WRONLY | O_CREAT | O_EXCL, "spool-open");
}

int maildir_create(struct spool *spool, const char *folder, const char *box)
{
    write_name(spool->name);
    spool->descriptor = open_spool(spool, folder, box);
    if (spool->descriptor < 0 && errno == ENOENT && make_box(folder, box) == 0)
        spool->descriptor = open_spool(spool, folder, box);
    return spool->descriptor >= 0 ? 0 : -1;
}

int maildir_reopen(const struct spool *spool)
{
    return open_file(spool->path, O_RDONLY, "spool-reopen");
}

static void write_new_path(char path[MAILDIR_PATH_ROOM], const struct spool *spool,
                           const char *folder, const char *box)
{
    char file[sizeof "new/" + MAILDIR_NAME_ROOM];

    snprintf(file, sizeof file, "new/%s", spool->name);
    write_path(path, folder, box, file);
}

/* Is the file at `path` the spool file itself, under another name? */
static bool is_spool(const struct spool *spool, const char *path)
{
    struct stat one, other;

    return stat(spool->path, &one) == 0 && stat(path, &other) == 0 && file_is_same(&one, &other);
}

int maildir_link(const struct spool *spool, const char *folder, const char *box, bool is_further)
{
    char path[MAILDIR_PATH_ROOM];
    int result;

    write_new_path(path, spool, folder, box);
    if (fault_strikes(is_further ? "link-next" : "link"))
        return -1;
    result = link(spool->path, path);
    if (result != 0 && errno == ENOENT && make_box(folder, box) == 0)
        result = link(spool->path, path);
    if (result != 0 && errno == EEXIST && is_spool(spool, path))
        result = 0;
    return result;
}

void maildir_unlink(const struct spool *spool, const char *folder, const char *box)
{
    char path[MAILDIR_PATH_ROOM];

    write_new_path(path, spool, folder, box);
    unlink(path);
}

void maildir_remove(const struct spool *spool)
{
    if (!fault_strikes("spool-unlink"))
        unlink(spool->path);
}

int maildir_open_new(const char *folder, const char *box)
{
    char path[MAILDIR_PATH_ROOM];

    write_path(path, folder, box, "new");
    return open_file(path, O_RDONLY | O_DIRECTORY, "folder-open");
}

/* Whether there is a folder at `path`: 1, 0, or -1 with errno. */
static int is_folder(const char *path)
{
    struct stat status;

    if (stat(path, &status) == 0)
        return S_ISDIR(status.st_mode) ? 1 : 0;
    return errno == ENOENT || errno == ENOTDIR ? 0 : -1;
}

int maildir_has_box(const char *folder, const char *box)
{
    char path[MAILDIR_PATH_ROOM];

    write_path(path, folder, box, "");
    return is_folder(path);
}

bool maildir_has_room(const char *folder, uint64_t octets)
{
    struct statvfs status;

    return statvfs(folder, &status) != 0 || status.f_frsize == 0 ||
           octets / status.f_frsize < status.f_bavail;
}

/* Makes a file in the folder and removes it; rights alone do not tell what root may do. */
static int try_out(const char *folder)
{
    char path[MAILDIR_PATH_ROOM];
    int descriptor;

    snprintf(path, sizeof path, "%s/." MARK "%ld", folder, (long)getpid());
    descriptor = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, S_IRUSR | S_IWUSR);
    if (descriptor < 0)
        return errno == ENOSPC || errno == EDQUOT ? 0 : -1;
    close(descriptor);
    return unlink(path);
}

int maildir_start(const char *folder)
{
    if (mkdir(folder, S_IRWXU) != 0 && errno != EEXIST)
        return -1;
    if (is_folder(folder) == 0) {
        errno = ENOTDIR;
        return -1;
    }
    return access(folder, R_OK | W_OK | X_OK) == 0 ? try_out(folder) : -1;
}

/* Is `name`, in a tmp/, a file of this program on this host, and its process gone? */
static bool is_orphan(const char *name)
{
    bool is_marked = strncmp(name, MARK, strlen(MARK)) == 0;
    const char *pid = is_marked ? strchr(name + strlen(MARK), 'P') : NULL;
    const char *host = pid == NULL ? NULL : strchr(pid, '.');
    size_t digits = pid == NULL ? 0 : strspn(pid + 1, "0123456789");
    uint64_t number;

    if (host == NULL || strcmp(host + 1, host_name()) != 0 ||
        !text_number(pid + 1, digits, INT_MAX, &number) || number == 0)
        return false;
    return (pid_t)number == getpid() || (kill((pid_t)number, 0) != 0 && errno == ESRCH);
}

static bool is_stale(const char *path)
{
    struct stat status;
    time_t since = time(NULL) - STALE_S;

    return stat(path, &status) == 0 && S_ISREG(status.st_mode) && status.st_mtime < since &&
           status.st_atime < since;
}

/* Calls `act` with each entry of the folder at `path` that is no hidden one. */
static void for_each_entry(const char *path, void (*act)(const char *path, const char *entry))
{
    DIR *folder = opendir(path);
    struct dirent *entry;

    if (folder == NULL)
        return;
    while ((entry = readdir(folder)) != NULL)
        if (entry->d_name[0] != '.')
            act(path, entry->d_name);
    closedir(folder);
}

static void sweep_file(const char *tmp, const char *name)
{
    char path[MAILDIR_PATH_ROOM + MAILDIR_NAME_ROOM];

    snprintf(path, sizeof path, "%s/%s", tmp, name);
    if (is_orphan(name) || is_stale(path))
        unlink(path);
}

/* What is no Maildir may have a tmp/ that is none of our business. */
static void sweep_box(const char *folder, const char *box)
{
    static const char *const others[] = { "new", "cur", NULL };
    char path[MAILDIR_PATH_ROOM];
    int i;

    for (i = 0; others[i] != NULL; i++) {
        write_path(path, folder, box, others[i]);
        if (is_folder(path) != 1)
            return;
    }
    write_path(path, folder, box, "tmp");
    for_each_entry(path, sweep_file);
}

void maildir_sweep(const char *folder)
{
    for_each_entry(folder, sweep_box);
}
