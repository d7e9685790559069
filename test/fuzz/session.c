/*
 * A whole session over a channel that is only memory, with mailboxes on disk. Whatever the
 * client says: replies have the form of RFC 5321 4.2, nothing stays unsent when the server
 * waits, a session comes to its end, what is said and what is kept does not depend on how the
 * octets were cut, and nothing stays in any tmp/.
 */
#include "smtp/session.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pieces.h"
#include "mail/maildir.h"
#include "watch/counters.h"
#include "watch/journal.h"
#include "watch/totals.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SAID_ROOM = 1 << 22, REPLY_LINE_LIMIT = 512 };

/* What replies a session gave, one behind the other, and what it left on disk. */
struct said {
    size_t length;
    uint64_t mails, octets; /* in all boxes */
    char text[SAID_ROOM];
};

static struct said whole, cut;

struct memory_channel {
    struct channel channel;
    struct pieces pieces;
    bool is_whole;  /* the stream comes in pieces as large as there is room */
    int ending;     /* errno when the stream has come to its end; 0: end of file */
    bool is_unsent; /* something was put since the last flush */
    bool has_ended;
    struct said *said;
};

/* The channel is the first field. */
static struct memory_channel *memory_of(struct channel *channel)
{
    return (struct memory_channel *)(void *)channel;
}

static ssize_t read_whole(struct pieces *pieces, char *into, size_t room)
{
    size_t length = pieces->length < room ? pieces->length : room;

    memcpy(into, pieces->stream, length);
    pieces->stream += length;
    pieces->length -= length;
    return (ssize_t)length;
}

static ssize_t read_piece(struct pieces *pieces, char *into, size_t room)
{
    size_t length;
    char *piece = pieces_next(pieces, &length);

    assert(piece != NULL && length <= room);
    memcpy(into, piece, length);
    free(piece);
    return (ssize_t)length;
}

static ssize_t memory_read(struct channel *channel, char *into, size_t room, int64_t deadline_ms)
{
    struct memory_channel *memory = memory_of(channel);

    (void)deadline_ms;
    assert(!memory->is_unsent && !memory->has_ended);
    if (memory->pieces.length > 0)
        return memory->is_whole ? read_whole(&memory->pieces, into, room)
                                : read_piece(&memory->pieces, into, room);
    memory->has_ended = true;
    errno = memory->ending;
    return memory->ending == 0 ? 0 : -1;
}

/* One reply: lines with one code, each within its limit, the last one marked as the last. */
static void check_reply(const char *reply, size_t length)
{
    const char *line = reply, *end = reply + length, *line_end;
    size_t i;

    assert(length >= 6 && length <= CHANNEL_REPLY_LIMIT && memcmp(end - 2, "\r\n", 2) == 0);
    for (; line < end; line = line_end + 2) {
        line_end = memchr(line, '\r', (size_t)(end - line));
        assert(line_end != NULL && line_end[1] == '\n');
        assert(line_end - line >= 4 && line_end + 2 - line <= REPLY_LINE_LIMIT);
        assert(line[0] >= '2' && line[0] <= '5' && line[1] >= '0' && line[1] <= '5' &&
               line[2] >= '0' && line[2] <= '9' && memcmp(line, reply, 3) == 0);
        assert(line[3] == (line_end + 2 == end ? ' ' : '-'));
        for (i = 0; line + i < line_end; i++)
            assert((unsigned char)line[i] >= ' ' && line[i] != 0x7f);
    }
}

static int memory_put(struct channel *channel, const char *reply, size_t length)
{
    struct memory_channel *memory = memory_of(channel);

    check_reply(reply, length);
    assert(length <= SAID_ROOM - memory->said->length);
    memcpy(memory->said->text + memory->said->length, reply, length);
    memory->said->length += length;
    memory->is_unsent = true;
    return 0;
}

static int memory_flush(struct channel *channel)
{
    memory_of(channel)->is_unsent = false;
    return 0;
}

/* The last reply may wait until here. */
static void memory_close(struct channel *channel)
{
    memory_flush(channel);
}

static char folder[] = "/dev/shm/fuzz-session-XXXXXX";
static struct mail_config mail = { .folder = folder };

/* The logs go nowhere: to links to /dev/null, which are gone when they are open. */
static int open_journal(void)
{
    static struct journal_config config = { .folder = folder, .has_text = 1 };
    static const char *const names[] = { "peticiones.log", "smtpd.log" };
    char path[JOURNAL_PATH_ROOM], opened[JOURNAL_PATH_ROOM];
    size_t i;

    for (i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        if (symlink("/dev/null", path) != 0)
            return -1;
    }
    if (journal_open(&config, opened) != 0)
        return -1;
    for (i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        unlink(path);
    }
    return 0;
}

static void remove_folder(void)
{
    rmdir(folder);
}

static int begin(void)
{
    return counters_start(1) == 0 && totals_start(NULL) == 0 && mkdtemp(folder) != NULL &&
                   open_journal() == 0 && atexit(remove_folder) == 0
               ? 0
               : -1;
}

/* Removes the files of a folder of a box, counts them, and removes it. */
static uint64_t empty(const char *path, struct said *said)
{
    char file[MAILDIR_PATH_ROOM];
    DIR *files = opendir(path);
    struct dirent *entry;
    struct stat status;
    uint64_t count = 0;

    assert(files != NULL);
    while ((entry = readdir(files)) != NULL) {
        if (entry->d_name[0] == '.')
            continue;
        snprintf(file, sizeof file, "%s/%s", path, entry->d_name);
        assert(stat(file, &status) == 0 && unlink(file) == 0);
        said->octets += (uint64_t)status.st_size;
        count++;
    }
    closedir(files);
    assert(rmdir(path) == 0);
    return count;
}

/* Removes all boxes, and counts what is in them: mails in new/, and nothing elsewhere. */
static void empty_boxes(struct said *said)
{
    char path[MAILDIR_PATH_ROOM];
    DIR *boxes = opendir(folder);
    struct dirent *box;

    assert(boxes != NULL);
    said->mails = said->octets = 0;
    while ((box = readdir(boxes)) != NULL) {
        if (box->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "%s/%s/tmp", folder, box->d_name);
        assert(empty(path, said) == 0);
        snprintf(path, sizeof path, "%s/%s/cur", folder, box->d_name);
        assert(empty(path, said) == 0);
        snprintf(path, sizeof path, "%s/%s/new", folder, box->d_name);
        said->mails += empty(path, said);
        snprintf(path, sizeof path, "%s/%s", folder, box->d_name);
        assert(rmdir(path) == 0);
    }
    closedir(boxes);
}

static void run(const struct session_config *config, const uint8_t *data, size_t size,
                struct said *said)
{
    static const struct channel_ops ops = {
        .read = memory_read,
        .put = memory_put,
        .flush = memory_flush,
        .close = memory_close,
    };
    static const int endings[] = { 0, ETIMEDOUT, ECANCELED, ECONNRESET };
    struct memory_channel memory = { .channel = { .ops = &ops }, .said = said };
    const struct session_client client = {
        .peer = { .address = { 127, 0, 0, 1 }, .port = 25, .version = 4 },
        .own = { .address = { 127, 0, 0, 1 }, .port = 2525, .version = 4 },
        .name = ""
    };

    pieces_begin(&memory.pieces, data, size);
    memory.is_whole = said == &whole;
    memory.ending = endings[data[0] >> 1 & 3];
    said->length = 0;
    atomic_store(&counters()->mail_serial, 1); /* so that both runs have the same ids */
    journal_begin(&client.peer, "localhost", TRANSPORT_TCP);
    session_run(config, &memory.channel, &client, 10);
    channel_close(&memory.channel);
    journal_end();
    empty_boxes(said);
    assert(said->length > 0 && memcmp(said->text, "220", 3) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool is_open;
    struct session_config config = { .name = "host.example",
                                     .message_size = 1000,
                                     .recipients = 3,
                                     .errors = 20,
                                     .command_line = 512,
                                     .read_timeout_s = 10,
                                     .session_timeout_s = 100000,
                                     .mail = &mail };

    if (!is_open && begin() != 0) {
        perror("fuzz/session");
        exit(EXIT_FAILURE);
    }
    is_open = true;
    if (size < PIECES_LENGTHS)
        return 0;
    config.dialect = (data[0] & 1) != 0 ? DIALECT_ITBA : DIALECT_USAL;
    config.rejects_bare = data[1] & 1;
    config.message_size = data[1] >> 4 & 1 ? 4000 : 1000; /* which has room for a loop */
    mail.has_tags = data[1] >> 1 & 1;
    mail.knows_mailboxes = data[1] >> 2 & 1;
    snprintf(mail.domains, sizeof mail.domains, "%s", data[1] >> 3 & 1 ? "host.example " : "");
    run(&config, data, size, &whole);
    run(&config, data, size, &cut);
    assert(whole.length == cut.length && memcmp(whole.text, cut.text, cut.length) == 0);
    assert(whole.mails == cut.mails && whole.octets == cut.octets);
    return 0;
}
