/*
 * Memory that held what a client said, made all zeros when its session is over, so that a worker
 * has nothing of it left when the next one begins: neither in its own buffers nor on the heap.
 * Each module wipes what it keeps, and no further than it was used, where the next piece would
 * overwrite it or where the session ends; core/worker wipes the stack. Pure.
 */
#ifndef NET_WIPE_H
#define NET_WIPE_H

#include <stddef.h>

/* Makes `length` octets zeros, also where nobody looks at them any more. */
void wipe(void *memory, size_t length);

#endif
