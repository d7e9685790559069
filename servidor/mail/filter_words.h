/*
 * The command line of a filter as words, without a shell: blanks separate them. Within '...'
 * every octet is itself; within "..." a backslash quotes " and \; elsewhere it quotes any
 * octet. Pure.
 */
#ifndef MAIL_FILTER_WORDS_H
#define MAIL_FILTER_WORDS_H

#include <stddef.h>

/*
 * Writes the words of `text` one behind the other into `out`, each with a NUL behind it;
 * `out` has room for strlen(text) + 1 octets. Returns how many they are; 0 if there is none,
 * or if a quote or a last backslash has nothing that ends it.
 */
size_t filter_words_split(const char *text, char *out);

#endif
