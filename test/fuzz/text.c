/*
 * What text_escape() makes of any octets holds no control, can be read back to the same
 * octets, and in less room is a beginning of itself. Numbers and words are what a plain
 * reading makes of them.
 */
#include "net/text.h"

#include <assert.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_octal(char c)
{
    return c >= '0' && c <= '7';
}

/* Reads the escape behind the backslash at `at`; its octet in `*octet`, returns its length. */
static size_t read_escape(const char *at, const char *end, char *octet)
{
    static const char names[] = "\\rnt", octets[] = "\\\r\n\t";
    const char *name;

    assert(end - at >= 2);
    name = strchr(names, at[1]);
    if (name != NULL && *name != '\0') {
        *octet = octets[name - names];
        return 2;
    }
    assert(end - at >= 4 && at[1] >= '0' && at[1] <= '3' && is_octal(at[2]) && is_octal(at[3]));
    *octet = (char)((at[1] - '0') << 6 | (at[2] - '0') << 3 | (at[3] - '0'));
    return 4;
}

/* Reads `shown` back; it must be the `size` octets at `in`. */
static void check_shown(const char *shown, size_t length, const char *in, size_t size)
{
    const char *at = shown, *end = shown + length;
    size_t i = 0;
    char octet;

    while (at < end) {
        assert((unsigned char)*at >= ' ' && *at != 0x7f);
        octet = *at;
        at += *at == '\\' ? read_escape(at, end, &octet) : 1;
        assert(i < size && in[i] == octet);
        i++;
    }
    assert(i == size);
}

static void check_less_room(const char *shown, size_t length, const char *in, size_t size)
{
    size_t room = length == 0 ? 0 : (size_t)(unsigned char)in[0] % length;
    char *out = malloc(room + 1);
    size_t used;

    assert(out != NULL);
    used = text_escape(out, room, in, size);
    assert(used <= room && room - used < TEXT_ESCAPE_GROWTH && memcmp(out, shown, used) == 0);
    free(out);
}

static void check_number(const char *text, size_t length)
{
    uint64_t number = 4711, limit = length % 2 == 0 ? UINT64_MAX : 65535, plain = 0;
    bool is_number = length > 0;
    size_t i;

    for (i = 0; i < length && is_number; i++) {
        is_number = isdigit((unsigned char)text[i]) &&
                    !__builtin_mul_overflow(plain, 10, &plain) &&
                    !__builtin_add_overflow(plain, (uint64_t)(text[i] - '0'), &plain);
    }
    is_number = is_number && plain <= limit;
    assert(text_number(text, length, limit, &number) == is_number);
    assert(number == (is_number ? plain : 4711));
}

static void check_word(const char *text, size_t length)
{
    char word[8] = "";
    size_t i;

    if (length >= sizeof word || memchr(text, '\0', length) != NULL)
        return;
    for (i = 0; i < length; i++) /* the other case of each ASCII letter */
        word[i] = (char)(isalpha((unsigned char)text[i]) ? text[i] ^ 0x20 : text[i]);
    assert(text_is_word(text, length, word) && text_begins(text, length, word));
    assert(length == 0 || !text_is_word(text, length - 1, word));
    assert(length == 0 || !text_begins(text, length - 1, word));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *in = (const char *)data;
    char *shown = malloc(size * TEXT_ESCAPE_GROWTH + 1);
    size_t length;

    assert(shown != NULL);
    length = text_escape(shown, size * TEXT_ESCAPE_GROWTH, in, size);
    check_shown(shown, length, in, size);
    check_less_room(shown, length, in, size);
    check_number(in, size);
    check_word(in, size);
    free(shown);
    return 0;
}
