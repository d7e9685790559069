/*
 * All that is set before the server runs, and by SIGHUP while it runs. Filled in by
 * options.c and settings.c; core hands each room of the house its part.
 */
#ifndef CORE_CONFIG_H
#define CORE_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "mail/config.h"
#include "smtp/session.h"
#include "watch/journal.h"
#include "watch/monitor.h"

/* From whom a UDP session in plain mode is accepted. */
enum udp_plain { UDP_PLAIN_TRUSTED, UDP_PLAIN_ANY, UDP_PLAIN_OFF };

/* Which port a UDP session is answered from. */
struct udp_ports {
    bool is_same;       /* the well-known one */
    uint16_t low, high; /* else one of these; 0 and 0: any that the system chooses */
};

enum { CONFIG_PATH_ROOM = 1024, CONFIG_NAME_ROOM = 256 };

struct config {
    uint16_t port, monitor_port; /* 0: the system chooses */
    bool is_foreground;
    bool is_single; /* one session on standard input and output, and no server */
    const char *settings_file; /* or NULL */
    struct journal_config journal;
    struct session_config session;
    struct mail_config mail;
    struct monitor_config monitor;
    bool has_secret; /* one was given; from the start on: one that is not the default */
    char secret_file[CONFIG_PATH_ROOM]; /* empty: none */
    char user[CONFIG_NAME_ROOM];        /* who the server becomes; empty: who started it */
    char chroot[CONFIG_PATH_ROOM];      /* what is its root folder then; empty: the system's */
    uint64_t asks_dns; /* 1: clients have the names that the DNS tells, 0: none */
    uint64_t sessions_per_worker;
    uint64_t sessions_per_address;
    uint64_t workers_min;
    uint64_t workers_max;
    uint64_t udp_workers_max;
    uint64_t drain_timeout_s;
    uint64_t udp_plain; /* enum udp_plain */
    struct udp_ports udp_ports;
};

#endif
