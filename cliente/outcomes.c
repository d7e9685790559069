/* See outcomes.h. */
#include "outcomes.h"

#include "net/text.h"

static bool begins(const struct order *line, const char *word)
{
    return text_begins(line->text, line->length, word);
}

/* Malformed ones too: they are refused, and that is what became of them. */
static bool is_mail(const struct order *line)
{
    return begins(line, "MAIL FROM");
}

size_t outcomes_room(struct orders orders)
{
    struct order line;
    size_t room = 0;

    while (orders_next(&orders, &line))
        room += is_mail(&line);
    return room;
}

/* A refused one leaves the one before it open (RFC 5321, section 4.1.4). */
static void note_mail(struct outcomes *outcomes, size_t line, int code)
{
    struct outcomes_mail *mail = &outcomes->mails[outcomes->count++];

    mail->line = line;
    mail->outcome = code == 0 || code / 100 == 2 ? OUTCOME_NOT_SENT : OUTCOME_REFUSED;
    if (code / 100 == 2)
        outcomes->open = outcomes->count;
}

/* A granted one takes back that an earlier one was refused, as for want of a recipient. */
static void note_data(struct outcomes *outcomes, int code)
{
    if (outcomes->open > 0 && code != 0)
        outcomes->mails[outcomes->open - 1].outcome =
            code == 354 ? OUTCOME_NOT_SENT : OUTCOME_REFUSED;
}

void outcomes_note(struct outcomes *outcomes, const struct order *command, int code)
{
    if (is_mail(command))
        note_mail(outcomes, command->number, code);
    else if (begins(command, "DATA"))
        note_data(outcomes, code);
    else if (code / 100 == 2 && (begins(command, "RSET") || begins(command, "HELO") ||
                                 begins(command, "EHLO")))
        outcomes->open = 0;
}

void outcomes_note_dot(struct outcomes *outcomes, int code)
{
    enum outcome outcome = OUTCOME_UNKNOWN;

    if (code != 0)
        outcome = code / 100 == 2 ? OUTCOME_STORED : OUTCOME_REFUSED;
    if (outcomes->open > 0)
        outcomes->mails[outcomes->open - 1].outcome = outcome;
    outcomes->open = 0;
}

bool outcomes_are_known(const struct outcomes *outcomes)
{
    size_t i;

    for (i = 0; i < outcomes->count; i++)
        if (outcomes->mails[i].outcome == OUTCOME_UNKNOWN)
            return false;
    return true;
}

const char *outcomes_word(enum outcome outcome)
{
    static const char *const words[] = {
        [OUTCOME_NOT_SENT] = "not sent",
        [OUTCOME_UNKNOWN] = "outcome unknown",
        [OUTCOME_STORED] = "stored",
        [OUTCOME_REFUSED] = "refused",
    };

    return words[outcome];
}
