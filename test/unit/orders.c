/* Every form of line end, and that all else is data. */
#include "orders.h"

#include <string.h>

#include "check.h"

/* Does `file` give just these lines? The last of them is NULL. */
static bool gives(const char *file, size_t length, const char *const *lines)
{
    struct orders orders = { .text = file, .length = length };
    struct order order = { 0 };
    size_t i;

    for (i = 0; lines[i] != NULL; i++)
        if (!orders_next(&orders, &order) || order.length != strlen(lines[i]) ||
            memcmp(order.text, lines[i], order.length) != 0 || order.number != i + 1)
            return false;
    return !orders_next(&orders, &order);
}

#define GIVES(file, ...) gives(file, sizeof file - 1, (const char *const[]){ __VA_ARGS__, NULL })

static void line_ends(void)
{
    CHECK(GIVES("a\nb\n", "a", "b"));
    CHECK(GIVES("a\r\nb\r\n", "a", "b"));
    CHECK(GIVES("a\rb\r", "a", "b"));
    CHECK(GIVES("a\nb\r\nc\rd", "a", "b", "c", "d"));
    CHECK(GIVES("a\rb\r\nc\n", "a", "b", "c"));
}

static void last_line(void)
{
    CHECK(GIVES("a", "a"));
    CHECK(GIVES("a\nb", "a", "b"));
    CHECK(GIVES("a\r\nb", "a", "b"));
    CHECK(GIVES("a\n.", "a", "."));
}

static void empty_lines(void)
{
    CHECK(GIVES("\n", ""));
    CHECK(GIVES("\r", ""));
    CHECK(GIVES("\r\n", ""));
    CHECK(GIVES("\n\n", "", ""));
    CHECK(GIVES("\r\r", "", ""));
    CHECK(GIVES("\n\r", "", ""));
    CHECK(GIVES("\r\r\n", "", ""));
    CHECK(GIVES("a\n\nb", "a", "", "b"));
}

static void nothing(void)
{
    struct orders orders = { .text = NULL, .length = 0 };
    struct order order = { .text = "kept", .length = 4, .number = 7 };

    CHECK(!orders_next(&orders, &order));
    CHECK(order.length == 4 && order.number == 7);
}

/* What follows the file in memory is not the reader's. */
static void bounds(void)
{
    const char *const lines[] = { "a", NULL };

    CHECK(gives("a\r\n", 2, lines));
    CHECK(gives("ab", 1, lines));
}

static void data(void)
{
    static const char file[] = "a\0b\n\377\t \0\r\n";
    struct orders orders = { .text = file, .length = sizeof file - 1 };
    struct order order;

    CHECK(orders_next(&orders, &order) && order.length == 3 && memcmp(order.text, "a\0b", 3) == 0);
    CHECK(orders_next(&orders, &order) && order.length == 4 &&
          memcmp(order.text, "\377\t \0", 4) == 0);
    CHECK(!orders_next(&orders, &order));
}

int main(void)
{
    line_ends();
    last_line();
    empty_lines();
    nothing();
    bounds();
    data();
    return check_status();
}
