/*
 * The monitoring protocol on the wire: one datagram of 14 octets asks, one of 14 answers.
 * The ITBA report has its tables for version 0, whose secret travels as it is; version 1
 * has a keyed hash in its place. servidor(8) tells all of it. Pure.
 */
#ifndef NET_MONITOR_WIRE_H
#define NET_MONITOR_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    MONITOR_LENGTH = 14, /* of every datagram, both ways */
    MONITOR_SECRET = 8,
    MONITOR_STEP_S = 30, /* seconds between two hashes of the same question */
};

/* Version 0 has the secret in the token, version 1 monitor_hash(). */
enum { MONITOR_PLAIN = 0, MONITOR_HASHED = 1 };

/* How a question was taken. */
enum monitor_status {
    MONITOR_OK,
    MONITOR_BAD_SECRET,
    MONITOR_BAD_VERSION,
    MONITOR_BAD_COMMAND,
    MONITOR_BAD_REQUEST, /* of another length */
    MONITOR_NO_FILTER,   /* a filter command, and no filter program */
    MONITOR_UNEXPECTED,
    MONITOR_STATUSES
};

/* What is asked. The first seven are the report's; numbers are never used anew. */
enum monitor_command {
    MONITOR_HISTORIC,
    MONITOR_CONCURRENT,
    MONITOR_OCTETS,
    MONITOR_MAILS,
    MONITOR_FILTER,
    MONITOR_FILTER_ON,
    MONITOR_FILTER_OFF,
    MONITOR_UPTIME,  /* in seconds */
    MONITOR_STARTED, /* seconds since 1970, UTC */
    MONITOR_WORKERS_IDLE,
    MONITOR_WORKERS_BUSY,
    MONITOR_WORKERS_BORN,
    MONITOR_WORKERS_DIED,
    MONITOR_TCP_SESSIONS,
    MONITOR_UDP_SESSIONS,
    MONITOR_TCP_MAILS,
    MONITOR_UDP_MAILS,
    MONITOR_TCP_RECEIVED, /* in octets */
    MONITOR_UDP_RECEIVED,
    MONITOR_TCP_SENT,
    MONITOR_UDP_SENT,
    MONITOR_TCP_REFUSED_4, /* replies */
    MONITOR_UDP_REFUSED_4,
    MONITOR_TCP_REFUSED_5,
    MONITOR_UDP_REFUSED_5,
    MONITOR_MAILS_REFUSED_4, /* after their text */
    MONITOR_MAILS_REFUSED_5,
    MONITOR_OCTETS_REFUSED_4, /* of these mails' texts */
    MONITOR_OCTETS_REFUSED_5,
    MONITOR_UDP_RESENDS,    /* replies, or segments of them, sent again */
    MONITOR_UDP_DUPLICATES, /* datagrams that came again */
    MONITOR_FILTER_RUNS,
    MONITOR_FILTER_FAILURES, /* that left a mail refused for now */
    MONITOR_LOST_RECORDS,    /* that a log did not take */
    MONITOR_MESSAGE_SIZE,
    MONITOR_ADDRESS_LIMIT, /* sessions from one address */
    MONITOR_LOG_TEXT,      /* are the texts of mails logged? */
    MONITOR_UDP_DROPPED,   /* datagrams of the numbered mode that mean nothing */
    MONITOR_COMMANDS,
    /* These and the ones behind them set something: monitor_setting() tells what. */
    MONITOR_SET_MESSAGE_SIZE = 0x40,
    MONITOR_SET_ADDRESS_LIMIT = 0x50,
    MONITOR_SET_LOG_TEXT = 0x60,
};

/* What answers a command. */
enum monitor_kind {
    MONITOR_QUANTITY, /* 64 bits: the low half in "Cantidad", the high one in what was reserved */
    MONITOR_BOOLEAN,
    MONITOR_NOTHING, /* that it was done */
    MONITOR_UNKNOWN, /* there is no such command */
};

enum monitor_kind monitor_kind(unsigned command);

/* The word for a command below MONITOR_COMMANDS, as in "tcp-sessions". */
const char *monitor_name(enum monitor_command command);

/* The command of that name. False if there is none. */
bool monitor_find(const char *name, enum monitor_command *command);

/*
 * Is `command` one that sets something? If so `*base` becomes MONITOR_SET_..., and `*value` what
 * it sets: 2^16 to 2^30 octets a message by commands 0x40 to 0x4e, 2^0 to 2^15 sessions from one
 * address by 0x50 to 0x5f, no (0) and yes (1) by 0x60 and 0x61.
 */
bool monitor_setting(unsigned command, enum monitor_command *base, uint64_t *value);

/* The command by which `base` (MONITOR_SET_...) becomes `value`. False if there is none. */
bool monitor_set(enum monitor_command base, uint64_t value, unsigned *command);

struct monitor_request {
    uint8_t version;
    uint16_t id;
    unsigned char token[MONITOR_SECRET];
    uint8_t command;
};

void monitor_write_request(unsigned char out[MONITOR_LENGTH],
                           const struct monitor_request *request);

enum monitor_reading {
    MONITOR_READ,
    MONITOR_STRANGE, /* no question: no signature, or the reply that refuses one */
    MONITOR_MISFIT,  /* of another length; version and id are there as far as it goes, else 0 */
};

/*
 * Reads a question. A reply that refuses one could be read as one too, whose secret no server has
 * (-u takes no octet 0): it is none, or two servers would refuse each other's refusals for ever.
 */
enum monitor_reading monitor_read_request(const void *octets, size_t length,
                                          struct monitor_request *request);

struct monitor_reply {
    uint8_t version;
    uint16_t id;
    uint8_t status;
    enum monitor_kind kind; /* how `value` is written: the reader knows what it asked for */
    uint64_t value;         /* of a boolean 0 or 1 */
};

void monitor_write_reply(unsigned char out[MONITOR_LENGTH], const struct monitor_reply *reply);

/* Reads a reply to a question whose answer is of `kind`. False if it is none. */
bool monitor_read_reply(const void *octets, size_t length, enum monitor_kind kind,
                        struct monitor_reply *reply);

/*
 * Writes what proves, in version 1, that the sender of the question knows `secret`: SipHash-2-4,
 * the most significant octet first, under the key `secret` `secret`, of the version, the id, the
 * command and then 8 octets of `step`, which is the time since 1970 in MONITOR_STEP_S. A server
 * takes the step of now and its two neighbours, so that a captured question is worth nothing
 * after 90 seconds.
 */
void monitor_hash(const struct monitor_request *request,
                  const unsigned char secret[MONITOR_SECRET], uint64_t step,
                  unsigned char token[MONITOR_SECRET]);

/* Are they the same? Takes the same time wherever they differ. */
bool monitor_same_token(const unsigned char one[MONITOR_SECRET],
                        const unsigned char other[MONITOR_SECRET]);

#endif
