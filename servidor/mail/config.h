/* What keeping mail may be told: filled in from options and settings. */
#ifndef MAIL_CONFIG_H
#define MAIL_CONFIG_H

#include <stdint.h>

enum { MAIL_DOMAINS_ROOM = 4096 };

struct mail_config {
    const char *folder;       /* of all mailboxes */
    uint64_t is_synced;       /* 1: a 250 means on disk; 0: it means written */
    uint64_t knows_mailboxes; /* 1: only those that exist get mail */
    uint64_t has_tags;        /* 1: user+tag is user */
    const char *filter;       /* the command line of a program (mail/filter.h); NULL: none */
    uint64_t filter_timeout_s;
    char domains[MAIL_DOMAINS_ROOM]; /* ours, each with a blank behind it; empty: all are */
};

#endif
