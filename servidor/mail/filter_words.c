/* See filter_words.h. */
#include "mail/filter_words.h"

#include <stdbool.h>
#include <string.h>

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n';
}

/*
 * Copies what stands between the quotes that open at `text`, to `*to`, which it advances.
 * Returns what follows them, or NULL if they do not close.
 */
static const char *copy_quoted(const char *text, char **to)
{
    const char quote = *text++;

    for (; *text != quote; text++) {
        if (quote == '"' && *text == '\\' && (text[1] == '"' || text[1] == '\\'))
            text++;
        if (*text == '\0')
            return NULL;
        *(*to)++ = *text;
    }
    return text + 1;
}

/* The same for the one octet or the quotes at `text`. */
static const char *copy_part(const char *text, char **to)
{
    if (*text == '\'' || *text == '"')
        return copy_quoted(text, to);
    if (*text == '\\' && *++text == '\0')
        return NULL;
    *(*to)++ = *text;
    return text + 1;
}

size_t filter_words_split(const char *text, char *out)
{
    size_t count = 0;

    for (;;) {
        while (is_blank(*text))
            text++;
        if (*text == '\0')
            return count;
        while (*text != '\0' && !is_blank(*text)) {
            text = copy_part(text, &out);
            if (text == NULL)
                return 0;
        }
        *out++ = '\0';
        count++;
    }
}
