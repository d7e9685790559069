/* The trace fields to the octet, and the Received fields of those before (checklist 70 to 75). */
#include "mail/message.h"

#include <stdlib.h>
#include <string.h>

#include "check.h"

enum { A_TIME = 1719330382 }; /* Tue, 25 Jun 2024 15:46:22 UTC */

static bool writes(const struct message_trace *trace, const struct message_path *path,
                   const char *wanted)
{
    char out[MESSAGE_TRACE_ROOM];
    size_t length = message_write_trace(out, trace, path, A_TIME);
    bool is_same = length == strlen(wanted) && memcmp(out, wanted, length) == 0;

    if (!is_same)
        fprintf(stderr, "%.*s", (int)length, out);
    return is_same;
}

static void the_trace_fields_are_those_of_the_plan(void)
{
    struct message_trace trace = { .hello = "c.example",
                                   .client_name = "",
                                   .client = { .address = { 127, 0, 0, 1 }, .version = 4 },
                                   .server = "mx.example",
                                   .protocol = "ESMTP" };
    struct message_path path = { "a@b.es", "c@d.es", "SVDI56NhS" };

    CHECK(writes(&trace, &path,
                 "Return-Path: <a@b.es>\n"
                 "Received: from c.example ([127.0.0.1])\n"
                 "\tby mx.example (servidor) with ESMTP id SVDI56NhS\n"
                 "\tfor <c@d.es>; Tue, 25 Jun 2024 12:46:22 -0300\n"));
    path.sender = "";
    path.recipient = NULL;
    trace.hello = "";
    trace.protocol = "UDP (unnumbered)";
    trace.client = (struct peer){ .address = { [15] = 1 }, .version = 6 };
    CHECK(writes(&trace, &path,
                 "Return-Path: <>\n"
                 "Received: from unknown ([IPv6:::1])\n"
                 "\tby mx.example (servidor) with UDP (unnumbered) id SVDI56NhS;\n"
                 "\tTue, 25 Jun 2024 12:46:22 -0300\n"));
    trace.hello = "x;y)<(\"\\>@,z";
    trace.client_name = "client.example";
    CHECK(writes(&trace, &path,
                 "Return-Path: <>\n"
                 "Received: from x?y???????\?z (client.example [IPv6:::1])\n"
                 "\tby mx.example (servidor) with UDP (unnumbered) id SVDI56NhS;\n"
                 "\tTue, 25 Jun 2024 12:46:22 -0300\n"));
}

static void the_longest_of_all_fits(void)
{
    static char name[256], address[255];
    char out[MESSAGE_TRACE_ROOM];
    struct message_trace trace = { .hello = name,
                                   .client_name = name,
                                   .client = { .version = 6 },
                                   .server = name,
                                   .protocol = "UTF8SMTP" };
    struct message_path path = { address, address, "SVDI56NhS" };
    size_t length;

    memset(name, 'n', sizeof name - 1);
    memset(address, 'a', sizeof address - 1);
    memset(trace.client.address, 0xfe, sizeof trace.client.address);
    trace.client.scope = UINT32_MAX;
    length = message_write_trace(out, &trace, &path, A_TIME);
    CHECK(length < MESSAGE_TRACE_ROOM && out[length - 1] == '\n');
    CHECK(memchr(out, '\0', length) == NULL);
}

/* The hops in `text`, read whole and octet by octet. */
static unsigned hops(const char *text)
{
    struct message_reader whole = { .hops = 0 }, single = { .hops = 0 };
    size_t i, length = strlen(text);

    message_read(&whole, text, length);
    for (i = 0; i < length; i++)
        message_read(&single, text + i, 1);
    CHECK(whole.hops == single.hops);
    return whole.hops;
}

static void received_fields_of_the_header_are_counted(void)
{
    CHECK(hops("") == 0);
    CHECK(hops("Received: x\n\nbody\n") == 1);
    CHECK(hops("Received: x\n\ty\nRECEIVED:\nreceived: z\n") == 3);
    CHECK(hops("X-Received: x\nReceive: y\nReceivedx: z\n Received: folded\n") == 0);
    CHECK(hops("Rec\nReceived: x\n") == 1);
    CHECK(hops("Subject: x\n\nReceived: in the body\n") == 0);
    CHECK(hops("\nReceived: in the body\n") == 0);
    CHECK(hops("Received:") == 1);
}

static void blanks_go_on_with_a_field(void)
{
    static const char others[] = "\n\r\v\fx:.\xa0";
    size_t i;

    CHECK(message_goes_on(' ') && message_goes_on('\t'));
    for (i = 0; i < sizeof others; i++)
        CHECK(!message_goes_on(others[i]));
}

int main(void)
{
    setenv("TZ", "ART3", 1);
    the_trace_fields_are_those_of_the_plan();
    the_longest_of_all_fits();
    received_fields_of_the_header_are_counted();
    blanks_go_on_with_a_field();
    return check_status();
}
