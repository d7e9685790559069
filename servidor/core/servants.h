/*
 * The servants of the master: the processes of which there is one each, the door and the
 * responder. One that dies is replaced, after a pause that grows (core/births.h) if it died at
 * once.
 */
#ifndef CORE_SERVANTS_H
#define CORE_SERVANTS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/server.h"

/* Forks those that are missing and have a port, unless births wait. A failure is said. */
void servants_keep(struct server *server);

/*
 * Notes that the process `child` has ended with the wait status `status`; `is_said`: a violent
 * end is said. One at birth is in any case. False if it was no servant.
 */
bool servants_bury(pid_t child, int status, bool is_said);

/* Sends each of them the signal `number`. */
void servants_tell(int number);

/* Is one of them there? */
bool servants_have_any(void);

/* When a missing one may be forked again (clock_now_ms()); 0: none is missing. */
int64_t servants_due_ms(void);

#endif
