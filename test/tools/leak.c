/*
 * A server that leaks: preloaded (LD_PRELOAD), it loses a piece of memory, or with LEAK=descriptor a
 * descriptor, with each connection that a process accepts and with each child that it forks.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <unistd.h>

enum { LOST_OCTETS = 1000 };

int accept(int listener, struct sockaddr *restrict address, socklen_t *restrict length);
pid_t fork(void);

static void *volatile lost;

static void lose(void)
{
    const char *what = getenv("LEAK");

    if (what != NULL && strcmp(what, "descriptor") == 0) {
        open("/dev/null", O_RDONLY | O_CLOEXEC);
        return;
    }
    lost = malloc(LOST_OCTETS);
    if (lost != NULL)
        memset(lost, 1, LOST_OCTETS);
}

int accept(int listener, struct sockaddr *restrict address, socklen_t *restrict length)
{
    static int (*real)(int, struct sockaddr *, socklen_t *);

    if (real == NULL)
        *(void **)&real = dlsym(RTLD_NEXT, "accept");
    lose();
    return real(listener, address, length);
}

pid_t fork(void)
{
    static pid_t (*real)(void);
    pid_t child;

    if (real == NULL)
        *(void **)&real = dlsym(RTLD_NEXT, "fork");
    child = real();
    if (child > 0)
        lose();
    return child;
}
