/* See random.h. */
#include "net/random.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/* A read may be short. One that reads nothing is an error, which has no errno of its own. */
static int fill(int source, unsigned char *octets, size_t length)
{
    ssize_t n;

    while (length > 0) {
        n = read(source, octets, length);
        if (n > 0) {
            octets += n;
            length -= (size_t)n;
        } else if (n == 0) {
            errno = EIO;
            return -1;
        } else if (errno != EINTR) {
            return -1;
        }
    }
    return 0;
}

int random_fill(void *octets, size_t length)
{
    int source = open("/dev/urandom", O_RDONLY | O_CLOEXEC), status, error;

    if (source < 0)
        return -1;
    status = fill(source, octets, length);
    error = errno;
    close(source);
    errno = error;
    return status;
}
