/*
 * See delivery.h. The steps of keeping a mail are those of design: tmp/, write, fsync, link
 * into each new/, fsync of each folder, unlink from tmp/; whatever fails, the ones before it
 * are undone.
 */
#include "mail/delivery.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "mail/filter.h"
#include "mail/sync.h"
#include "net/fault.h"
#include "net/wipe.h"
#include "watch/journal.h"
#include "watch/trouble.h"

/* Removes a spool file; of what was linked nothing is changed. Keeps errno. */
static void drop_spool(const struct spool *spool)
{
    int saved = errno;

    if (spool->descriptor >= 0)
        close(spool->descriptor);
    maildir_remove(spool);
    errno = saved;
}

static void close_spool(struct delivery *delivery)
{
    drop_spool(&delivery->spool);
    delivery->is_open = false;
    delivery->used = 0;
}

void delivery_drop(struct delivery *delivery)
{
    if (delivery->is_open)
        close_spool(delivery);
    wipe(delivery->buffer, delivery->most);
    wipe(delivery->trace, delivery->trace_length);
    wipe(delivery->spool.path, strlen(delivery->spool.path)); /* it names a box */
    delivery->most = delivery->trace_length = 0;
}

static enum delivery_verdict verdict_of(int error)
{
    return error == ENOSPC || error == EDQUOT ? DELIVERY_NO_ROOM : DELIVERY_FAILED;
}

/* What went wrong is in errno. It is told in the log, and the mail is dropped. */
static void fail(struct delivery *delivery)
{
    delivery->error = errno;
    trouble_say(TROUBLE_MAIL, delivery->config->folder, "mail is refused for now");
    delivery_drop(delivery);
}

bool delivery_has_room(const struct mail_config *config, uint64_t octets)
{
    return maildir_has_room(config->folder, octets);
}

static int write_all(int descriptor, const char *octets, size_t length)
{
    while (length > 0) {
        size_t some = fault_shortens("spool-write", length);
        ssize_t put = fault_strikes("spool-write") ? -1 : write(descriptor, octets, some);

        if (put < 0 && errno != EINTR)
            return -1;
        if (put > 0) {
            octets += put;
            length -= (size_t)put;
        }
    }
    return 0;
}

static int write_out(struct delivery *delivery)
{
    size_t length = delivery->used;

    delivery->used = 0;
    return write_all(delivery->spool.descriptor, delivery->buffer, length);
}

enum delivery_verdict delivery_start(struct delivery *delivery, const struct mail_config *config,
                                     const struct envelope *envelope,
                                     const struct message_trace *trace)
{
    struct message_path path = { .sender = envelope->sender, .id = delivery->id };

    delivery->config = config;
    delivery->envelope = envelope;
    delivery->error = 0;
    delivery->header = (struct message_reader){ .hops = 0 };
    delivery->has_text = false;
    counters_new_id(delivery->id);
    if (envelope->recipients.count == 1)
        path.recipient = envelope->recipients.strings;
    if (maildir_create(&delivery->spool, config->folder, envelope->boxes.strings) != 0) {
        fail(delivery);
        return verdict_of(delivery->error);
    }
    delivery->is_open = true;
    delivery->is_filtered = filter_is_on();
    delivery->client = trace->client;
    if (delivery->is_filtered)
        delivery->trace_length = message_write_trace(delivery->trace, trace, &path, time(NULL));
    else
        delivery->used = message_write_trace(delivery->buffer, trace, &path, time(NULL));
    delivery->most = delivery->used;
    return DELIVERY_KEPT;
}

char *delivery_room(struct delivery *delivery)
{
    if (DELIVERY_ROOM - delivery->used < DELIVERY_PIECE && write_out(delivery) != 0)
        fail(delivery);
    return delivery->buffer + delivery->used;
}

/*
 * Puts an empty line in front of a text that would go on with our Received field. Returns how many
 * octets that were.
 */
static size_t set_apart(char *text, size_t length)
{
    if (!message_goes_on(*text))
        return 0;
    memmove(text + 1, text, length);
    *text = '\n';
    return 1;
}

static void note_use(struct delivery *delivery, size_t used)
{
    if (delivery->most < used)
        delivery->most = used;
}

void delivery_wrote(struct delivery *delivery, const char *end)
{
    char *begin = delivery->buffer + delivery->used;
    size_t length = (size_t)(end - begin);

    _Static_assert((int)MESSAGE_TRACE_ROOM + (int)DELIVERY_PIECE + 1 <= (int)DELIVERY_ROOM,
                   "the first piece has room for an octet more");
    note_use(delivery, delivery->used + length);
    if (!delivery->is_open || length == 0)
        return;
    message_read(&delivery->header, begin, length);
    delivery->used += length;
    if (!delivery->has_text)
        delivery->used += set_apart(begin, length);
    note_use(delivery, delivery->used);
    delivery->has_text = true;
}

/* Makes the spool file that the filter writes, with the trace fields in it. 0, or -1 with errno. */
static int create_output(const struct delivery *delivery, struct spool *output)
{
    if (maildir_create(output, delivery->config->folder, delivery->envelope->boxes.strings) != 0)
        return -1;
    /* So that they are written over by no program that opens its standard output anew. */
    if (fcntl(output->descriptor, F_SETFL, O_APPEND) == 0 &&
        write_all(output->descriptor, delivery->trace, delivery->trace_length) == 0)
        return 0;
    drop_spool(output);
    return -1;
}

static enum filter_verdict run_filter(const struct delivery *delivery, const struct spool *output,
                                      uint64_t size_limit)
{
    const struct filter_mail mail = { .config = delivery->config,
                                      .id = delivery->id,
                                      .envelope = delivery->envelope,
                                      .client = delivery->client,
                                      .input = &delivery->spool,
                                      .output = output,
                                      .trace = delivery->trace,
                                      .trace_length = delivery->trace_length,
                                      .size_limit = size_limit };

    return filter_run(&mail);
}

/* Has the filter make the mail anew. DELIVERY_KEPT if it goes on; else it is dropped. */
static enum delivery_verdict pass_filter(struct delivery *delivery, uint64_t size_limit)
{
    static const enum delivery_verdict verdicts[] = { [FILTER_KEEPS] = DELIVERY_KEPT,
                                                      [FILTER_DROPS] = DELIVERY_DROPPED,
                                                      [FILTER_REFUSES] = DELIVERY_FILTERED,
                                                      [FILTER_FAILS] = DELIVERY_FAILED };
    struct spool output = { .descriptor = -1 }; /* all of it is copied: nothing else of the stack */
    enum filter_verdict verdict;

    if (write_out(delivery) != 0 || create_output(delivery, &output) != 0) {
        fail(delivery);
        return verdict_of(delivery->error);
    }
    verdict = run_filter(delivery, &output, size_limit);
    if (verdict == FILTER_KEEPS) {
        drop_spool(&delivery->spool);
        delivery->spool = output;
    } else {
        drop_spool(&output);
        delivery_drop(delivery);
    }
    return verdicts[verdict];
}

/* Writes what is left, and sees to it that it is on disk. */
static int finish_spool(struct delivery *delivery)
{
    int descriptor = delivery->spool.descriptor;

    if (write_out(delivery) != 0 ||
        (delivery->config->is_synced && sync_file(descriptor, "spool-sync") != 0))
        return -1;
    /* Closed it is, even if that was interrupted. */
    delivery->spool.descriptor = -1;
    return (close(descriptor) != 0 || fault_strikes("spool-close")) && errno != EINTR ? -1 : 0;
}

/* Links the spool file into the boxes. Returns how many have it; all, if nothing went wrong. */
static size_t link_all(const struct delivery *delivery)
{
    const struct envelope_list *boxes = &delivery->envelope->boxes;
    const char *box = boxes->strings;
    size_t i;

    for (i = 0; i < boxes->count; i++, box = envelope_next(box))
        if (maildir_link(&delivery->spool, delivery->config->folder, box, i > 0) != 0)
            break;
    return i;
}

/* Syncs the first `count` boxes. 0; or -1 with errno if one failed, and the others are synced. */
static int sync_first(const struct delivery *delivery, size_t count)
{
    const char *box = delivery->envelope->boxes.strings;
    uint64_t since = sync_moment();
    int result = 0, error = 0;

    for (; count > 0; count--, box = envelope_next(box))
        if (sync_box(delivery->config->folder, box, since) != 0 && result == 0) {
            result = -1;
            error = errno;
        }
    if (result != 0)
        errno = error;
    return result;
}

/* Takes the mail out of the first `count` boxes again, so that it does not come back either. */
static void undo_first(const struct delivery *delivery, size_t count)
{
    const char *box = delivery->envelope->boxes.strings;
    size_t i;

    for (i = 0; i < count; i++, box = envelope_next(box))
        maildir_unlink(&delivery->spool, delivery->config->folder, box);
    if (delivery->config->is_synced)
        sync_first(delivery, count);
}

/* Puts the finished spool file into every box. 0; or -1 with errno, and it is in none. */
static int publish(const struct delivery *delivery)
{
    size_t count = delivery->envelope->boxes.count, linked = link_all(delivery);
    int saved;

    if (linked == count && (!delivery->config->is_synced || sync_first(delivery, count) == 0))
        return 0;
    saved = errno;
    undo_first(delivery, linked);
    errno = saved;
    return -1;
}

static void log_mail(const struct delivery *delivery)
{
    struct journal_mail mail = { .id = delivery->id,
                                 .sender = delivery->envelope->sender,
                                 .recipients = delivery->envelope->recipients.strings,
                                 .recipients_length = delivery->envelope->recipients.used,
                                 .file = delivery->spool.name };

    journal_mail(&mail);
}

enum delivery_verdict delivery_keep(struct delivery *delivery, uint64_t size_limit)
{
    enum delivery_verdict verdict;

    if (delivery->is_open && delivery->header.hops > MESSAGE_HOPS_LIMIT) {
        delivery_drop(delivery);
        return DELIVERY_LOOPS;
    }
    if (delivery->is_open && delivery->is_filtered) {
        verdict = pass_filter(delivery, size_limit);
        if (verdict != DELIVERY_KEPT)
            return verdict;
    }
    if (delivery->is_open && (finish_spool(delivery) != 0 || publish(delivery) != 0))
        fail(delivery);
    if (!delivery->is_open)
        return verdict_of(delivery->error);
    close_spool(delivery);
    log_mail(delivery);
    fault_strikes("reply-kept");
    return DELIVERY_KEPT;
}
