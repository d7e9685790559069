/*
 * A session in plain mode as the datagrams make it: each is a control octet and text up to
 * the next 0xff. No input is ever taken for a repetition before it was answered, none
 * within a text, and nothing is a repetition but the same octets.
 */
#include "net/plain.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ENDS = 0xff };
enum control { IS_ANSWERED = 1, ASKS_FOR_TEXT = 2 };

/* The session as it keeps its own record, and as this file does. */
struct dialogue {
    struct plain plain;
    char *input; /* the last one that was taken */
    size_t length;
    bool has_input, is_answered, is_in_text;
};

static bool is_blank(const char *octets, size_t length)
{
    size_t i;

    for (i = 0; i < length; i++)
        if (octets[i] != ' ' && octets[i] != '\t' && octets[i] != '\r' && octets[i] != '\n')
            return false;
    return true;
}

static void check_hello(const char *datagram, size_t length)
{
    const char *nul = memchr(datagram, '\0', length);
    size_t shown = nul == NULL ? length : (size_t)(nul - datagram);
    enum plain_hello hello = plain_hello(datagram, length);

    assert((hello == PLAIN_HELLO) == is_blank(datagram, shown));
    if (hello == PLAIN_HELLO_TEXT)
        assert(shown >= 4 && (datagram[0] | 0x20) >= 'e' && (datagram[1] | 0x20) >= 'e' &&
               (datagram[2] | 0x20) == 'l' && (datagram[3] | 0x20) == 'o');
    if (shown >= 3 && memcmp(datagram, "S1 ", 3) == 0)
        assert(hello == PLAIN_NO_HELLO);
}

/* Turns the datagram into lines, in memory of just their size. */
static char *lines_of(const char *datagram, size_t length, size_t *lines_length)
{
    char *lines = malloc(length + PLAIN_LINE_END);
    size_t again;

    assert(lines != NULL);
    memcpy(lines, datagram, length);
    *lines_length = plain_lines(lines, length);
    assert(*lines_length >= PLAIN_LINE_END && *lines_length <= length + PLAIN_LINE_END);
    assert(memcmp(lines + *lines_length - 2, "\r\n", 2) == 0);
    assert(memchr(lines, '\0', *lines_length) == NULL);
    assert(memcmp(lines, datagram, *lines_length - 2) == 0);
    again = plain_lines(lines, *lines_length); /* once is enough: nothing more is taken off */
    assert(again == *lines_length);
    return lines;
}

static void check_verdict(const struct dialogue *dialogue, enum plain_verdict verdict,
                          const char *lines, size_t length)
{
    bool is_same = dialogue->has_input && length == dialogue->length &&
                   memcmp(lines, dialogue->input, length) == 0;
    bool is_hello = is_blank(lines, length) && !dialogue->is_in_text;

    assert(verdict != PLAIN_AGAIN || (dialogue->is_answered && is_same));
    assert(plain_is_hello_again(&dialogue->plain, lines, length) ==
           (dialogue->plain.shares_port && is_blank(lines, length)));
    assert((verdict == PLAIN_GREET) == (is_hello && !dialogue->has_input));
    assert(verdict != PLAIN_IGNORE || (is_hello && dialogue->plain.shares_port));
    assert(!dialogue->is_in_text || dialogue->is_answered || verdict == PLAIN_NEW);
    /* and a repetition is known as one */
    assert(!is_same || is_hello || !dialogue->is_answered || verdict == PLAIN_AGAIN);
}

static void answer(struct dialogue *dialogue, const char *reply)
{
    plain_note_reply(&dialogue->plain, reply, strlen(reply));
    dialogue->is_answered = true;
    dialogue->is_in_text = strncmp(reply, "354", 3) == 0;
}

static void take_datagram(struct dialogue *dialogue, const char *datagram, size_t length,
                          unsigned control)
{
    enum plain_verdict verdict;
    size_t lines_length;
    char *lines;

    check_hello(datagram, length);
    lines = lines_of(datagram, length, &lines_length);
    verdict = plain_judge(&dialogue->plain, lines, lines_length);
    check_verdict(dialogue, verdict, lines, lines_length);
    if (verdict != PLAIN_NEW) {
        free(lines);
        return;
    }
    free(dialogue->input);
    dialogue->input = lines;
    dialogue->length = lines_length;
    dialogue->has_input = true;
    dialogue->is_answered = false;
    plain_note_input(&dialogue->plain, lines, lines_length);
    if ((control & IS_ANSWERED) != 0)
        answer(dialogue, (control & ASKS_FOR_TEXT) != 0 ? "354 go on\r\n" : "250 OK\r\n");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct dialogue dialogue = { .length = 0 };
    const uint8_t *at = data, *end = data + size, *datagram_end;

    dialogue.plain.shares_port = size % 2 == 0;
    answer(&dialogue, "220 hello\r\n");
    while (at < end) {
        unsigned control = *at++;

        datagram_end = memchr(at, ENDS, (size_t)(end - at));
        if (datagram_end == NULL)
            datagram_end = end;
        take_datagram(&dialogue, (const char *)at, (size_t)(datagram_end - at), control);
        at = datagram_end == end ? end : datagram_end + 1;
    }
    free(dialogue.input);
    return 0;
}
