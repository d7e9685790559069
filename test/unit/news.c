/* What processes tell each other through a pipe: nothing is lost, and each write is small. */
#include "news.h"

#include <string.h>
#include <unistd.h>

#include "check.h"
#include "tally.h"

static struct news_inbox inbox;
static struct tally sum;

/* Takes what has come into `sum`. Returns how many batches it was, and the last phase told. */
static size_t take(uint32_t *phase)
{
    struct news_batch batch;
    size_t count = 0;
    uint64_t i;

    while (news_next(&inbox, &batch)) {
        for (i = 0; i < batch.count; i++)
            CHECK(tally_merge(&sum, batch.items[i].cell, batch.items[i].value));
        if (batch.phase != 0)
            *phase = batch.phase;
        CHECK(batch.sender == 7);
        count++;
    }
    return count;
}

static void all_that_is_told_is_heard(void)
{
    static struct tally tally, kept;
    uint32_t phase = 0;
    int ends[2], i;

    CHECK(pipe(ends) == 0);
    for (i = 0; i < 500; i++)
        tally_reply(&tally, i);
    kept = tally;
    CHECK(news_tell(ends[1], 7, 2, &tally) == 0);
    close(ends[1]);
    while (news_read(ends[0], &inbox))
        ;
    CHECK(take(&phase) == (500 + NEWS_ITEMS - 1) / NEWS_ITEMS);
    CHECK(phase == 2);
    CHECK(memcmp(&sum, &kept, sizeof sum) == 0);
    close(ends[0]);
}

static void what_is_not_new_is_not_told(void)
{
    static struct tally tally;
    uint32_t phase = 0;
    int ends[2];

    CHECK(pipe(ends) == 0);
    memset(&inbox, 0, sizeof inbox);
    CHECK(news_tell(ends[1], 7, 0, &tally) == 0);
    CHECK(news_tell(ends[1], 7, 3, &tally) == 0);
    CHECK(news_read(ends[0], &inbox));
    CHECK(take(&phase) == 1 && phase == 3);
    close(ends[0]);
    close(ends[1]);
}

/* A read may end anywhere in a batch. */
static void a_batch_may_come_in_parts(void)
{
    static struct tally tally;
    static struct news_inbox whole;
    uint32_t phase = 0;
    int ends[2];
    size_t i, batches = 0;

    CHECK(pipe(ends) == 0);
    memset(&inbox, 0, sizeof inbox);
    memset(&sum, 0, sizeof sum);
    for (i = 0; i < 40; i++)
        tally_reply(&tally, (int)i);
    CHECK(news_tell(ends[1], 7, 1, &tally) == 0);
    CHECK(news_read(ends[0], &whole));
    for (i = 0; i < whole.used; i++) {
        CHECK(write(ends[1], whole.octets + i, 1) == 1);
        CHECK(news_read(ends[0], &inbox));
        CHECK(phase == 0);
        batches += take(&phase);
    }
    CHECK(batches == 2 && phase == 1);
    CHECK(sum.of.replies[39] == 1);
    close(ends[0]);
    close(ends[1]);
}

int main(void)
{
    all_that_is_told_is_heard();
    what_is_not_new_is_not_told();
    a_batch_may_come_in_parts();
    return check_status();
}
