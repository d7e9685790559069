/*
 * How the processes of a load tell what is new: batches through one pipe, each of them one
 * write(2) of no more octets than POSIX promises not to mix with another's.
 */
#ifndef CLIENTE_NEWS_H
#define CLIENTE_NEWS_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tally;

struct news_item {
    uint64_t cell, value; /* as in tally_merge() */
};

enum { NEWS_ITEMS = (_POSIX_PIPE_BUF - 16) / (int)sizeof(struct news_item) };

struct news_batch {
    uint32_t sender;
    uint32_t phase; /* that the sender has come to; 0: it says nothing of that */
    uint64_t count; /* of items */
    struct news_item items[NEWS_ITEMS];
};

/*
 * Tells all that `tally` has, which is 0 afterwards, and then that `sender` has come to `phase`,
 * if that is not 0. Waits while the pipe is full. Returns 0, or -1 with errno.
 */
int news_tell(int pipe, uint32_t sender, uint32_t phase, struct tally *tally);

/* What was read of the pipe. Begin with 0 in `used` and `taken`. */
struct news_inbox {
    size_t used, taken;
    char octets[1 << 16];
};

/* Reads what is there, or waits for it. Returns false at the end of the pipe. */
bool news_read(int pipe, struct news_inbox *inbox);

/* Takes the next whole batch out of the inbox; false if there is none. */
bool news_next(struct news_inbox *inbox, struct news_batch *batch);

#endif
