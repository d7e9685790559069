/* Octets that nobody can foretell, for nonces, keys and the seeds of timers. */
#ifndef NET_RANDOM_H
#define NET_RANDOM_H

#include <stddef.h>

/* Fills `octets` from the system's source of chance. Returns 0, or -1 with errno. */
int random_fill(void *octets, size_t length);

#endif
