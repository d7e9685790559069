/*
 * log/servidor.pid: the master's process number, and a lock that the system drops when the
 * master dies, however it dies. So a file left over by a crash keeps nobody out.
 */
#ifndef CORE_PIDFILE_H
#define CORE_PIDFILE_H

#include <sys/types.h>

/*
 * The process that holds the lock on `path`, 0 if there is none, or no plain file. It is only
 * looked at: root may do so where others could have put something else.
 */
pid_t pidfile_holder(const char *path);

/*
 * Takes the lock and writes this process's number. 0, or -1 with errno: EAGAIN or EACCES
 * when another process holds it, ELOOP for a link, EEXIST for what else is no plain file. The
 * lock lasts as long as the process. The file is its owner's alone, since whoever may read it may
 * lock it too.
 */
int pidfile_take(const char *path);

/* Removes the file. */
void pidfile_leave(const char *path);

#endif
