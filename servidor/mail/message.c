/* See message.h. */
#include "mail/message.h"

#include <stdio.h>
#include <string.h>

#include "net/clock.h"
#include "net/text.h"

enum { HELLO_ROOM = 256 };

/* The client's own name, without what would end a comment, a path or a field in the header. */
static const char *harmless(const char *hello, char out[HELLO_ROOM])
{
    size_t i;

    if (hello[0] == '\0')
        return "unknown";
    for (i = 0; i < HELLO_ROOM - 1 && hello[i] != '\0'; i++)
        out[i] = (char)(strchr("<>()\\\";@,", hello[i]) == NULL ? hello[i] : '?');
    out[i] = '\0';
    return out;
}

size_t message_write_trace(char out[MESSAGE_TRACE_ROOM], const struct message_trace *trace,
                           const struct message_path *path, time_t when)
{
    char hello[HELLO_ROOM], address[PEER_TEXT_ROOM], date[CLOCK_DATE_ROOM];
    const char *blank = trace->client_name[0] == '\0' ? "" : " ";
    int length;

    length = snprintf(out, MESSAGE_TRACE_ROOM,
                      "Return-Path: <%s>\nReceived: from %s (%s%s[%s%s])\n"
                      "\tby %s (servidor) with %s id %s",
                      path->sender, harmless(trace->hello, hello), trace->client_name, blank,
                      trace->client.version == 6 ? "IPv6:" : "",
                      peer_text(&trace->client, address), trace->server, trace->protocol,
                      path->id);
    if (path->recipient != NULL)
        length += snprintf(out + length, MESSAGE_TRACE_ROOM - (size_t)length, "\n\tfor <%s>; ",
                           path->recipient);
    else
        length += snprintf(out + length, MESSAGE_TRACE_ROOM - (size_t)length, ";\n\t");
    length += snprintf(out + length, MESSAGE_TRACE_ROOM - (size_t)length, "%s\n",
                       clock_mail_date(when, date));
    return (size_t)length;
}

bool message_goes_on(char first)
{
    return first == ' ' || first == '\t';
}

/* One octet of a line of the header, of which all before it matched the name. */
static void match(struct message_reader *reader, char c)
{
    static const char name[] = "Received:";

    if (text_is_same(&c, &name[reader->name_length], 1))
        reader->name_length++;
    else
        reader->is_in_line = true;
    if (name[reader->name_length] == '\0') {
        reader->hops++;
        reader->is_in_line = true;
    }
}

void message_read(struct message_reader *reader, const char *text, size_t length)
{
    const char *end = text + length, *line_end;

    while (text < end && !reader->is_in_body) {
        if (*text == '\n') {
            reader->is_in_body = reader->name_length == 0 && !reader->is_in_line;
            reader->is_in_line = false;
            reader->name_length = 0;
            text++;
        } else if (reader->is_in_line) {
            line_end = memchr(text, '\n', (size_t)(end - text));
            text = line_end == NULL ? end : line_end;
        } else {
            match(reader, *text++);
        }
    }
}
