/*
 * Octets as text: comparing, reading numbers, and showing a stranger's octets
 * to a person without letting them act. Pure: no system call, no state.
 */
#ifndef NET_TEXT_H
#define NET_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The most octets that text_escape() makes of one. */
enum { TEXT_ESCAPE_GROWTH = 4 };

/*
 * Copies `length` octets of `in` to `out`, replacing what could forge a line or
 * steer a terminal: controls become \r \n \t \033 and so on (octal), a backslash
 * becomes two, as do octets that are no UTF-8 and the invisible UTF-8 characters
 * that reorder or break lines (C1 controls, U+061C, U+200E, U+200F, U+2028 to
 * U+202E, U+2066 to U+2069) as octal. Stops before an escape that would not fit
 * whole in `room`. Returns the octets written; no NUL is added.
 */
size_t text_escape(char *out, size_t room, const char *in, size_t length);

/* Is `text` the word `word`, in any mixture of ASCII upper and lower case? */
bool text_is_word(const char *text, size_t length, const char *word);

/* Is all of `text` ASCII? */
bool text_is_ascii(const char *text, size_t length);

/* Is all of `text` well-formed UTF-8 (RFC 3629)? ASCII is. */
bool text_is_utf8(const char *text, size_t length);

/* Are these the same `length` octets, in any mixture of cases? */
bool text_is_same(const char *one, const char *other, size_t length);

/* Does `text` begin with `word`, in any mixture of cases? */
bool text_begins(const char *text, size_t length, const char *word);

/*
 * Reads all of `text` as a decimal number of at most `limit` into `*number`.
 * Returns false, leaving `*number`, for anything but digits, for no digits and
 * for a number above the limit, however many digits it has.
 */
bool text_number(const char *text, size_t length, uint64_t limit, uint64_t *number);

#endif
