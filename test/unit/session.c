/*
 * A session over a channel that is only memory, where the link breaks at a chosen moment.
 * Before a mail is kept, what waits for the client is sent. That this failed was not looked
 * at: what had waited was gone, the 250 stood in its place, and the session went on.
 */
#include "smtp/session.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "watch/counters.h"
#include "watch/journal.h"
#include "watch/totals.h"

enum { SAID_ROOM = 4096, PATH_ROOM = 128 };

struct memory_channel {
    struct channel channel;
    const char *input;   /* comes at once; then the client is silent until it is gone */
    int flushes;         /* that succeed before the link breaks */
    bool is_broken;
    size_t length;
    char said[SAID_ROOM]; /* what was put */
};

static char folder[] = "/tmp/unit-session-XXXXXX";

/* The channel is the first field. */
static struct memory_channel *memory_of(struct channel *channel)
{
    return (struct memory_channel *)(void *)channel;
}

static ssize_t memory_read(struct channel *channel, char *into, size_t room, int64_t deadline_ms)
{
    struct memory_channel *memory = memory_of(channel);
    size_t length = strlen(memory->input);

    (void)deadline_ms;
    CHECK(!memory->is_broken && length <= room);
    memcpy(into, memory->input, length);
    memory->input += length;
    return (ssize_t)length;
}

static int memory_put(struct channel *channel, const char *reply, size_t length)
{
    struct memory_channel *memory = memory_of(channel);

    CHECK(!memory->is_broken);
    CHECK(memory->length + length < SAID_ROOM);
    memcpy(memory->said + memory->length, reply, length);
    memory->length += length;
    return 0;
}

static int memory_flush(struct channel *channel)
{
    struct memory_channel *memory = memory_of(channel);

    memory->is_broken = memory->is_broken || memory->flushes-- == 0;
    errno = EPIPE;
    return memory->is_broken ? -1 : 0;
}

static void memory_close(struct channel *channel)
{
    (void)channel;
}

/* Runs a session whose link breaks after so many flushes. */
static void run(struct memory_channel *memory, const char *input, int flushes)
{
    static const struct channel_ops ops = {
        .read = memory_read,
        .put = memory_put,
        .flush = memory_flush,
        .close = memory_close,
    };
    const struct mail_config mail = { .folder = folder };
    const struct session_config config = { .name = "host.example",
                                           .message_size = 1000,
                                           .recipients = 3,
                                           .errors = 20,
                                           .command_line = 512,
                                           .read_timeout_s = 10,
                                           .session_timeout_s = 1000,
                                           .mail = &mail };
    const struct session_client client = { .peer = { .version = 4 }, .name = "" };

    *memory = (struct memory_channel){ .channel = { .ops = &ops },
                                       .input = input,
                                       .flushes = flushes };
    journal_begin(&client.peer, "client", TRANSPORT_TCP);
    session_run(&config, &memory->channel, &client, 10);
    journal_end();
}

/* Removes the files in `part` of the mail folder, and it. Returns how many there were. */
static unsigned empty(const char *part)
{
    char path[PATH_ROOM], file[2 * PATH_ROOM];
    unsigned count = 0;
    struct dirent *entry;
    DIR *files;

    snprintf(path, sizeof path, "%s/%s", folder, part);
    files = opendir(path);
    if (files == NULL)
        return 0;
    while ((entry = readdir(files)) != NULL) {
        snprintf(file, sizeof file, "%s/%.100s", path, entry->d_name);
        count += unlink(file) == 0;
    }
    closedir(files);
    CHECK(rmdir(path) == 0);
    return count;
}

/* Removes the box "c". Returns how many mails were in it; nothing is ever left in its tmp/. */
static unsigned mails_kept(void)
{
    unsigned count = empty("c/new");

    CHECK(empty("c/tmp") == 0 && empty("c/cur") == 0 && empty("c") == 0);
    return count;
}

static const char mail_in_one_piece[] = "HELO x\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\n"
                                        "BDAT 1 LAST\r\nxNOOP\r\n";

static void a_link_that_holds_gets_its_replies(void)
{
    struct memory_channel memory;

    run(&memory, mail_in_one_piece, 100);
    CHECK(strcmp(strchr(memory.said, '\n') + 1,
                 "250 OK\r\n250 OK\r\n250 OK\r\n250 OK\r\n250 OK\r\n") == 0);
    CHECK(mails_kept() == 1);
}

static void a_link_that_breaks_gets_no_more_and_its_mail_is_not_kept(void)
{
    struct memory_channel memory;

    run(&memory, mail_in_one_piece, 1); /* the greeting arrives, and nothing after it */
    CHECK(memory.is_broken);
    CHECK(mails_kept() == 0);
}

int main(void)
{
    static struct journal_config config = { .folder = folder, .has_text = 1 };
    char path[JOURNAL_PATH_ROOM];

    CHECK(counters_start(1) == 0 && totals_start(NULL) == 0 && mkdtemp(folder) != NULL &&
          journal_open(&config, path) == 0);
    a_link_that_holds_gets_its_replies();
    a_link_that_breaks_gets_no_more_and_its_mail_is_not_kept();
    CHECK(empty("") == 2); /* the logs */
    return check_status();
}
