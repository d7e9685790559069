/*
 * What became of each mail of a dialogue, as far as its replies tell. A mail begins with a
 * MAIL FROM line, and its fate is the reply to the dot that ends its text; between the two
 * nobody but the server knows. Pure.
 */
#ifndef CLIENTE_OUTCOMES_H
#define CLIENTE_OUTCOMES_H

#include <stdbool.h>
#include <stddef.h>

#include "orders.h"

enum outcome {
    OUTCOME_NOT_SENT, /* the dot was never sent */
    OUTCOME_UNKNOWN,  /* the dot was sent, and never answered */
    OUTCOME_STORED,
    OUTCOME_REFUSED
};

struct outcomes_mail {
    size_t line; /* that began it */
    enum outcome outcome;
};

/* Begin with `mails`, which stay the caller's, for outcomes_room() of them; the rest is 0. */
struct outcomes {
    struct outcomes_mail *mails;
    size_t count;
    size_t open; /* the mail that the server takes RCPT and DATA for, from 1; 0: none */
};

/* How many mails these orders can have at most. */
size_t outcomes_room(struct orders orders);

/*
 * Takes note of a command that was sent, and of the code of its reply, 0 if none came.
 * A line of text is no command.
 */
void outcomes_note(struct outcomes *outcomes, const struct order *command, int code);

/* The same for the dot that ends a text. */
void outcomes_note_dot(struct outcomes *outcomes, int code);

/* Is the outcome of each mail known? */
bool outcomes_are_known(const struct outcomes *outcomes);

/* The outcome in words. */
const char *outcomes_word(enum outcome outcome);

#endif
