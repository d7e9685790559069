/*
 * One SMTP session (RFC 5321) from greeting to goodbye, over any channel. Knows no
 * socket, no signal and no file: octets come in and replies go out through the channel,
 * mail goes to a delivery, lines are told to the journal.
 */
#ifndef SMTP_SESSION_H
#define SMTP_SESSION_H

#include <stdint.h>

#include "mail/config.h"
#include "net/channel.h"
#include "net/peer.h"
#include "smtp/line.h"
#include "smtp/replies.h"

enum { SESSION_NAME_ROOM = 256 };

/* What a session may be told and may use. 0 is not a valid value for any limit. */
struct session_config {
    enum dialect dialect;
    char name[SESSION_NAME_ROOM]; /* the server's, said in replies */
    uint64_t message_size;        /* octets in a message */
    uint64_t recipients;          /* of a message */
    uint64_t errors;              /* refused commands: at this one the session ends */
    uint64_t command_line;        /* octets in a command line, its line end included */
    uint64_t read_timeout_s;      /* for the client to say something */
    uint64_t session_timeout_s;   /* for all of a session */
    uint64_t rejects_bare;        /* 1: LF and CR count only together, 0: LF alone ends a line */
    const struct mail_config *mail;
};

/* Who is at the other end. */
struct session_client {
    struct peer peer;
    struct peer own;  /* what it has reached us by */
    const char *name; /* what the DNS calls it; empty if that was not asked */
};

/*
 * Runs a session with `client` at the other end of `channel`, which stays the caller's
 * to close. `first_wait_s` is how long the first command may take. Returns when the
 * session is over, whoever ended it and how; the last reply leaves when the channel is closed.
 * Nothing that the client said is left in its memory then (net/wipe.h).
 */
void session_run(const struct session_config *config, struct channel *channel,
                 const struct session_client *client, uint64_t first_wait_s);

/* Ends a session before it begins: `reply` instead of a greeting. */
void session_refuse(const struct session_config *config, struct channel *channel,
                    enum reply reply);

#endif
