/* See file.h. */
#include "net/file.h"

#include <errno.h>
#include <fcntl.h>

int file_open(const char *path, int flags, mode_t rights)
{
    int descriptor;

    do
        descriptor = open(path, flags | O_CLOEXEC, rights);
    while (descriptor < 0 && errno == EINTR);
    return descriptor;
}

bool file_is_same(const struct stat *one, const struct stat *other)
{
    return one->st_dev == other->st_dev && one->st_ino == other->st_ino;
}

bool file_is_at(int descriptor, const char *path)
{
    struct stat opened, named;

    return fstat(descriptor, &opened) == 0 && stat(path, &named) == 0 &&
           file_is_same(&opened, &named);
}

void file_close_to_others(int descriptor, const char *path)
{
    const mode_t rights = S_IRUSR | S_IWUSR, all = S_IRWXU | S_IRWXG | S_IRWXO;
    struct stat opened, named;

    /* A link is not followed here: what it names may have been opened through it. */
    if (fstat(descriptor, &opened) == 0 && lstat(path, &named) == 0 &&
        file_is_same(&opened, &named) && S_ISREG(opened.st_mode) && opened.st_nlink == 1 &&
        (opened.st_mode & all) != rights)
        fchmod(descriptor, rights);
}
