/*
 * See session.h. The loop: what was gathered is sent and logged, then octets are waited
 * for, then they are taken, as commands or as the text of a mail, until none are left.
 */
#include "smtp/session.h"

#include <errno.h>
#include <stdalign.h>

#include "net/clock.h"
#include "net/wipe.h"
#include "smtp/verbs.h"
#include "watch/counters.h"
#include "watch/journal.h"
#include "watch/totals.h"

/* What one read takes at most. Text comes in pieces of this size. */
enum { INPUT_ROOM = 65536 };

/* Who is refused holds the one worker that is left for refusing others no longer than this. */
enum { REFUSED_LINGER_MS = 100 };

/* The one door for replies. Each is logged. */
static void put_reply(struct session *session, enum reply reply, const char *id)
{
    const struct session_config *config = session->config;
    struct reply_values values = { .name = config->name,
                                   .message_size = config->message_size,
                                   .id = id,
                                   .verbs = reply == REPLY_HELP ? verbs_list() : "",
                                   .mailbox = session->verified };
    char *text = session->reply;
    size_t length = reply_write(reply, config->dialect, &values, text);

    _Static_assert((int)REPLY_ROOM <= (int)CHANNEL_REPLY_LIMIT, "a channel takes any reply");
    journal_sent(text, length);
    totals_add(TOTAL_SENT, length);
    if (reply_is_refusal(reply, config->dialect))
        totals_add(reply_class(reply, config->dialect) == 4 ? TOTAL_REFUSED_4 : TOTAL_REFUSED_5, 1);
    if (channel_put(session->channel, text, length) != 0)
        session->is_over = true;
}

/* Says goodbye from our side. */
static void end_with(struct session *session, enum reply reply)
{
    put_reply(session, reply, "");
    session->is_over = true;
}

/*
 * Answers a command. A refusal too many becomes a goodbye; a recipient too many is no error of
 * the client's, who has to offer it again with another mail (RFC 5321 4.5.3.1.10).
 */
static void answer(struct session *session, enum reply reply)
{
    bool is_error = reply != REPLY_TOO_MANY_RECIPIENTS &&
                    reply_is_refusal(reply, session->config->dialect);

    if (is_error && ++session->errors == session->config->errors)
        end_with(session, REPLY_TOO_MANY_ERRORS);
    else
        put_reply(session, reply, "");
}

/* Answers a mail of so many octets, which is refused for now or for ever. */
static void refuse_mail(struct session *session, enum reply reply, uint64_t size)
{
    bool is_for_now = reply_class(reply, session->config->dialect) == 4;

    totals_add(is_for_now ? TOTAL_MAILS_REFUSED_4 : TOTAL_MAILS_REFUSED_5, 1);
    totals_add(is_for_now ? TOTAL_OCTETS_REFUSED_4 : TOTAL_OCTETS_REFUSED_5, size);
    answer(session, reply);
}

/* The one verdict on a mail that has come to its end, for all that was wrong with it. */
static enum reply judge_mail(struct session *session)
{
    struct transaction *mail = session->mail;

    if (mail->text.size > session->config->message_size)
        return REPLY_TOO_BIG;
    if (session->config->rejects_bare && mail->text.has_bare)
        return REPLY_BARE;
    return transaction_reply(delivery_keep(&mail->delivery, session->config->message_size),
                             REPLY_QUEUED);
}

/* What waits to be sent does not wait for the disk; and who cannot be told gets no verdict. */
static void end_mail(struct session *session)
{
    enum reply reply;

    session->state = STATE_COMMANDS;
    if (channel_settle(session->channel) != 0) {
        session->is_over = true;
        return;
    }
    reply = judge_mail(session);
    if (reply == REPLY_QUEUED) {
        totals_add(TOTAL_MAILS, 1);
        put_reply(session, reply, session->mail->delivery.id);
    } else {
        refuse_mail(session, reply, session->mail->text.size);
    }
    transaction_drop(session);
}

/* Gives octets of the text, advancing both, to the delivery. Returns true at the text's end. */
static bool deliver(struct session *session, const char **octets, size_t *length)
{
    struct transaction *mail = session->mail;
    char *to = delivery_room(&mail->delivery);
    bool has_ended = data_take(&mail->text, octets, length, &to);

    _Static_assert((int)INPUT_ROOM + (int)DATA_HELD <= (int)DELIVERY_PIECE, "a read fits");
    delivery_wrote(&mail->delivery, to);
    if (mail->text.size > session->config->message_size)
        delivery_drop(&mail->delivery);
    return has_ended;
}

/* How many octets more the text of the mail may have. */
static uint64_t room_for_text(const struct session *session)
{
    uint64_t size = session->mail->text.size, most = session->config->message_size;

    return size < most ? most - size : 0;
}

/* What goes beyond message-size can be as long as its client likes: it is taken, not logged. */
static size_t take_text(struct session *session, const char *octets, size_t length)
{
    uint64_t room = room_for_text(session);
    const char *end = octets;
    bool is_logged = room > 0, has_ended;

    if (is_logged && length > room)
        length = (size_t)room;
    has_ended = deliver(session, &end, &length);
    if (is_logged)
        journal_text(octets, (size_t)(end - octets));
    if (has_ended) {
        journal_text_end(is_logged);
        end_mail(session);
    }
    return (size_t)(end - octets);
}

/* Text that ends with a chunk may have an octet held back. */
static void finish_text(struct transaction *mail)
{
    char *to = delivery_room(&mail->delivery);

    data_finish(&mail->text, &to);
    delivery_wrote(&mail->delivery, to);
}

/* All octets of a chunk have come. */
static void end_chunk(struct session *session)
{
    struct transaction *mail = session->mail;

    session->state = STATE_COMMANDS;
    journal_chunk_end();
    if (session->chunk.refusal != REPLY_OK && session->chunk.ends_mail) {
        refuse_mail(session, session->chunk.refusal, session->chunk.mail_size);
    } else if (session->chunk.refusal != REPLY_OK) {
        answer(session, session->chunk.refusal);
    } else if (session->chunk.is_last) {
        finish_text(mail);
        end_mail(session);
    } else if (mail->delivery.is_open) {
        put_reply(session, REPLY_CHUNK, "");
    } else {
        refuse_mail(session, transaction_reply(delivery_keep(&mail->delivery, 0), REPLY_CHUNK),
                    mail->text.size);
        transaction_drop(session);
    }
}

static size_t take_chunk(struct session *session, const char *octets, size_t length)
{
    struct chunk *chunk = &session->chunk;
    size_t taken = length < chunk->left ? length : (size_t)chunk->left, left = taken;
    const char *from = octets;

    if (chunk->refusal == REPLY_OK) {
        journal_text(octets, taken);
        deliver(session, &from, &left);
    }
    chunk->left -= taken;
    if (chunk->left == 0)
        end_chunk(session);
    return taken;
}

/* What a line that came whole is answered, unless it begins a chunk. */
static enum reply execute(struct session *session, const struct line_reader *line)
{
    if (line->is_bare && session->config->rejects_bare)
        return REPLY_SYNTAX;
    return verbs_execute(session, line->octets, line->length);
}

/* A line came, whole or too long: it is answered, at once or when its chunk has come. */
static void end_line(struct session *session, const struct line_reader *line, bool is_too_long)
{
    enum reply reply;

    journal_received(line->octets, line->length, line->total);
    reply = is_too_long ? REPLY_LINE_TOO_LONG : execute(session, line);
    if (session->state == STATE_CHUNK) {
        if (session->chunk.left == 0)
            end_chunk(session);
        return;
    }
    answer(session, reply);
    /* A chunk was not understood: where the next command begins, nobody knows. */
    if (verbs_announces_octets(line->octets, line->length))
        session->is_over = true;
}

static size_t take_command(struct session *session, const char *octets, size_t length)
{
    size_t taken;
    enum line_result result = line_take(&session->line, octets, length, &taken);

    if (result != LINE_MORE)
        end_line(session, &session->line, result == LINE_TOO_LONG);
    return taken;
}

static void take(struct session *session, const char *octets, size_t length)
{
    static size_t (*const takers[])(struct session *, const char *, size_t) = {
        [STATE_COMMANDS] = take_command, [STATE_TEXT] = take_text, [STATE_CHUNK] = take_chunk
    };
    size_t at = 0;

    while (at < length && !session->is_over)
        at += takers[session->state](session, octets + at, length - at);
}

/* The channel gave nothing: the reason decides whether the client is told. */
static void end_without_input(struct session *session, ssize_t got)
{
    if (got < 0 && errno == ETIMEDOUT)
        end_with(session, REPLY_TIMEOUT);
    else if (got < 0 && errno == ECANCELED)
        end_with(session, REPLY_SHUTTING_DOWN);
    session->is_over = true;
}

/* What was gathered leaves before a wait; at the end it leaves with the channel. */
static void send_all(struct session *session)
{
    if (session->is_over)
        return;
    if (channel_flush(session->channel) != 0)
        session->is_over = true;
    journal_flush();
}

/* What the client has sent, and how much of it at once, at most. */
static char input[INPUT_ROOM];
static size_t input_most;

/* Waits up to `wait_s` for the client and takes what it sends. */
static void turn(struct session *session, uint64_t wait_s)
{
    int64_t deadline_ms = clock_now_ms() + (int64_t)wait_s * 1000;
    ssize_t got;

    if (deadline_ms > session->channel->end_ms)
        deadline_ms = session->channel->end_ms;
    got = channel_read(session->channel, input, sizeof input, deadline_ms);
    if (got > 0) {
        if (input_most < (size_t)got)
            input_most = (size_t)got;
        totals_add(TOTAL_RECEIVED, (uint64_t)got);
        take(session, input, (size_t)got);
    } else {
        end_without_input(session, got);
    }
    send_all(session);
}

/*
 * The one session of this process. What each writes to from its start is in the first page; on
 * two it would be 4 KiB of memory more.
 */
static alignas(4096) struct session the_session;

static struct session *begin(const struct session_config *config, struct channel *channel)
{
    struct session *session = &the_session;

    session->config = config;
    session->channel = channel;
    session->state = STATE_COMMANDS;
    session->has_hello = session->is_extended = session->is_over = false;
    session->hello[0] = '\0';
    session->errors = 0;
    session->mail = NULL;
    line_start(&session->line, (size_t)config->command_line);
    channel->patience_ms = (int)config->read_timeout_s * 1000;
    channel->end_ms = clock_now_ms() + (int64_t)config->session_timeout_s * 1000;
    return session;
}

/* What the client said of itself or asked for is nothing to the next one. */
static void forget(struct session *session)
{
    line_forget(&session->line);
    wipe(session->hello, sizeof session->hello);
    wipe(session->verified, sizeof session->verified);
    wipe(session->reply, sizeof session->reply);
    wipe(input, input_most);
    input_most = 0;
}

void session_run(const struct session_config *config, struct channel *channel,
                 const struct session_client *client, uint64_t first_wait_s)
{
    struct session *session = begin(config, channel);

    session->client = client;
    answer(session, REPLY_GREETING);
    send_all(session);
    if (!session->is_over)
        turn(session, first_wait_s);
    while (!session->is_over)
        turn(session, config->read_timeout_s);
    transaction_drop(session);
    forget(session);
}

void session_refuse(const struct session_config *config, struct channel *channel,
                    enum reply reply)
{
    channel->linger_ms = REFUSED_LINGER_MS;
    end_with(begin(config, channel), reply);
}
