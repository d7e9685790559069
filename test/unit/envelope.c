/* Who a mail is for: kept in order, however many, and forgotten with the next mail. */
#include "mail/envelope.h"

#include <stdlib.h>
#include <string.h>

#include "check.h"

enum { MANY = 2000 };

static void recipients_and_boxes_keep_their_order(void)
{
    static struct envelope envelope;
    const char *recipient, *box;
    char address[32], name[32];
    size_t i, length;

    envelope_start(&envelope, "a@b junk", 3);
    CHECK(strcmp(envelope.sender, "a@b") == 0 && envelope.recipients.count == 0);
    for (i = 0; i < MANY; i++) {
        length = (size_t)snprintf(address, sizeof address, "r%zu@x", i);
        snprintf(name, sizeof name, "r%zu", i);
        CHECK(envelope_add(&envelope, address, length, name) == 0);
    }
    CHECK(envelope.recipients.count == MANY && envelope.boxes.count == MANY);
    recipient = envelope.recipients.strings;
    box = envelope.boxes.strings;
    for (i = 0; i < MANY; i++) {
        snprintf(name, sizeof name, "r%zu", i);
        CHECK(strcmp(box, name) == 0);
        CHECK(strncmp(recipient, name, strlen(name)) == 0 &&
              strcmp(recipient + strlen(name), "@x") == 0);
        recipient = envelope_next(recipient);
        box = envelope_next(box);
    }
    CHECK(recipient == envelope.recipients.strings + envelope.recipients.used);
    envelope_start(&envelope, "", 0);
    CHECK(envelope.sender[0] == '\0' && envelope.recipients.count == 0);
    CHECK(envelope.boxes.count == 0);
    CHECK(envelope_add(&envelope, "z@x", 3, "z") == 0);
    CHECK(strcmp(envelope.recipients.strings, "z@x") == 0 && envelope.recipients.used == 4);
    free(envelope.recipients.strings);
    free(envelope.boxes.strings);
}

static void nothing_is_left_of_what_is_forgotten(void)
{
    static struct envelope envelope;
    size_t used, i;

    envelope_start(&envelope, "secret@b", 8);
    CHECK(envelope_add(&envelope, "one@x", 5, "one") == 0);
    CHECK(envelope_add(&envelope, "two@x", 5, "two") == 0);
    used = envelope.recipients.used;
    envelope_forget(&envelope);
    CHECK(envelope.recipients.count == 0 && envelope.boxes.count == 0);
    for (i = 0; i < used; i++)
        CHECK(envelope.recipients.strings[i] == '\0');
    for (i = 0; i < sizeof envelope.sender; i++)
        CHECK(envelope.sender[i] == '\0');
    free(envelope.recipients.strings);
    free(envelope.boxes.strings);
}

int main(void)
{
    recipients_and_boxes_keep_their_order();
    nothing_is_left_of_what_is_forgotten();
    return check_status();
}
