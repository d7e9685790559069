/* See envelope.h. */
#include "mail/envelope.h"

#include <stdlib.h>
#include <string.h>

#include "net/wipe.h"

enum { FIRST_ROOM = 1024 };

const char *envelope_next(const char *string)
{
    return string + strlen(string) + 1;
}

static void forget(struct envelope_list *list)
{
    if (list->used > 0)
        wipe(list->strings, list->used);
}

void envelope_forget(struct envelope *envelope)
{
    wipe(envelope->sender, sizeof envelope->sender);
    forget(&envelope->recipients);
    forget(&envelope->boxes);
    envelope->recipients.used = envelope->recipients.count = 0;
    envelope->boxes.used = envelope->boxes.count = 0;
}

/* Makes room for `length` octets more. */
static int make_room(struct envelope_list *list, size_t length)
{
    size_t room = list->room == 0 ? FIRST_ROOM : list->room;
    char *strings;

    while (room - list->used < length)
        room *= 2;
    if (room == list->room)
        return 0;
    strings = malloc(room);
    if (strings == NULL)
        return -1;
    if (list->used > 0)
        memcpy(strings, list->strings, list->used);
    forget(list);
    free(list->strings);
    list->strings = strings;
    list->room = room;
    return 0;
}

static void append(struct envelope_list *list, const char *string, size_t length)
{
    memcpy(list->strings + list->used, string, length);
    list->strings[list->used + length] = '\0';
    list->used += length + 1;
    list->count++;
}

void envelope_start(struct envelope *envelope, const char *sender, size_t length)
{
    memcpy(envelope->sender, sender, length);
    envelope->sender[length] = '\0';
    envelope->recipients.used = envelope->recipients.count = 0;
    envelope->boxes.used = envelope->boxes.count = 0;
}

int envelope_add(struct envelope *envelope, const char *recipient, size_t length,
                 const char *box)
{
    if (make_room(&envelope->recipients, length + 1) != 0 ||
        make_room(&envelope->boxes, strlen(box) + 1) != 0)
        return -1;
    append(&envelope->recipients, recipient, length);
    append(&envelope->boxes, box, strlen(box));
    return 0;
}
