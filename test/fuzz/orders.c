/*
 * Whatever the file: every octet but the line ends comes out, once, in order, and no line
 * holds a line end.
 */
#include "orders.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_line_end(char c)
{
    return c == '\r' || c == '\n';
}

/* The line end between two lines, or after the last: CRLF, LF, CR, or nothing at the end. */
static size_t line_end_at(const char *at, const char *end)
{
    if (at == end)
        return 0;
    assert(is_line_end(*at));
    return *at == '\r' && end - at > 1 && at[1] == '\n' ? 2 : 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *at = (const char *)data, *end = at + size;
    struct orders orders = { .text = at, .length = size };
    struct order order;
    size_t i, lines = 0;

    while (orders_next(&orders, &order)) {
        assert(at < end && order.text == at && order.length <= (size_t)(end - at));
        lines++;
        assert(order.number == lines);
        for (i = 0; i < order.length; i++)
            assert(!is_line_end(at[i]));
        at += order.length;
        at += line_end_at(at, end);
        assert(orders.length == (size_t)(end - at));
    }
    assert(at == end);
    return 0;
}
