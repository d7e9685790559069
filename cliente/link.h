/*
 * A link carries one dialogue to a server: order lines out, replies in. There is
 * one kind for TCP and for each mode of UDP; the dialogue knows none of them. To add
 * a kind, write its functions and name it in choices.c.
 */
#ifndef CLIENTE_LINK_H
#define CLIENTE_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/peer.h"

struct order;
struct reply;

/* The most addresses of one host that are tried. */
enum { LINK_ADDRESSES = 8 };

/* Whom to reach, and how patiently. */
struct link_target {
    const char *host;
    uint16_t port;
    struct peer peers[LINK_ADDRESSES]; /* the host's, in the order in which to try them */
    size_t peer_count;
    unsigned retries;  /* of what was not answered, in the plain mode */
    int64_t wait_ms;   /* for a reply; in the plain mode the first of several waits */
    unsigned window;   /* datagrams under way to us at a time, in the numbered mode */
    bool is_line_each; /* a line a datagram, in the numbered mode */
};

enum link_result {
    LINK_SENT,   /* taken; no reply is due, or none has come yet */
    LINK_REPLY,  /* `reply` is filled, and valid until the next call on the link */
    LINK_SILENT, /* no reply within the waits and retries */
    LINK_GONE,   /* the server closed or refuses: see `reason` and `error` */
    LINK_UNSENT, /* this system cannot send it, or not connect; `error` says why */
    LINK_NOISE,  /* the server answers, but not with replies */
    LINK_DENIED, /* no session can be had; `reason` says why */
    LINK_ENDED   /* all was answered but QUIT, and no answer to that will come */
};

struct link {
    const struct link_kind *kind;
    const struct link_target *target;
    int socket;          /* for who waits for several links; it may change in greet() */
    uint16_t local_port; /* after open(); reach() does not ask for it */
    unsigned sends;     /* how often the last thing was sent: a hello, to each address */
    int error;          /* an errno, with LINK_GONE (0: an orderly close) and LINK_UNSENT;
                           with LINK_DENIED the code by which the server refused, or 0 */
    const char *reason; /* if not NULL, what `error` cannot say */
    char words[64];     /* room for a reason that has to be made */
};

/* What a link did so far. */
struct link_counts {
    uint64_t datagrams, resends; /* sent, and how many of these again */
    uint64_t duplicates;         /* received, and known already */
    int64_t round_trip_ms;       /* the median; -1: none was measured */
};

struct link_kind {
    const char *name;        /* in the log and on the command line */
    int64_t default_wait_ms;

    /*
     * Makes a link with a local port. `target` must outlive it. Returns NULL
     * after saying why not; else close() frees it.
     */
    struct link *(*open)(const struct link_target *target);

    /*
     * The same without waiting for anything: a connection is asked for, or a hello said, and
     * greet() sees to the rest. Returns NULL with errno after saying why not.
     */
    struct link *(*reach)(const struct link_target *target);

    /* Waits for the first reply, over UDP after asking for it. Never LINK_SENT. */
    enum link_result (*greet)(struct link *link, struct reply *reply);

    /* Sends a line and its CRLF and waits for the reply to it. Never LINK_SENT. */
    enum link_result (*ask)(struct link *link, const struct order *line, struct reply *reply);

    /*
     * Sends, now or with lines that follow, a line to which no reply is due.
     * LINK_REPLY: the server ended the session with a reply all the same.
     */
    enum link_result (*text)(struct link *link, const struct order *line, struct reply *reply);

    /*
     * Sends what waits to be sent, and waits for the next reply; of several that came at once
     * each has its turn. Never LINK_SENT. NULL where replies have no order.
     */
    enum link_result (*hear)(struct link *link, struct reply *reply);

    /*
     * Does what is due while nothing is asked, without waiting. Returns until when it need not
     * be called again, unless something comes (clock_now_ms()). NULL where nothing ever is due.
     */
    int64_t (*idle)(struct link *link);

    /* Tells what was counted. NULL where nothing is. */
    void (*count)(const struct link *link, struct link_counts *counts);

    /* Ends the link without sending what waits to be sent. */
    void (*close)(struct link *link);
};

extern const struct link_kind link_tcp, link_plain, link_numbered;

/*
 * Looks up the addresses of the target's host, at most LINK_ADDRESSES, which every link needs.
 * Returns 0, or -1 after saying why there is none.
 */
int link_resolve(struct link_target *target);

/*
 * From now on no link of this process waits any more: its time is up. For a signal handler;
 * who is about to wait at that very moment needs a second one.
 */
void link_give_up(void);

bool link_has_given_up(void);

/* For the kinds alone, in link.c: */

/* A TCP socket of `family` whose calls return instead of wait. Returns it, or -1 with errno. */
int link_stream(int family);

/* Makes a socket's calls return instead of wait. Returns 0, or -1 with errno. */
int link_never_block(int socket);

/* Is `error` the errno of a call that would have waited, or was interrupted? */
bool link_is_passing(int error);

/*
 * Waits until `socket` is ready for one of `events` (of poll(2)), or failed, and
 * returns which. Returns 0 once `deadline_ms` of clock_now_ms() has passed, even
 * if it is ready: a flood of input cannot move a deadline.
 */
short link_wait(int socket, short events, int64_t deadline_ms);

#endif
