/*
 * The two logs of the server: log/peticiones.log, every line that came and went, and
 * log/smtpd.log, who was there. A record is a line; records are gathered and appended
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
    bool is_quiet;     /* leave out the lines of mails' texts */
    uint64_t asks_dns; /* 1: log names instead of addresses, 0: do not */
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

/* A session with `peer` begins, or ends. Everything in between is logged as its own. */
void journal_begin(const struct peer *peer, enum transport transport);
void journal_end(void);

/*
 * A command line of `total` octets came, without its line end; `line` has the first `length`,
 * or at least as many of them as are logged.
 */
void journal_received(const char *line, size_t length, size_t total);

/* A piece of a mail's text came, as it stood on the wire, in whatever pieces. */
void journal_text(const char *octets, size_t length);

/* The line with the single dot has come: it is logged even when the text is not. */
void journal_text_end(void);

/* A reply went out: all its lines, with their CRLFs. */
void journal_sent(const char *reply, size_t length);

/* Appends what was gathered. Call it before waiting for anything. */
void journal_flush(void);

#endif
