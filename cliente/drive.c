/* See drive.h. */
#include "drive.h"

#include <errno.h>

#include "link.h"
#include "net/clock.h"
#include "reply.h"
#include "tally.h"

/* A session while it runs. */
struct ride {
    struct link *link;
    const struct drive_way *way;
    struct tally *tally;
    size_t sent, heard; /* steps of the plan, each from the first on */
    int64_t mail_us;    /* when the group of the mail that is heard next left */
    int64_t group_us;   /* when the last group did */
};

/* What became of a step. ENDED: the session is over, well or counted as an error. */
enum step { STEP_ON, STEP_ENDED };

static enum tally_error kind_of(enum link_result result)
{
    switch (result) {
    case LINK_UNSENT:
        return TALLY_UNSENT;
    case LINK_DENIED:
        return TALLY_DENIED;
    case LINK_GONE:
        return TALLY_CLOSED;
    case LINK_SILENT:
        return TALLY_SILENT;
    default:
        return TALLY_NOISE;
    }
}

/* The link failed. A link that was told to give up is no error. */
static enum step fail(const struct link *link, struct tally *tally, enum tally_error kind)
{
    bool has_detail = kind == TALLY_UNREACHED || kind == TALLY_UNSENT || kind == TALLY_DENIED ||
                      kind == TALLY_CLOSED;

    if (!link_has_given_up())
        tally_error(tally, kind, has_detail ? link->error : 0);
    return STEP_ENDED;
}

bool drive_begin(struct drive *drive, const struct drive_way *way, struct tally *tally)
{
    drive->begun_us = clock_now_us();
    drive->link = way->kind->reach(way->target);
    if (drive->link == NULL)
        tally_error(tally, TALLY_UNREACHED, errno);
    return drive->link != NULL;
}

void drive_drop(struct drive *drive)
{
    drive->link->kind->close(drive->link);
    drive->link = NULL;
}

bool drive_greet(struct drive *drive, struct tally *tally)
{
    struct link *link = drive->link;
    struct reply reply;
    enum link_result result = link->kind->greet(link, &reply);

    if (result == LINK_REPLY) {
        tally_reply(tally, reply.code);
        if (reply.code / 100 == 2) {
            tally_time(tally, TALLY_GREETING, clock_now_us() - drive->begun_us);
            tally->of.counts[TALLY_GREETED]++;
            return true;
        }
        tally_error(tally, TALLY_DENIED, reply.code);
    } else {
        fail(link, tally, result == LINK_UNSENT ? TALLY_UNREACHED : kind_of(result));
    }
    drive_drop(drive);
    return false;
}

/* The text that was to follow has no place: the session ends politely, and is an error. */
static enum step leave(struct ride *ride, int code)
{
    static const struct order quit = { .text = "QUIT", .length = 4 };
    struct reply reply;

    tally_error(ride->tally, TALLY_NO_TEXT, code);
    if (ride->link->kind->ask(ride->link, &quit, &reply) == LINK_REPLY)
        tally_reply(ride->tally, reply.code);
    return STEP_ENDED;
}

static void note_dot(struct ride *ride, int code)
{
    tally_time(ride->tally, TALLY_MAIL, clock_now_us() - ride->mail_us);
    ride->tally->of.counts[code / 100 == 2 ? TALLY_MAILS : TALLY_REFUSED]++;
}

/* Takes the reply to the next step to which one is due. */
static enum step take(struct ride *ride, const struct reply *reply)
{
    const struct plan_step *step;

    do
        step = &ride->way->plan.steps[ride->heard++];
    while (step->kind == PLAN_TEXT);
    tally_reply(ride->tally, reply->code);
    if (reply->code == 421) {
        tally_error(ride->tally, TALLY_FAREWELL, 0);
        return STEP_ENDED;
    }
    if (step->kind == PLAN_DATA)
        return reply->code == 354 ? STEP_ON : leave(ride, reply->code);
    if (reply->code == 354) {
        tally_error(ride->tally, TALLY_NOISE, 0);
        return STEP_ENDED;
    }
    if (step->kind == PLAN_DOT)
        note_dot(ride, reply->code);
    if (reply->code != 221)
        return STEP_ON;
    ride->tally->of.counts[TALLY_SESSIONS]++;
    return STEP_ENDED;
}

/* What a link said: a reply is taken, nothing is fine where nothing is due. */
static enum step judge(struct ride *ride, enum link_result result, const struct reply *reply)
{
    if (result == LINK_SENT)
        return STEP_ON;
    if (result == LINK_REPLY)
        return take(ride, reply);
    if (result != LINK_ENDED)
        return fail(ride->link, ride->tally, kind_of(result));
    ride->tally->of.counts[TALLY_SESSIONS]++;
    return STEP_ENDED;
}

/*
 * Only the server's last word can come while text is sent: a 421, or what it said before it
 * left. The reply that a step waits for is not this one.
 */
static enum step judge_early(struct ride *ride, const struct reply *reply)
{
    tally_reply(ride->tally, reply->code);
    tally_error(ride->tally, reply->code == 421 ? TALLY_FAREWELL : TALLY_CLOSED, 0);
    return STEP_ENDED;
}

static enum step put(struct ride *ride, const struct plan_step *step)
{
    struct reply reply;
    enum link_result result = ride->link->kind->text(ride->link, &step->line, &reply);

    if (result == LINK_REPLY)
        return judge_early(ride, &reply);
    return judge(ride, result, &reply);
}

/* Sends the next line, and waits for the reply to it, if one is due. */
static enum step send_line(struct ride *ride)
{
    const struct plan_step *step = &ride->way->plan.steps[ride->sent++];
    enum link_result result;
    struct reply reply;

    ride->tally->of.counts[TALLY_OCTETS] += step->line.length + 2;
    if (step->kind == PLAN_MAIL)
        ride->mail_us = clock_now_us();
    if (step->kind == PLAN_TEXT)
        return put(ride, step);
    result = ride->link->kind->ask(ride->link, &step->line, &reply);
    return judge(ride, result, &reply);
}

/* Puts the lines of the next group into the link. */
static enum step put_group(struct ride *ride)
{
    const struct plan *plan = &ride->way->plan;
    const struct plan_step *step;
    enum step result = STEP_ON;

    ride->group_us = clock_now_us();
    do {
        step = &plan->steps[ride->sent++];
        ride->tally->of.counts[TALLY_OCTETS] += step->line.length + 2;
        result = put(ride, step);
    } while (result == STEP_ON && !step->ends_group && ride->sent < plan->count);
    return result;
}

/* Hears the reply to the next step that has one. A mail begins with the group of its MAIL. */
static enum step hear_next(struct ride *ride)
{
    const struct plan_step *steps = ride->way->plan.steps;
    enum link_result result;
    struct reply reply;

    while (ride->heard < ride->sent && steps[ride->heard].kind == PLAN_TEXT)
        ride->heard++;
    if (ride->heard == ride->sent)
        return STEP_ON;
    if (steps[ride->heard].kind == PLAN_MAIL)
        ride->mail_us = ride->group_us;
    result = ride->link->kind->hear(ride->link, &reply);
    return judge(ride, result, &reply);
}

static enum step send_group(struct ride *ride)
{
    enum step step = put_group(ride);

    while (step == STEP_ON && ride->heard < ride->sent)
        step = hear_next(ride);
    return step;
}

void drive_go(struct drive *drive, const struct drive_way *way, struct tally *tally)
{
    struct ride ride = { .link = drive->link, .way = way, .tally = tally };
    uint64_t before = tally->of.counts[TALLY_SESSIONS];
    enum step step = STEP_ON;

    while (step == STEP_ON && ride.sent < way->plan.count)
        step = way->is_pipelined ? send_group(&ride) : send_line(&ride);
    if (step == STEP_ON)
        tally->of.counts[TALLY_SESSIONS]++;
    if (tally->of.counts[TALLY_SESSIONS] > before)
        tally_time(tally, TALLY_SESSION, clock_now_us() - drive->begun_us);
    drive_drop(drive);
}
