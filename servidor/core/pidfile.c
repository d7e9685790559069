/* See pidfile.h. */
#include "core/pidfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "net/file.h"

/*
 * Kept open for the life of the process: closing any descriptor of the file drops the lock.
 * Children do not inherit the lock, and their copies of the descriptor do not matter.
 */
static int held = -1;

static struct flock whole_file(void)
{
    return (struct flock){ .l_type = F_WRLCK, .l_whence = SEEK_SET };
}

static int fail(int descriptor)
{
    int saved = errno;

    close(descriptor);
    errno = saved;
    return -1;
}

/*
 * Opens the file, which somebody else may have put there while the server still has rights that
 * he lacks: no link is followed, and no device or pipe is waited for, written to or believed.
 */
static int open_plain(const char *path, int flags)
{
    int descriptor = file_open(path, flags | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY,
                               S_IRUSR | S_IWUSR);
    struct stat status;

    if (descriptor < 0)
        return -1;
    if (fstat(descriptor, &status) != 0)
        return fail(descriptor);
    if (S_ISREG(status.st_mode))
        return descriptor;
    errno = EEXIST;
    return fail(descriptor);
}

pid_t pidfile_holder(const char *path)
{
    struct flock lock = whole_file();
    int descriptor = open_plain(path, O_RDONLY);
    pid_t holder = 0;

    if (descriptor < 0)
        return 0;
    if (fcntl(descriptor, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK)
        holder = lock.l_pid;
    close(descriptor);
    return holder;
}

/* The locked file, or -1 with errno. */
static int open_locked(const char *path)
{
    for (;;) {
        struct flock lock = whole_file();
        int descriptor = open_plain(path, O_RDWR | O_CREAT);

        if (descriptor < 0)
            return -1;
        file_close_to_others(descriptor, path);
        if (fcntl(descriptor, F_SETLK, &lock) != 0)
            return fail(descriptor);
        /* Its last holder may have removed it meanwhile. */
        if (file_is_at(descriptor, path))
            return descriptor;
        close(descriptor);
    }
}

int pidfile_take(const char *path)
{
    char text[32];
    int length = snprintf(text, sizeof text, "%ld\n", (long)getpid());
    int descriptor = open_locked(path);

    if (descriptor < 0)
        return -1;
    if (ftruncate(descriptor, 0) != 0 ||
        write(descriptor, text, (size_t)length) != (ssize_t)length)
        return fail(descriptor);
    held = descriptor;
    return 0;
}

void pidfile_leave(const char *path)
{
    if (held >= 0)
        unlink(path);
}
