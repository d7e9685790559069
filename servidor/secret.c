/* See secret.h. */
#include "secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool refuse(const char *path, const char *why)
{
    fprintf(stderr, "servidor: secret-file=%s: %s\n", path, why);
    return false;
}

static bool refuse_file(const char *path)
{
    char why[256];

    snprintf(why, sizeof why, "%s: name a file that can be read", strerror(errno));
    return refuse(path, why);
}

/* Takes the secret out of what the file begins with: a line of 8 octets. */
static bool take(const char *path, const char *text, size_t length,
                 unsigned char secret[MONITOR_SECRET])
{
    size_t line = 0;

    while (line < length && text[line] != '\n' && text[line] != '\r')
        line++;
    if (line != MONITOR_SECRET)
        return refuse(path, "its first line is to have 8 octets");
    memcpy(secret, text, MONITOR_SECRET);
    return true;
}

bool secret_read(const char *path, unsigned char secret[MONITOR_SECRET])
{
    char text[MONITOR_SECRET + 2];
    struct stat status;
    ssize_t got = -1;
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    bool is_private;

    if (descriptor < 0)
        return refuse_file(path);
    is_private = fstat(descriptor, &status) == 0 && (status.st_mode & (S_IRWXG | S_IRWXO)) == 0;
    if (is_private)
        got = read(descriptor, text, sizeof text);
    close(descriptor);
    if (!is_private)
        return refuse(path, "others may read it: chmod 600");
    return got >= 0 ? take(path, text, (size_t)got, secret) : refuse_file(path);
}
