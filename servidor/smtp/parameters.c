/* See parameters.h. */
#include "smtp/parameters.h"

#include <string.h>

#include "net/text.h"

/* `value` is NULL where no = followed the keyword. Each returns whether it is as it must be. */

static bool take_size(struct mail_parameters *parameters, const char *value, size_t length)
{
    size_t i;

    if (parameters->has_size || value == NULL || length == 0)
        return false;
    for (i = 0; i < length; i++)
        if (value[i] < '0' || value[i] > '9')
            return false;
    parameters->has_size = true;
    if (!text_number(value, length, UINT64_MAX, &parameters->size))
        parameters->size = UINT64_MAX;
    return true;
}

static bool take_body(struct mail_parameters *parameters, const char *value, size_t length)
{
    if (parameters->has_body || value == NULL)
        return false;
    parameters->has_body = true;
    return text_is_word(value, length, "7BIT") || text_is_word(value, length, "8BITMIME");
}

static bool take_utf8(struct mail_parameters *parameters, const char *value, size_t length)
{
    (void)length;
    if (parameters->is_utf8 || value != NULL)
        return false;
    parameters->is_utf8 = true;
    return true;
}

static const struct {
    const char *keyword;
    bool (*take)(struct mail_parameters *parameters, const char *value, size_t length);
} table[] = {
    { "SIZE", take_size },
    { "BODY", take_body },
    { "SMTPUTF8", take_utf8 },
};

/* One parameter, as in SIZE=1000. */
static enum parameters_result take(struct mail_parameters *parameters, const char *text,
                                   size_t length)
{
    const char *equals = memchr(text, '=', length);
    size_t keyword = equals == NULL ? length : (size_t)(equals - text);
    const char *value = equals == NULL ? NULL : equals + 1;
    size_t i;

    for (i = 0; i < sizeof table / sizeof table[0]; i++)
        if (text_is_word(text, keyword, table[i].keyword))
            return table[i].take(parameters, value, value == NULL ? 0 : length - keyword - 1)
                       ? PARAMETERS_GOOD
                       : PARAMETERS_BAD;
    return PARAMETERS_UNKNOWN;
}

enum parameters_result parameters_parse(const char *text, size_t length,
                                        struct mail_parameters *parameters)
{
    enum parameters_result result = PARAMETERS_GOOD;
    size_t n;

    memset(parameters, 0, sizeof *parameters);
    while (length > 0 && result == PARAMETERS_GOOD) {
        for (; length > 0 && *text == ' '; length--)
            text++;
        for (n = 0; n < length && text[n] != ' '; n++)
            continue;
        if (n > 0)
            result = take(parameters, text, n);
        text += n;
        length -= n;
    }
    return result;
}
