/*
 * Whatever stands behind MAIL's path: what is accepted is made of the three parameters that
 * are offered, none of them twice, and says the same in any order of its words.
 */
#include "smtp/parameters.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* How many words `text` has. */
static unsigned words_in(const char *text, size_t length)
{
    unsigned words = 0;
    size_t i;

    for (i = 0; i < length; i++)
        words += text[i] != ' ' && (i == 0 || text[i - 1] == ' ');
    return words;
}

/* The words of `text` in `out`, the last one first, each with a blank before it. Their length. */
static size_t turn_around(const char *text, size_t length, char *out)
{
    size_t used = 0, begin;

    while (length > 0) {
        for (; length > 0 && text[length - 1] == ' '; length--)
            continue;
        for (begin = length; begin > 0 && text[begin - 1] != ' '; begin--)
            continue;
        if (begin == length)
            break;
        out[used++] = ' ';
        memcpy(out + used, text + begin, length - begin);
        used += length - begin;
        length = begin;
    }
    return used;
}

static void check_turned(const char *text, size_t length, const struct mail_parameters *wanted)
{
    struct mail_parameters parameters;
    char *turned = malloc(length + 1);
    size_t used;

    assert(turned != NULL);
    used = turn_around(text, length, turned);
    assert(parameters_parse(turned, used, &parameters) == PARAMETERS_GOOD);
    assert(parameters.has_size == wanted->has_size && parameters.size == wanted->size);
    assert(parameters.has_body == wanted->has_body && parameters.is_utf8 == wanted->is_utf8);
    free(turned);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    struct mail_parameters parameters;
    char copy[32];

    if (size > 0 && parameters_parse(text, size, &parameters) == PARAMETERS_GOOD) {
        assert(words_in(text, size) ==
               (unsigned)parameters.has_size + parameters.has_body + parameters.is_utf8);
        check_turned(text, size, &parameters);
    }
    /* A size is the number that it is written as. */
    if (size >= sizeof(uint32_t)) {
        uint32_t number;
        int length;

        memcpy(&number, data, sizeof number);
        length = snprintf(copy, sizeof copy, " SIZE=%lu", (unsigned long)number);
        assert(parameters_parse(copy, (size_t)length, &parameters) == PARAMETERS_GOOD);
        assert(parameters.size == number);
    }
    return 0;
}
