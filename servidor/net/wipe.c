/* See wipe.h. */
#include "net/wipe.h"

#include <string.h>

void wipe(void *memory, size_t length)
{
    /* A compiler leaves out what it knows to be looked at by nobody: it does not know this. */
    static void *(*const volatile set)(void *, int, size_t) = memset;

    set(memory, 0, length);
}
