/*
 * The servants of the master: the processes of which there is one each, the door and the
 * responder. One that dies is replaced.
 */
#ifndef CORE_SERVANTS_H
#define CORE_SERVANTS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/server.h"

enum servant { SERVANT_DOOR, SERVANT_RESPONDER, SERVANTS };

/* Forks the servant if it is missing, unless it has just died. */
void servants_keep(struct server *server, enum servant servant);

/*
 * Notes that the process `child` has ended with the wait status `status`; `is_said`: a violent
 * end is said. False if it was no servant.
 */
bool servants_bury(pid_t child, int status, bool is_said);

/* Sends the servant a signal, if there is one. */
void servants_tell(enum servant servant, int number);

bool servants_have(enum servant servant);

/* When a missing one may be forked again (clock_now_ms()); 0: none is missing. */
int64_t servants_due_ms(void);

#endif
