/* What is a text in an order file, and which orders leave together. */
#include "plan.h"

#include <string.h>

#include "check.h"

enum { ROOM = 200 };

static struct plan_step steps[ROOM];

static size_t make(const char *text)
{
    struct orders orders = { .text = text, .length = strlen(text) };

    memset(steps, 0, sizeof steps);
    CHECK(plan_room(orders) <= ROOM);
    return plan_make(orders, steps);
}

/* The kinds as letters, and | where a group ends. */
static const char *shape(const char *text)
{
    static const char letters[] = { [PLAN_COMMAND] = 'c', [PLAN_MAIL] = 'M', [PLAN_DATA] = 'D',
                                    [PLAN_TEXT] = 't', [PLAN_DOT] = '.' };
    static char out[2 * ROOM + 1];
    struct orders orders = { .text = text, .length = strlen(text) };
    size_t i, used = 0;

    CHECK(make(text) == 0);
    for (i = 0; i < plan_room(orders); i++) {
        out[used++] = letters[steps[i].kind];
        if (steps[i].ends_group)
            out[used++] = '|';
    }
    out[used] = '\0';
    return out;
}

static void one_mail_is_one_round_trip_but_for_its_ends(void)
{
    CHECK(strcmp(shape("EHLO a\nMAIL FROM:<a@b>\nRCPT TO:<c@d>\nRCPT TO:<e@f>\nDATA\none\ntwo\n"
                       ".\nMAIL FROM:<a@b>\nRCPT TO:<c@d>\nDATA\none\n.\nQUIT\n"),
                 "c|MccD|tt.McD|t.c|") == 0);
}

static void what_rfc_2920_does_not_let_follow_ends_a_group(void)
{
    CHECK(strcmp(shape("HELO a\nrset\nNOOP\nVRFY x\nEXPN x\nRSET\nXYZ\n\nRSET\nQUIT\n"),
                 "c|cc|c|c|cc|c|cc|") == 0);
}

static void the_last_group_may_be_open(void)
{
    CHECK(strcmp(shape("HELO a\nMAIL FROM:<a@b>\nRCPT TO:<c@d>"), "c|Mc") == 0);
    CHECK(strcmp(shape(""), "") == 0);
}

static void orders_in_a_text_are_text(void)
{
    CHECK(strcmp(shape("DATA\nMAIL FROM:<a@b>\nDATA\nQUIT\n..\n.\nQUIT"), "D|tttt.c|") == 0);
}

static void words_are_known_in_any_case_and_with_blanks_behind(void)
{
    CHECK(strcmp(shape("mail from: <a@b>\nrcpt to:<c@d>\ndata \t\nx\n.\nDATOS\nMAIL FRO\n"),
                 "McD|t.c|c|") == 0);
}

static void a_text_without_end_is_told(void)
{
    CHECK(make("HELO a\nDATA\nx\n.\nDATA\nx\n") == 5);
    CHECK(make("DATA") == 1);
    CHECK(make("DATA\n.") == 0);
}

/* So that the replies to a group fit in an inbox, however many recipients there are. */
static void a_group_has_its_limit(void)
{
    static char text[ROOM * 8 + 1];
    size_t i, group = 0, longest = 0;

    for (i = 0; i < ROOM; i++)
        memcpy(text + i * 8, "RCPT TO\n", 9);
    CHECK(make(text) == 0);
    for (i = 0; i < ROOM; i++) {
        group++;
        longest = group > longest ? group : longest;
        if (steps[i].ends_group)
            group = 0;
    }
    CHECK(longest == PLAN_GROUP);
}

static void lines_keep_their_numbers_and_texts(void)
{
    CHECK(make("HELO a\r\nQUIT\r") == 0);
    CHECK(steps[1].line.number == 2 && steps[1].line.length == 4);
    CHECK(memcmp(steps[1].line.text, "QUIT", 4) == 0);
}

int main(void)
{
    one_mail_is_one_round_trip_but_for_its_ends();
    what_rfc_2920_does_not_let_follow_ends_a_group();
    the_last_group_may_be_open();
    orders_in_a_text_are_text();
    words_are_known_in_any_case_and_with_blanks_behind();
    a_text_without_end_is_told();
    a_group_has_its_limit();
    lines_keep_their_numbers_and_texts();
    return check_status();
}
