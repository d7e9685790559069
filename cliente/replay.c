/* See replay.h. */
#include "replay.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "link.h"
#include "net/text.h"
#include "outcomes.h"
#include "portlog.h"
#include "reply.h"
#include "say.h"

struct replay {
    struct link *link;
    struct portlog *log;
    struct orders orders;
    struct order line;    /* sent last; its text is NULL before the first */
    size_t text_begun_at; /* number of the line that opened a mail's text; 0 outside one */
    struct outcomes outcomes;
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
    const char *host = link->target->host, *why = link->reason;
    unsigned port = link->target->port;
    char what[SAY_QUOTE_ROOM + 64];

    describe(replay, what, sizeof what);
    if (why == NULL)
        why = link->error == 0 ? "it closed the connection" : strerror(link->error);
    if (result == LINK_DENIED)
        say("%s port %u: %s", host, port, why);
    else if (result == LINK_GONE)
        say("%s port %u went away (%s): %s", host, port, why, what);
    else if (result == LINK_UNSENT)
        say("cannot send to %s port %u (%s): %s", host, port, why, what);
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

/* The orders that are left when a session has ended cannot be sent. */
static void say_what_is_left(struct replay *replay, const char *how)
{
    struct order order;
    size_t left = 0;

    while (orders_next(&replay->orders, &order))
        left += order.length > 0;
    if (left > 0)
        say("the session ended with %s, before the last %zu line%s of the orders", how, left,
            left == 1 ? "" : "s");
}

/* Sessions end with 221 or 421. */
static enum step end(struct replay *replay, const struct reply *reply)
{
    if (reply->code == 221) {
        say_what_is_left(replay, "221");
        return STEP_ENDED;
    }
    complain_of_reply(replay, "ended the session", reply);
    say_what_is_left(replay, "421");
    return STEP_FAILED;
}

/* The reply to QUIT got lost, and with it nothing else. */
static enum step end_without_reply(struct replay *replay)
{
    const struct link_target *target = replay->link->target;

    say("%s port %u left without an answer to QUIT; all before it was answered", target->host,
        (unsigned)target->port);
    say_what_is_left(replay, "QUIT");
    return STEP_ENDED;
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

/*
 * Notes what became of a command or a dot. A 421 to one that was repeated may be the server's
 * second reply: what the first one was, nobody knows.
 */
static void note(struct replay *replay, bool is_dot, int code)
{
    if (code == 421 && replay->link->sends > 1)
        code = 0;
    if (is_dot)
        outcomes_note_dot(&replay->outcomes, code);
    else
        outcomes_note(&replay->outcomes, &replay->line, code);
}

/* Sends a command, or the dot that ends a text. */
static enum link_result ask(struct replay *replay, struct reply *reply)
{
    bool is_dot = replay->text_begun_at != 0;
    enum link_result result;

    replay->text_begun_at = 0;
    result = replay->link->kind->ask(replay->link, &replay->line, reply);
    if (result != LINK_UNSENT || !is_dot)
        note(replay, is_dot, result == LINK_REPLY ? reply->code : 0);
    return result;
}

/* Sends one line; in a mail's text only the dot waits for a reply. */
static enum step send_line(struct replay *replay)
{
    const struct order *line = &replay->line;
    enum link_result result;
    struct reply reply;

    if (replay->text_begun_at != 0 && !text_is_word(line->text, line->length, "."))
        result = replay->link->kind->text(replay->link, line, &reply);
    else
        result = ask(replay, &reply);
    if (result == LINK_REPLY)
        return hear(replay, &reply);
    if (result == LINK_SENT)
        return STEP_ON;
    if (result == LINK_ENDED)
        return end_without_reply(replay);
    complain(replay, result);
    return STEP_FAILED;
}

static enum step run(struct replay *replay)
{
    enum step step = greet(replay);

    while (step == STEP_ON && orders_next(&replay->orders, &replay->line))
        step = send_line(replay);
    if (step == STEP_ON && replay->text_begun_at != 0) {
        say("the orders end inside the text that line %zu began: the line \".\" is missing",
            replay->text_begun_at);
        step = STEP_FAILED;
    }
    if (step != STEP_FAILED && portlog_done(replay->log) != 0)
        step = STEP_FAILED;
    return step;
}

/* Says what became of each mail so far. */
static enum replay_status say_outcomes(const struct outcomes *outcomes)
{
    const struct outcomes_mail *mail = outcomes->mails;
    size_t i;

    for (i = 0; i < outcomes->count; i++, mail++)
        say("mail %zu (line %zu): %s", i + 1, mail->line, outcomes_word(mail->outcome));
    return outcomes_are_known(outcomes) ? REPLAY_FAILED : REPLAY_UNKNOWN;
}

enum replay_status replay_run(struct link *link, struct portlog *log, struct orders orders)
{
    struct replay replay = { .link = link, .log = log, .orders = orders };
    enum replay_status status = REPLAY_COMPLETE;

    /* One more, since for none there may be no memory. */
    replay.outcomes.mails = calloc(outcomes_room(orders) + 1, sizeof *replay.outcomes.mails);
    if (replay.outcomes.mails == NULL) {
        say("no memory for the outcomes of the mails");
        return REPLAY_FAILED;
    }
    if (run(&replay) == STEP_FAILED)
        status = say_outcomes(&replay.outcomes);
    free(replay.outcomes.mails);
    return status;
}
