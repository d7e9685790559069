/*
 * What the system refuses us again and again (memory, descriptors, the disk) is said on
 * standard error once in a while, whichever worker meets it.
 */
#ifndef WATCH_TROUBLE_H
#define WATCH_TROUBLE_H

#include "watch/counters.h"

/* Is it time to speak of that again? Whoever is told so does; others are not for a while. */
bool trouble_is_due(enum trouble_kind kind);

/* Says that `what` fails, with the reason in errno, and what comes of it. Keeps errno. */
void trouble_say(enum trouble_kind kind, const char *what, const char *consequence);

#endif
