/*
 * The two logs of the server: log/peticiones.log, every line that came and went, and
 * log/smtpd.log, who was there and what mail was kept. Records are gathered and appended
 * with one write(2), so those of many workers never mix. A log that cannot be written
 * is said once on standard error, its records are counted as lost, and nothing else
 * happens: no session ends for its sake.
 */
#ifndef WATCH_JOURNAL_H
#define WATCH_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/peer.h"
#include "watch/counters.h"

struct journal_config {
    const char *folder;
    uint64_t has_text; /* 1: with the lines of mails' texts */
};

/*
 * Opens both logs in `config->folder` (kept by reference). 0; or -1 with errno, and in
 * `path` the file it could not open.
 */
enum { JOURNAL_PATH_ROOM = 4096 };
int journal_open(const struct journal_config *config, char path[JOURNAL_PATH_ROOM]);

/*
 * The master, having raised counters()->log_generation after a rotation: opens the logs anew,
 * and says if it cannot. Workers follow with their next journal_flush().
 */
void journal_reopen(void);

/*
 * A session with `peer`, who is called `name` in the log, begins, or ends. Everything in between
 * is logged as its own. `name` is kept by reference.
 */
void journal_begin(const struct peer *peer, const char *name, enum transport transport);
void journal_end(void);

/*
 * A command line of `total` octets came, without its line end; `line` has the first `length`,
 * or at least as many of them as are logged.
 */
void journal_received(const char *line, size_t length, size_t total);

/*
 * A piece of a mail's text came, as it stood on the wire, in whatever pieces. Only what may be kept
 * is told: a line of an octet makes a record of 70, and what is kept has a limit.
 */
void journal_text(const char *octets, size_t length);

/*
 * The line with the single dot has come. It is logged even when the text is not; `is_told`:
 * journal_text() was given it.
 */
void journal_text_end(bool is_told);

/* A piece of text has ended, maybe within a line: that is logged as far as it came. */
void journal_chunk_end(void);

/* A mail that was kept. */
struct journal_mail {
    const char *id;         /* its queue id */
    const char *sender;     /* an address without brackets; empty for the null reverse-path */
    const char *recipients; /* addresses, each with its NUL: `recipients_length` octets of them */
    size_t recipients_length;
    const char *file; /* its name in the mailboxes */
};

/* It is logged in both logs, so that its queue id leads to who sent it, and when. */
void journal_mail(const struct journal_mail *mail);

/* A reply went out: all its lines, with their CRLFs. */
void journal_sent(const char *reply, size_t length);

/* Appends what was gathered. Call it before waiting for anything. */
void journal_flush(void);

#endif
