/*
 * Whose rights the server has. Started by root, for a port below 1024, it has its ports and
 * then becomes the user of the setting `user`, in the folder of the setting `chroot`, for good.
 *
 * The only file that looks beyond POSIX.1-2008, which has no chroot(2) and no initgroups(3).
 */
#ifndef CORE_PRIVILEGES_H
#define CORE_PRIVILEGES_H

#include <stdbool.h>

#include "core/config.h"

/*
 * Finds out who the server that `config` asks for will be, while nothing is open yet. 0; or -1
 * after saying on standard error why there can be none: no such user, root as the user, a
 * change that root alone may make, or a port below 1024 that root would keep.
 */
int privileges_find(const struct config *config);

/* Will it be root, once privileges_drop() is done? For after privileges_find(). */
bool privileges_stay_roots(void);

/*
 * Becomes who privileges_find() found: its user, its groups, no others, with its HOME, USER
 * and LOGNAME, and umask 077; and `config->chroot` is the root folder then, and the
 * current one. 0; or -1 after saying why not, and then the process is to end: part of its
 * rights may be gone.
 */
int privileges_drop(const struct config *config);

#endif
