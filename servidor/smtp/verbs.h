/*
 * What a session remembers, and what each verb does to it. Shared by session.c, which
 * carries octets and keeps time, and verbs.c, which knows the commands; nobody else
 * includes this.
 */
#ifndef SMTP_VERBS_H
#define SMTP_VERBS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "smtp/data.h"
#include "smtp/session.h"

/* One mail, from MAIL to the end of its text or whatever drops it (RFC 5321 3.3). */
struct transaction {
    uint64_t recipients;
    struct data_reader text;
};

struct session {
    const struct session_config *config;
    struct channel *channel;
    bool has_hello;   /* HELO or EHLO was said */
    bool is_in_text;  /* what comes is the text of a mail, not commands */
    bool is_over;     /* nothing more is read */
    uint64_t errors;  /* refused commands */
    int64_t deadline_ms; /* of the whole session */
    struct transaction *mail; /* the open one, or NULL: points to storage */
    struct transaction storage;
    struct line_reader line;
};

/* Carries out one command line. Returns the reply to it. */
enum reply verbs_execute(struct session *session, const char *line, size_t length);

/* The names of the verbs that are offered, each behind a blank. */
const char *verbs_list(void);

#endif
