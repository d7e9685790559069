/*
 * Mailboxes on disk, as Maildirs (tmp/, new/, cur/) side by side in the mail folder. The one
 * owner of link(2). A box has a name of mail/box.h; its folders are made when they are
 * missing, at any time. Functions return 0, or -1 with errno, unless they say otherwise.
 */
#ifndef MAIL_MAILDIR_H
#define MAIL_MAILDIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MAILDIR_PATH_ROOM = 4096, MAILDIR_FOLDER_LIMIT = 3072, MAILDIR_NAME_ROOM = 256 };

/* A mail that is coming in: a file in the tmp/ of one box, in no new/ yet. */
struct spool {
    int descriptor;
    char name[MAILDIR_NAME_ROOM]; /* what it is called in every new/ */
    char path[MAILDIR_PATH_ROOM]; /* where it is now */
};

/* Makes the mail folder if there is none, and sees whether it can be used; it may be full. */
int maildir_start(const char *folder);

/*
 * Removes what a crash has left in the tmp/ of every Maildir: files of this program on this
 * host whose process is gone, and other programs' that nobody has touched for 36 hours.
 */
void maildir_sweep(const char *folder);

/* Makes a spool file in `box`, for writing. */
int maildir_create(struct spool *spool, const char *folder, const char *box);

/* Opens the spool file for reading, at its start. The descriptor is the caller's; -1 with errno. */
int maildir_reopen(const struct spool *spool);

/*
 * Puts the spool file into the new/ of `box`, where it was not yet (a box that is named twice
 * in one mail has it already: that is fine). `is_further` says that another box had it before.
 */
int maildir_link(const struct spool *spool, const char *folder, const char *box, bool is_further);

/* Takes it out of that new/ again, if a reader has not yet moved it. */
void maildir_unlink(const struct spool *spool, const char *folder, const char *box);

/* Removes the spool file from tmp/. */
void maildir_remove(const struct spool *spool);

/* Opens the new/ of `box` for a sync. The descriptor is the caller's; -1 with errno. */
int maildir_open_new(const char *folder, const char *box);

/* Whether there is such a box: 1, 0, or -1 with errno where the system does not tell. */
int maildir_has_box(const char *folder, const char *box);

/* Are `octets` more to be had where the mail folder is? True if the system does not tell. */
bool maildir_has_room(const char *folder, uint64_t octets);

#endif
