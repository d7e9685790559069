/*
 * Waits that are spread a little, so that those who began together do not go on together.
 * Pure.
 */
#ifndef NET_SPREAD_H
#define NET_SPREAD_H

#include <stdint.h>

/* 64 bits of chance. `*chance` is any number at first, a seed, and changes with each call. */
uint64_t spread_draw(uint64_t *chance);

/* `wait_ms` times 1 to 1.25, as chance has it. */
int64_t spread_ms(uint64_t *chance, int64_t wait_ms);

#endif
