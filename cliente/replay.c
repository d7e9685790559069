/* See replay.h. */
#include "replay.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "link.h"
#include "net/text.h"
#include "portlog.h"
#include "reply.h"
#include "say.h"

struct replay {
    struct link *link;
    struct portlog *log;
    struct orders orders;
    struct order line;    /* sent last; its text is NULL before the first */
    size_t text_begun_at; /* number of the line that opened a mail's text; 0 outside one */
};

enum step { STEP_ON, STEP_ENDED, STEP_FAILED };

/* Says how often what was sent: the last part of a complaint. */
static const char *describe(const struct replay *replay, char *out, size_t room)
{
    char quote[SAY_QUOTE_ROOM], times[32] = "once";
    unsigned sends = replay->link->sends;

    if (sends != 1)
        snprintf(times, sizeof times, "%u times", sends);
    if (replay->line.text != NULL)
        snprintf(out, room, "%s was sent %s",
                 say_quote(quote, replay->line.text, replay->line.length), times);
    else if (sends > 0)
        snprintf(out, room, "the hello was sent %s", times);
    else
        snprintf(out, room, "it sent no greeting");
    return out;
}

static void complain(const struct replay *replay, enum link_result result)
{
    const struct link *link = replay->link;
    const char *host = link->target->host, *error = strerror(link->error);
    unsigned port = link->target->port;
    char what[SAY_QUOTE_ROOM + 64];

    describe(replay, what, sizeof what);
    if (result == LINK_GONE)
        say("%s port %u went away (%s): %s", host, port,
            link->error == 0 ? "it closed the connection" : error, what);
    else if (result == LINK_UNSENT)
        say("cannot send to %s port %u (%s): %s", host, port, error, what);
    else if (result == LINK_NOISE)
        say("%s port %u does not speak SMTP: %s", host, port, what);
    else
        say("no answer from %s port %u: %s", host, port, what);
}

static void complain_of_reply(const struct replay *replay, const char *how,
                              const struct reply *reply)
{
    const struct link_target *target = replay->link->target;
    char quote[SAY_QUOTE_ROOM];

    say("%s port %u %s: %s", target->host, (unsigned)target->port, how,
        say_quote(quote, reply->text, reply->length));
}

static enum step greet(struct replay *replay)
{
    struct reply reply;
    enum link_result result = replay->link->kind->greet(replay->link, &reply);

    if (result != LINK_REPLY) {
        complain(replay, result);
        return STEP_FAILED;
    }
    if (portlog_greeting(replay->log, &reply) != 0)
        return STEP_FAILED;
    if (reply.code / 100 == 2)
        return STEP_ON;
    complain_of_reply(replay, "refused the session", &reply);
    return STEP_FAILED;
}

/* Sessions end with 221 or 421; the orders that are left cannot be sent. */
static enum step end(struct replay *replay, const struct reply *reply)
{
    struct order order;
    size_t left = 0;

    if (reply->code == 421)
        complain_of_reply(replay, "ended the session", reply);
    while (orders_next(&replay->orders, &order))
        left += order.length > 0;
    if (left > 0)
        say("the session ended with %d, before the last %zu line%s of the orders", reply->code,
            left, left == 1 ? "" : "s");
    return reply->code == 221 ? STEP_ENDED : STEP_FAILED;
}

static enum step hear(struct replay *replay, const struct reply *reply)
{
    const struct order *line = &replay->line;

    if (portlog_reply(replay->log, reply) != 0)
        return STEP_FAILED;
    if (text_begins(line->text, line->length, "RCPT TO:") && reply->code != 250 &&
        portlog_refused_recipient(replay->log) != 0)
        return STEP_FAILED;
    if (reply->code == 354)
        replay->text_begun_at = line->number;
    return reply->code == 221 || reply->code == 421 ? end(replay, reply) : STEP_ON;
}

/* Sends one line; in a mail's text only the dot waits for a reply. */
static enum step send_line(struct replay *replay)
{
    struct link *link = replay->link;
    const struct order *line = &replay->line;
    bool is_text = replay->text_begun_at != 0 && !text_is_word(line->text, line->length, ".");
    enum link_result result;
    struct reply reply;

    if (is_text) {
        result = link->kind->text(link, line, &reply);
    } else {
        replay->text_begun_at = 0;
        result = link->kind->ask(link, line, &reply);
    }
    if (result == LINK_REPLY)
        return hear(replay, &reply);
    if (result == LINK_SENT)
        return STEP_ON;
    complain(replay, result);
    return STEP_FAILED;
}

int replay_run(struct link *link, struct portlog *log, struct orders orders)
{
    struct replay replay = { .link = link, .log = log, .orders = orders };
    enum step step = greet(&replay);

    while (step == STEP_ON && orders_next(&replay.orders, &replay.line))
        step = send_line(&replay);
    if (step == STEP_ON && replay.text_begun_at != 0) {
        say("the orders end inside the text that line %zu began: the line \".\" is missing",
            replay.text_begun_at);
        step = STEP_FAILED;
    }
    return step != STEP_FAILED && portlog_done(log) == 0 ? 0 : 1;
}
