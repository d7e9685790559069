/*
 * Settings that an operator changes while the server runs, through the monitor. They count for
 * sessions that begin from then on, and only until the settings file is read again.
 */
#ifndef WATCH_STEER_H
#define WATCH_STEER_H

#include <stdint.h>

#include "watch/counters.h"

void steer_set(enum steering what, uint64_t value);

/* All are again as configured. */
void steer_reset(void);

/* The value that counts now, where `configured` is that of the settings. */
uint64_t steer_now(enum steering what, uint64_t configured);

#endif
