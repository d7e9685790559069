/*
 * Group commit: makes the entries of a mailbox's new/ folder survive a power cut, at the
 * cost of few fsync(2)s where many workers ask for it at once.
 */
#ifndef MAIL_SYNC_H
#define MAIL_SYNC_H

#include <stdint.h>

/* The present moment, as a sync knows it: to be asked for when the last link has been made. */
uint64_t sync_moment(void);

/*
 * Returns 0 when what was linked into the new/ of `box` before the moment `since`, and the
 * folders on the way to it, are on disk; -1 with errno if that cannot be had.
 */
int sync_box(const char *folder, const char *box, uint64_t since);

/* fsync(2) that is not interrupted; `probe` is its fault probe. 0, or -1 with errno. */
int sync_file(int descriptor, const char *probe);

#endif
