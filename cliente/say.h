/*
 * What the person at the terminal is told, on standard error. Text that came from
 * a server or an order file must pass say_quote() first.
 */
#ifndef CLIENTE_SAY_H
#define CLIENTE_SAY_H

#include <stddef.h>

/* Octets of a text that are quoted, and the room that their quotation takes. */
enum { SAY_QUOTED = 72, SAY_QUOTE_ROOM = SAY_QUOTED * 4 + 8 };

/* The name of the program that says it, which must stay; "cliente" before. */
void say_as(const char *program);

/* From now on say() says nothing: what fails is counted and told by somebody else. */
void say_nothing(void);

/* Prints the program's name, ": ", the text and a line end. */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Sends on what was printed on standard output. Returns 0, or 1 after saying why it could not. */
int say_flush(void);

/*
 * Writes `text` in double quotes into `out`, escaped as text_escape() does and
 * without the line end it may have; a longer one than SAY_QUOTED is cut and ends
 * in "...". Returns `out`.
 */
const char *say_quote(char out[SAY_QUOTE_ROOM], const char *text, size_t length);

#endif
