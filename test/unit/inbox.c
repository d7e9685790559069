/* Replies that came, one after the other and in parts. */
#include "inbox.h"

#include <string.h>

#include "check.h"

static void come(struct inbox *inbox, const char *text)
{
    memcpy(inbox->octets + inbox->used, text, strlen(text));
    inbox->used += strlen(text);
}

static void replies_are_given_out_in_turn(void)
{
    static struct inbox inbox;
    struct reply reply;

    CHECK(inbox_give(&inbox, &reply) == LINK_SENT);
    come(&inbox, "250 one\r\n354 two\r\n22");
    CHECK(inbox_give(&inbox, &reply) == LINK_REPLY && reply.code == 250);
    CHECK(reply.length == 9 && memcmp(reply.text, "250 one\r\n", 9) == 0);
    inbox_drop(&inbox);
    CHECK(inbox_give(&inbox, &reply) == LINK_REPLY && reply.code == 354);
    inbox_drop(&inbox);
    CHECK(inbox_give(&inbox, &reply) == LINK_SENT);
    inbox_drop(&inbox);
    come(&inbox, "1 three\r\n");
    CHECK(inbox_give(&inbox, &reply) == LINK_REPLY && reply.code == 221);
    inbox_drop(&inbox);
    CHECK(inbox.used == 0);
}

static void only_a_421_at_the_head_is_a_farewell(void)
{
    static struct inbox inbox;
    struct reply reply;

    CHECK(!inbox_has_farewell(&inbox));
    come(&inbox, "250 one\r\n421 bye");
    CHECK(!inbox_has_farewell(&inbox));
    CHECK(inbox_give(&inbox, &reply) == LINK_REPLY);
    inbox_drop(&inbox);
    CHECK(!inbox_has_farewell(&inbox));
    come(&inbox, "\r\n");
    CHECK(inbox_has_farewell(&inbox));
}

static void what_is_no_reply_is_noise(void)
{
    static struct inbox inbox, endless;
    struct reply reply;

    come(&inbox, "hola\r\n");
    CHECK(inbox_give(&inbox, &reply) == LINK_NOISE);

    memset(endless.octets, '2', sizeof endless.octets);
    endless.used = sizeof endless.octets - 1;
    CHECK(inbox_give(&endless, &reply) == LINK_SENT && !inbox_is_full(&endless));
    endless.used++;
    CHECK(inbox_give(&endless, &reply) == LINK_NOISE && inbox_is_full(&endless));
}

int main(void)
{
    replies_are_given_out_in_turn();
    only_a_421_at_the_head_is_a_farewell();
    what_is_no_reply_is_noise();
    return check_status();
}
