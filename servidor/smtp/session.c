/*
 * See session.h. The loop: what was gathered is sent and logged, then octets are waited
 * for, then they are taken, as commands or as the text of a mail, until none are left.
 */
#include "smtp/session.h"

#include <errno.h>

#include "net/clock.h"
#include "smtp/verbs.h"
#include "watch/counters.h"
#include "watch/journal.h"

/* What one read takes at most. Text comes in pieces of this size. */
enum { INPUT_ROOM = 65536 };

/* Who is refused holds the one worker that is left for refusing others no longer than this. */
enum { REFUSED_LINGER_MS = 100 };

/* The one door for replies. Each is logged. */
static void put_reply(struct session *session, enum reply reply, const char *id)
{
    const struct session_config *config = session->config;
    struct reply_values values = { config->name, config->message_size, id, verbs_list() };
    char text[REPLY_ROOM];
    size_t length = reply_write(reply, config->dialect, &values, text);

    _Static_assert((int)REPLY_ROOM <= (int)CHANNEL_REPLY_LIMIT, "a channel takes any reply");
    journal_sent(text, length);
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

/* The text has come to its end: one verdict for all that was wrong with it. */
static void end_text(struct session *session)
{
    char id[COUNTERS_ID + 1];
    bool is_too_big = session->mail->text.size > session->config->message_size;

    session->is_in_text = false;
    session->mail = NULL;
    journal_text_end();
    if (is_too_big) {
        answer(session, REPLY_TOO_BIG);
        return;
    }
    counters_new_id(id);
    put_reply(session, REPLY_QUEUED, id);
}

static size_t take_text(struct session *session, const char *octets, size_t length)
{
    size_t taken;
    bool has_ended = data_take(&session->mail->text, octets, length, &taken);

    journal_text(octets, taken);
    if (has_ended)
        end_text(session);
    return taken;
}

static size_t take_command(struct session *session, const char *octets, size_t length)
{
    struct line_reader *line = &session->line;
    size_t taken;

    switch (line_take(line, octets, length, &taken)) {
    case LINE_READY:
        journal_received(line->octets, line->length, line->total);
        answer(session, verbs_execute(session, line->octets, line->length));
        break;
    case LINE_TOO_LONG:
        journal_received(line->octets, line->length, line->total);
        answer(session, REPLY_LINE_TOO_LONG);
        break;
    case LINE_MORE:
        break;
    }
    return taken;
}

static void take(struct session *session, const char *octets, size_t length)
{
    size_t at = 0;

    while (at < length && !session->is_over)
        at += session->is_in_text ? take_text(session, octets + at, length - at)
                                  : take_command(session, octets + at, length - at);
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
    const int64_t left_ms = session->deadline_ms - clock_now_ms();

    if (session->is_over)
        return;
    if (left_ms < session->channel->patience_ms)
        session->channel->patience_ms = left_ms > 0 ? (int)left_ms : 0;
    if (channel_flush(session->channel) != 0)
        session->is_over = true;
    journal_flush();
}

/* Waits up to `wait_s` for the client and takes what it sends. */
static void turn(struct session *session, uint64_t wait_s)
{
    static char input[INPUT_ROOM];
    int64_t deadline_ms = clock_now_ms() + (int64_t)wait_s * 1000;
    ssize_t got;

    if (deadline_ms > session->deadline_ms)
        deadline_ms = session->deadline_ms;
    got = channel_read(session->channel, input, sizeof input, deadline_ms);
    if (got > 0)
        take(session, input, (size_t)got);
    else
        end_without_input(session, got);
    send_all(session);
}

static void begin(struct session *session, const struct session_config *config,
                  struct channel *channel)
{
    session->config = config;
    session->channel = channel;
    session->has_hello = session->is_in_text = session->is_over = false;
    session->errors = 0;
    session->mail = NULL;
    session->deadline_ms = clock_now_ms() + (int64_t)config->session_timeout_s * 1000;
    line_start(&session->line, (size_t)config->command_line);
    channel->patience_ms = (int)config->read_timeout_s * 1000;
}

void session_run(const struct session_config *config, struct channel *channel,
                 uint64_t first_wait_s)
{
    static struct session session;

    begin(&session, config, channel);
    answer(&session, REPLY_GREETING);
    send_all(&session);
    if (!session.is_over)
        turn(&session, first_wait_s);
    while (!session.is_over)
        turn(&session, config->read_timeout_s);
}

void session_refuse(const struct session_config *config, struct channel *channel,
                    enum reply reply)
{
    static struct session session;

    begin(&session, config, channel);
    channel->linger_ms = REFUSED_LINGER_MS;
    end_with(&session, reply);
}
