/* What the replies of a dialogue tell of its mails. */
#include "outcomes.h"

#include <string.h>

#include "check.h"

enum { ROOM = 8 };

static struct outcomes_mail mails[ROOM];

static struct outcomes begin(void)
{
    return (struct outcomes){ .mails = mails };
}

/* The command `text` of line `number` was answered with `code`. */
static void say(struct outcomes *outcomes, size_t number, const char *text, int code)
{
    const struct order order = { .text = text, .length = strlen(text), .number = number };

    outcomes_note(outcomes, &order, code);
}

/* A mail whose text was sent but for its dot. */
static void send_text(struct outcomes *outcomes, size_t number)
{
    say(outcomes, number, "MAIL FROM:<a@b>", 250);
    say(outcomes, number + 1, "RCPT TO:<c@d>", 250);
    say(outcomes, number + 2, "DATA", 354);
}

static bool is(const struct outcomes *outcomes, size_t mail, enum outcome outcome)
{
    return mail < outcomes->count && outcomes->mails[mail].outcome == outcome;
}

static void the_reply_to_the_dot_decides(void)
{
    struct outcomes outcomes = begin();

    send_text(&outcomes, 2);
    CHECK(is(&outcomes, 0, OUTCOME_NOT_SENT));
    outcomes_note_dot(&outcomes, 250);
    CHECK(is(&outcomes, 0, OUTCOME_STORED));
    send_text(&outcomes, 6);
    outcomes_note_dot(&outcomes, 451);
    CHECK(is(&outcomes, 1, OUTCOME_REFUSED));
    CHECK(outcomes_are_known(&outcomes));
    send_text(&outcomes, 10);
    outcomes_note_dot(&outcomes, 0);
    CHECK(is(&outcomes, 2, OUTCOME_UNKNOWN));
    CHECK(!outcomes_are_known(&outcomes));
    CHECK(outcomes.count == 3 && mails[0].line == 2 && mails[1].line == 6 && mails[2].line == 10);
}

static void a_mail_that_is_refused_earlier_is_refused(void)
{
    struct outcomes outcomes = begin();

    say(&outcomes, 1, "mail from: <a>", 500);
    CHECK(is(&outcomes, 0, OUTCOME_REFUSED));
    say(&outcomes, 2, "MAIL FROM:<a@b>", 250);
    say(&outcomes, 3, "RCPT TO:<c@d>", 550);
    CHECK(is(&outcomes, 1, OUTCOME_NOT_SENT));
    say(&outcomes, 4, "DATA", 503);
    CHECK(is(&outcomes, 1, OUTCOME_REFUSED));
}

static void what_got_no_reply_is_not_sent(void)
{
    struct outcomes outcomes = begin();

    say(&outcomes, 1, "MAIL FROM:<a@b>", 0);
    CHECK(is(&outcomes, 0, OUTCOME_NOT_SENT));
    say(&outcomes, 2, "MAIL FROM:<a@b>", 250);
    say(&outcomes, 3, "DATA", 0);
    CHECK(is(&outcomes, 1, OUTCOME_NOT_SENT));
    CHECK(outcomes_are_known(&outcomes));
}

/* After a DATA without a recipient the mail is still open: one may follow, and a DATA again. */
static void a_second_data_takes_a_refusal_back(void)
{
    struct outcomes outcomes = begin();

    say(&outcomes, 1, "MAIL FROM:<a@b>", 250);
    say(&outcomes, 2, "DATA", 503);
    say(&outcomes, 3, "DATA", 354);
    CHECK(is(&outcomes, 0, OUTCOME_NOT_SENT));
    outcomes_note_dot(&outcomes, 250);
    CHECK(is(&outcomes, 0, OUTCOME_STORED));
}

static void a_refused_mail_leaves_the_one_before_it_open(void)
{
    struct outcomes outcomes = begin();

    say(&outcomes, 1, "MAIL FROM:<a@b>", 250);
    say(&outcomes, 2, "MAIL FROM:<e@f>", 503);
    say(&outcomes, 3, "DATA", 354);
    outcomes_note_dot(&outcomes, 250);
    CHECK(is(&outcomes, 0, OUTCOME_STORED));
    CHECK(is(&outcomes, 1, OUTCOME_REFUSED));
}

static void a_reset_leaves_a_mail_not_sent(void)
{
    static const char *const resets[] = { "RSET", "helo x", "EHLO x" };
    size_t i;

    for (i = 0; i < 3; i++) {
        struct outcomes outcomes = begin();

        say(&outcomes, 1, "MAIL FROM:<a@b>", 250);
        say(&outcomes, 2, resets[i], 250);
        say(&outcomes, 3, "DATA", 503);
        CHECK(is(&outcomes, 0, OUTCOME_NOT_SENT));
    }
}

/* A dot, or a granted DATA, of a server that knows of no mail is no mail's. */
static void a_text_without_a_mail_is_nobodys(void)
{
    struct outcomes outcomes = begin();

    say(&outcomes, 1, "DATA", 354);
    outcomes_note_dot(&outcomes, 250);
    CHECK(outcomes.count == 0);
    CHECK(outcomes_are_known(&outcomes));
}

static void the_room_is_for_all_lines_that_may_be_a_mail(void)
{
    static const char text[] = "HELO x\nMAIL FROM:<a@b>\r\nDATA\nmail from\n.\nMAIL\nMAIL FROM <x>";
    const struct orders orders = { .text = text, .length = sizeof text - 1 };

    CHECK(outcomes_room(orders) == 3);
}

int main(void)
{
    the_reply_to_the_dot_decides();
    a_mail_that_is_refused_earlier_is_refused();
    what_got_no_reply_is_not_sent();
    a_second_data_takes_a_refusal_back();
    a_refused_mail_leaves_the_one_before_it_open();
    a_reset_leaves_a_mail_not_sent();
    a_text_without_a_mail_is_nobodys();
    the_room_is_for_all_lines_that_may_be_a_mail();
    return check_status();
}
