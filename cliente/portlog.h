/*
 * The client's log, FOLDER/PORT.txt: what the server said, in the fixed words of
 * the course. Every record is written when it is made, so a full disk is noticed
 * at once. A server's text cannot forge a record: all but the ends of its reply's
 * lines is escaped.
 *
 * Each function that returns an int gives 0, or -1 after saying what is wrong.
 */
#ifndef CLIENTE_PORTLOG_H
#define CLIENTE_PORTLOG_H

#include <stdint.h>

struct portlog;
struct reply;

/*
 * Opens the log for appending. `protocol` is "TCP" or "UDP" and must outlive the
 * log. Returns NULL after saying why not; else portlog_close() frees it.
 */
struct portlog *portlog_open(const char *folder, uint16_t port, const char *protocol);

int portlog_greeting(struct portlog *log, const struct reply *reply);
int portlog_reply(struct portlog *log, const struct reply *reply);

/* The remark after a reply that refuses a recipient. */
int portlog_refused_recipient(struct portlog *log);

/* The last line, with the date of now. */
int portlog_done(struct portlog *log);

int portlog_close(struct portlog *log);

#endif
