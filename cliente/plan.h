/*
 * An order file as it is had many times: read once, its lines with what is to be done about
 * each. Other than a dialogue that is replayed once, it says beforehand where the text of a mail
 * is: from a DATA line to the next line ".". Pure.
 */
#ifndef CLIENTE_PLAN_H
#define CLIENTE_PLAN_H

#include <stdbool.h>
#include <stddef.h>

#include "orders.h"

enum plan_kind {
    PLAN_COMMAND,
    PLAN_MAIL, /* MAIL FROM, with which a mail begins */
    PLAN_DATA,
    PLAN_TEXT, /* no reply is due */
    PLAN_DOT   /* the end of a text */
};

/*
 * Commands that leave together before the first reply is waited for, at most. Replies are a
 * line each as a rule, and must fit in an inbox all together.
 */
enum { PLAN_GROUP = 50 };

struct plan_step {
    struct order line;
    enum plan_kind kind;
    bool ends_group; /* with pipelining (RFC 2920, section 3.1), nothing follows before its reply */
};

struct plan {
    const struct plan_step *steps;
    size_t count;
};

/* How many steps these orders have. */
size_t plan_room(struct orders orders);

/*
 * Makes the steps of the orders in `steps`, which has room for plan_room() of them. Their lines
 * point into the orders. Returns 0, or the number of the line that begins a text without end.
 */
size_t plan_make(struct orders orders, struct plan_step *steps);

#endif
