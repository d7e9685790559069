/* Which octets are a reply, and where it ends. */
#include "reply.h"

#include <stdbool.h>
#include <string.h>

#include "check.h"

/* Does `text` begin with a whole reply of `length` octets with this code? */
static bool is_whole(const char *text, size_t length, int code)
{
    struct reply reply = { 0 };

    return reply_scan(text, strlen(text), &reply) == REPLY_WHOLE && reply.text == text &&
           reply.length == length && reply.code == code;
}

static bool is(enum reply_scan expected, const char *text)
{
    struct reply reply = { .code = -1 };

    return reply_scan(text, strlen(text), &reply) == expected && reply.code == -1;
}

int main(void)
{
    CHECK(is_whole("250 OK\r\n", 8, 250));
    CHECK(is_whole("250 OK\n", 7, 250));
    CHECK(is_whole("250\r\n", 5, 250));
    CHECK(is_whole("250 \r\n", 6, 250));
    CHECK(is_whole("221 Adi\303\263s\r\nmore", 12, 221));
    CHECK(is_whole("250-a\r\n250-b\r\n250 c\r\n", 21, 250));
    CHECK(is_whole("250-a\r\n550 b\r\n", 14, 550));

    CHECK(is(REPLY_PART, ""));
    CHECK(is(REPLY_PART, "25"));
    CHECK(is(REPLY_PART, "250 OK"));
    CHECK(is(REPLY_PART, "250-a\r\n"));
    CHECK(is(REPLY_PART, "250-a\r\n250 b"));

    CHECK(is(REPLY_NONE, "\r\n"));
    CHECK(is(REPLY_NONE, "25\r\n"));
    CHECK(is(REPLY_NONE, "2500 OK\r\n"));
    CHECK(is(REPLY_NONE, "2x0 OK\r\n"));
    CHECK(is(REPLY_NONE, "HTTP/1.1 400 Bad Request\r\n"));
    CHECK(is(REPLY_NONE, "250-a\r\nb\r\n"));
    return check_status();
}
