/*
 * Processes: the one owner of fork(2) and exec(2).
 */
#ifndef CORE_PROCESS_H
#define CORE_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/*
 * Makes a child that runs `live(context)` and then ends with status 0; it never returns
 * into its parent's code. Returns its process number, or -1 with errno.
 */
pid_t process_fork(void (*live)(void *context), void *context);

/*
 * Gives a program that was started without one of the standard descriptors /dev/null there, or
 * a log or a port would have its number, and keeps another for process_detach(), which may be
 * called where there is no way to it any more (chroot(2)). To be called before anything is opened.
 */
void process_start(void);

/* Ends this child at once, saying nothing and running nothing of its parent's. */
_Noreturn void process_end(int status);

/*
 * Becomes the program at `path`, with this process's environment; a text that names no
 * interpreter is sh's (execvp(3)). Returns only with errno.
 */
void process_become(const char *path, char *const arguments[]);

/* Has this child ended? It is not reaped by the question. */
bool process_has_ended(pid_t child);

/*
 * Ends the process group of the child that was made its leader, and the child, in whatever group
 * it is now, and reaps it; its wait status goes to `status`. A child that had ended before keeps
 * its number until then, and so does its group. 0; or -1 with errno, and how the child ended is
 * not known.
 */
int process_end_group(pid_t leader, int *status);

/* A child that has ended: its number and wait status, or 0 if there is none now. */
pid_t process_reap(int *status);

/* Writes how a child ended, as in "signal 9" or "exit status 1", into `out`. Returns `out`. */
const char *process_describe(int status, char *out, size_t room);

/*
 * Goes on in the background. The calling process does not return: it waits for the word of
 * its child, prints it and ends with 0, or ends with 1 if the child ends without one. The
 * child returns with the descriptor for process_ready(), still able to complain on standard
 * error.
 */
int process_background(void);

/*
 * Lets the terminal go: standard error goes to the end of `errors_path`, or nowhere if that
 * cannot be opened. To be done before children are born, or they would hold the terminal,
 * or a pipe to somebody who waits for its end.
 */
void process_detach(const char *errors_path);

/* Standard error goes to the end of `errors_path`, or nowhere. */
void process_complain_to(const char *errors_path);

/* Standard error goes nowhere. */
void process_hush(void);

/* Gives the waiting parent the word: `said`, for standard output. */
void process_ready(int parent, const char *said);

#endif
