/*
 * The words of a filter's command line: they fit where the header says, the words quoted again
 * are split into themselves, and without quotes and backslashes they are what blanks separate.
 */
#include "mail/filter_words.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Quotes a word for the splitter, at `to`; returns what is behind it. */
static char *quote(const char *word, char *to)
{
    *to++ = '\'';
    for (; *word != '\0'; word++) {
        if (*word == '\'') {
            memcpy(to, "'\\'", 3);
            to += 3;
        }
        *to++ = *word;
    }
    memcpy(to, "' ", 2);
    return to + 2;
}

/* The words, each quoted, are split into the same ones. */
static void check_again(const char *words, size_t count)
{
    const char *word = words;
    size_t i, length;
    char *text, *end, *again;

    for (i = 0; i < count; i++)
        word += strlen(word) + 1;
    length = (size_t)(word - words);
    end = text = malloc(4 * length + 3 * count + 1);
    assert(text != NULL);
    for (i = 0, word = words; i < count; i++, word += strlen(word) + 1)
        end = quote(word, end);
    *end = '\0';
    again = malloc(strlen(text) + 1);
    assert(again != NULL);
    assert(filter_words_split(text, again) == count && memcmp(again, words, length) == 0);
    free(again);
    free(text);
}

/* Words between blanks are themselves. */
static void check_plain(const char *text, const char *words, size_t count)
{
    size_t length;

    for (; count > 0; count--, words += length + 1, text += length) {
        text += strspn(text, " \t\n");
        length = strlen(words);
        assert(length > 0 && length == strcspn(text, " \t\n") && memcmp(text, words, length) == 0);
    }
    assert(text[strspn(text, " \t\n")] == '\0');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1), *words;
    size_t count;

    assert(text != NULL);
    memcpy(text, data, size);
    text[size] = '\0';
    words = malloc(strlen(text) + 1);
    assert(words != NULL);
    count = filter_words_split(text, words);
    check_again(words, count);
    if (strpbrk(text, "'\"\\") == NULL)
        check_plain(text, words, count);
    free(words);
    free(text);
    return 0;
}
