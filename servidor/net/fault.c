/* See fault.h. Empty in any build but the diagnostic one. */
#include "net/fault.h"

#ifdef SERVIDOR_FAULTS

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WORD_ROOM = 32 };

static const struct {
    const char *name;
    int number;
} errors[] = {
    { "EIO", EIO },       { "ENOSPC", ENOSPC }, { "EDQUOT", EDQUOT }, { "EACCES", EACCES },
    { "EMFILE", EMFILE }, { "ENOMEM", ENOMEM }, { "EROFS", EROFS },   { "ENOENT", ENOENT },
    { "EINTR", EINTR },   { "ENOLCK", ENOLCK },
};

/* Takes the fault that waits at `probe`, if it is one of that kind and nobody was faster. */
static bool take(const char *probe, bool is_short, char action[WORD_ROOM])
{
    const char *path = getenv("SERVIDOR_FAULT");
    FILE *file = path == NULL ? NULL : fopen(path, "r");
    char wanted[WORD_ROOM];
    int words;

    if (file == NULL)
        return false;
    words = fscanf(file, "%31s %31s", wanted, action);
    fclose(file);
    return words == 2 && strcmp(wanted, probe) == 0 &&
           (strcmp(action, "SHORT") == 0) == is_short && unlink(path) == 0;
}

bool fault_strikes(const char *probe)
{
    char action[WORD_ROOM];
    int saved = errno;
    size_t i;

    if (take(probe, false, action)) {
        if (strcmp(action, "KILL") == 0)
            raise(SIGKILL);
        for (i = 0; i < sizeof errors / sizeof errors[0]; i++)
            if (strcmp(action, errors[i].name) == 0) {
                errno = errors[i].number;
                return true;
            }
    }
    errno = saved;
    return false;
}

size_t fault_shortens(const char *probe, size_t length)
{
    char action[WORD_ROOM];
    int saved = errno;
    bool is_short = length > 1 && take(probe, true, action);

    errno = saved;
    return is_short ? 1 : length;
}

#else

typedef int fault_is_empty; /* a source must hold something */

#endif
