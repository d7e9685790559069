/*
 * Files: how one is opened, and which is which, since a name may be another file's by the time it
 * is used.
 */
#ifndef NET_FILE_H
#define NET_FILE_H

#include <stdbool.h>
#include <sys/stat.h>

/* open(2), again where a signal interrupts it, and closed by an exec. */
int file_open(const char *path, int flags, mode_t rights);

/* Do both tell of one file, under whatever names? */
bool file_is_same(const struct stat *one, const struct stat *other);

/* Does `path` name the file that `descriptor` has open? False as well if it names none. */
bool file_is_at(int descriptor, const char *path);

/*
 * Leaves the file behind `descriptor`, which was opened at `path`, to its owner alone: not even
 * read, since whoever may read a file may lock it. What has other names as well is not touched,
 * as it may be somebody else's; and where the system refuses, the file stays as it is.
 */
void file_close_to_others(int descriptor, const char *path);

#endif
