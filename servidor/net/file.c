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
