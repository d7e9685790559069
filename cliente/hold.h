/*
 * Sessions of one process that are open at the same time: all are asked for at once, greeted as
 * the greetings come, held, and then had one after the other.
 */
#ifndef CLIENTE_HOLD_H
#define CLIENTE_HOLD_H

#include <stdint.h>

struct crew_child;
struct drive_way;

/*
 * Has `count` sessions so, counting in the child's tally. When all are greeted or have failed,
 * the child says that it is CREW_OPEN, and holds them until gate 1 opens.
 */
void hold_run(struct crew_child *child, const struct drive_way *way, uint64_t count);

#endif
