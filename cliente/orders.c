/* See orders.h. */
#include "orders.h"

static size_t line_end_length(const char *text, size_t length)
{
    if (length == 0)
        return 0;
    return text[0] == '\r' && length > 1 && text[1] == '\n' ? 2 : 1;
}

bool orders_next(struct orders *orders, struct order *order)
{
    size_t at = 0, taken;

    if (orders->length == 0)
        return false;
    while (at < orders->length && orders->text[at] != '\r' && orders->text[at] != '\n')
        at++;
    order->text = orders->text;
    order->length = at;
    order->number = ++orders->lines;
    taken = at + line_end_length(orders->text + at, orders->length - at);
    orders->text += taken;
    orders->length -= taken;
    return true;
}
