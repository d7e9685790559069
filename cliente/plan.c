/* See plan.h. */
#include "plan.h"

#include "net/text.h"

static bool begins(const struct order *line, const char *word)
{
    return text_begins(line->text, line->length, word);
}

static bool is_word(const struct order *line, const char *word)
{
    return text_is_word(line->text, line->length, word);
}

/* DATA may have blanks behind it. */
static bool is_data(const struct order *line)
{
    size_t length = line->length;

    while (length > 0 && (line->text[length - 1] == ' ' || line->text[length - 1] == '\t'))
        length--;
    return text_is_word(line->text, length, "DATA");
}

static enum plan_kind kind_of(const struct order *line, bool is_in_text)
{
    if (is_in_text)
        return is_word(line, ".") ? PLAN_DOT : PLAN_TEXT;
    if (is_data(line))
        return PLAN_DATA;
    return begins(line, "MAIL FROM") ? PLAN_MAIL : PLAN_COMMAND;
}

/* RFC 2920, section 3.1, names those that may stand anywhere in a group. */
static bool may_be_followed(const struct plan_step *step)
{
    return step->kind == PLAN_MAIL || step->kind == PLAN_TEXT || step->kind == PLAN_DOT ||
           begins(&step->line, "RCPT TO") || is_word(&step->line, "RSET");
}

size_t plan_room(struct orders orders)
{
    struct order line;
    size_t room = 0;

    while (orders_next(&orders, &line))
        room++;
    return room;
}

size_t plan_make(struct orders orders, struct plan_step *steps)
{
    struct plan_step *step = steps;
    size_t text_begun_at = 0, group = 0;

    for (; orders_next(&orders, &step->line); step++) {
        step->kind = kind_of(&step->line, text_begun_at != 0);
        if (step->kind == PLAN_DATA)
            text_begun_at = step->line.number;
        else if (step->kind == PLAN_DOT)
            text_begun_at = 0;
        group += step->kind != PLAN_TEXT;
        step->ends_group = !may_be_followed(step) || group == PLAN_GROUP;
        if (step->ends_group)
            group = 0;
    }
    return text_begun_at;
}
