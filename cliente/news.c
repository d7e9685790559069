/* See news.h. */
#include "news.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "tally.h"

static size_t batch_length(const struct news_batch *batch)
{
    return offsetof(struct news_batch, items) + (size_t)batch->count * sizeof batch->items[0];
}

static int send_batch(int pipe, const struct news_batch *batch)
{
    ssize_t n;

    _Static_assert(sizeof *batch <= _POSIX_PIPE_BUF, "a batch is written at once");
    do
        n = write(pipe, batch, batch_length(batch));
    while (n == -1 && errno == EINTR);
    return n == -1 ? -1 : 0;
}

int news_tell(int pipe, uint32_t sender, uint32_t phase, struct tally *tally)
{
    struct news_batch batch = { .sender = sender };
    uint64_t cell = 0, value;

    while (tally_take(tally, &cell, &value)) {
        batch.items[batch.count++] = (struct news_item){ .cell = cell, .value = value };
        if (batch.count == NEWS_ITEMS) {
            if (send_batch(pipe, &batch) != 0)
                return -1;
            batch.count = 0;
        }
    }
    batch.phase = phase;
    return batch.count == 0 && phase == 0 ? 0 : send_batch(pipe, &batch);
}

bool news_read(int pipe, struct news_inbox *inbox)
{
    ssize_t n;

    inbox->used -= inbox->taken;
    memmove(inbox->octets, inbox->octets + inbox->taken, inbox->used);
    inbox->taken = 0;
    n = read(pipe, inbox->octets + inbox->used, sizeof inbox->octets - inbox->used);
    if (n > 0)
        inbox->used += (size_t)n;
    return n > 0 || (n == -1 && errno == EINTR);
}

bool news_next(struct news_inbox *inbox, struct news_batch *batch)
{
    size_t left = inbox->used - inbox->taken, head = offsetof(struct news_batch, items), length;

    if (left < head)
        return false;
    memcpy(batch, inbox->octets + inbox->taken, head);
    length = batch_length(batch);
    if (left < length)
        return false;
    memcpy(batch, inbox->octets + inbox->taken, length);
    inbox->taken += length;
    return true;
}
