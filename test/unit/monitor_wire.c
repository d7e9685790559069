/* The monitoring protocol: the datagrams of the ITBA report octet for octet, and its tables. */
#include "net/monitor_wire.h"

#include <string.h>

#include "check.h"

static const unsigned char secret[MONITOR_SECRET] = { 's', 'e', 'c', 'r', 'e', 't', 'p', 'a' };

/*
 * "Ejemplo de Solicitud" and "Ejemplo de Respuesta". The first is printed with one 00 more at its
 * end than its own list of fields and the length of 14 octets allow.
 */
static const unsigned char request_example[MONITOR_LENGTH] = {
    0xff, 0xfe, 0x00, 0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc, 0xde, 0xf0, 0x12, 0x34, 0x00,
};
static const unsigned char reply_example[MONITOR_LENGTH] = {
    0xff, 0xfe, 0x00, 0x12, 0x34, 0x00, 0x00, 0x00, 0x00, 0x02, 0x00, 0x00, 0x00, 0x00,
};

static void the_request_of_the_report(void)
{
    static const unsigned char token[] = { 0x56, 0x78, 0x9a, 0xbc, 0xde, 0xf0, 0x12, 0x34 };
    struct monitor_request request;
    unsigned char out[MONITOR_LENGTH];

    CHECK(monitor_read_request(request_example, MONITOR_LENGTH, &request) == MONITOR_READ);
    CHECK(request.version == MONITOR_PLAIN && request.id == 0x1234);
    CHECK(memcmp(request.token, token, MONITOR_SECRET) == 0);
    CHECK(request.command == MONITOR_HISTORIC);
    monitor_write_request(out, &request);
    CHECK(memcmp(out, request_example, MONITOR_LENGTH) == 0);
}

static void the_reply_of_the_report(void)
{
    struct monitor_reply reply;
    unsigned char out[MONITOR_LENGTH];

    CHECK(monitor_read_reply(reply_example, MONITOR_LENGTH, MONITOR_QUANTITY, &reply));
    CHECK(reply.version == MONITOR_PLAIN && reply.id == 0x1234);
    CHECK(reply.status == MONITOR_OK && reply.value == 2);
    monitor_write_reply(out, &reply);
    CHECK(memcmp(out, reply_example, MONITOR_LENGTH) == 0);
}

static void each_field_has_its_place(void)
{
    static const unsigned char expected[] = { 0xff, 0xfe, 0x01, 0xab, 0xcd, 's', 'e',
                                              'c',  'r',  'e',  't',  'p',  'a', 0xfb };
    struct monitor_request request = { .version = 1, .id = 0xabcd, .command = 0xfb };
    unsigned char out[MONITOR_LENGTH];

    memcpy(request.token, secret, MONITOR_SECRET);
    monitor_write_request(out, &request);
    CHECK(memcmp(out, expected, MONITOR_LENGTH) == 0);
}

/* The high half of a counter stands in what was reserved: an old client sees the low one. */
static void a_quantity_has_64_bits(void)
{
    static const unsigned char expected[] = { 0xff, 0xfe, 0x00, 0x00, 0x01, 0x00, 0x55,
                                              0x66, 0x77, 0x88, 0x11, 0x22, 0x33, 0x44 };
    struct monitor_reply reply = { .id = 1, .kind = MONITOR_QUANTITY }, back;
    unsigned char out[MONITOR_LENGTH];

    reply.value = UINT64_C(0x1122334455667788);
    monitor_write_reply(out, &reply);
    CHECK(memcmp(out, expected, MONITOR_LENGTH) == 0);
    CHECK(monitor_read_reply(out, MONITOR_LENGTH, MONITOR_QUANTITY, &back));
    CHECK(back.value == reply.value);
}

static void a_boolean_is_the_first_octet(void)
{
    static const unsigned char yes[] = { 0xff, 0xfe, 0, 0xff, 0xff, 0, 1, 0, 0, 0, 0, 0, 0, 0 };
    struct monitor_reply reply = { .id = 0xffff, .kind = MONITOR_BOOLEAN, .value = 256 }, back;
    unsigned char out[MONITOR_LENGTH];

    monitor_write_reply(out, &reply);
    CHECK(memcmp(out, yes, MONITOR_LENGTH) == 0);
    out[6] = 0x80;
    CHECK(monitor_read_reply(out, MONITOR_LENGTH, MONITOR_BOOLEAN, &back) && back.value == 1);
    out[6] = 0;
    CHECK(monitor_read_reply(out, MONITOR_LENGTH, MONITOR_BOOLEAN, &back) && back.value == 0);
}

static void an_error_carries_nothing(void)
{
    static const unsigned char failed[] = { 0xff, 0xfe, 0, 0, 7, 1, 0, 0, 0, 0, 0, 0, 0, 0 };
    struct monitor_reply reply = { .id = 7, .status = MONITOR_BAD_SECRET, .value = 99 };
    unsigned char out[MONITOR_LENGTH];

    reply.kind = MONITOR_NOTHING;
    monitor_write_reply(out, &reply);
    CHECK(memcmp(out, failed, MONITOR_LENGTH) == 0);
}

/* A request of another length is answered, as far as it tells with what; without signature not. */
static void a_misfit_is_read_as_far_as_it_goes(void)
{
    unsigned char longer[MONITOR_LENGTH + 1] = { 0 };
    struct monitor_request request;
    size_t length;

    memcpy(longer, request_example, MONITOR_LENGTH);
    longer[2] = 1;
    for (length = 0; length < 2; length++)
        CHECK(monitor_read_request(longer, length, &request) == MONITOR_STRANGE);
    for (; length <= MONITOR_LENGTH + 1; length++) {
        CHECK(monitor_read_request(longer, length, &request) ==
              (length == MONITOR_LENGTH ? MONITOR_READ : MONITOR_MISFIT));
        CHECK(request.version == (length < 3 ? 0 : 1));
        CHECK(request.id == (length < 5 ? 0 : 0x1234));
    }
    longer[1] = 0xff;
    CHECK(monitor_read_request(longer, MONITOR_LENGTH, &request) == MONITOR_STRANGE);
}

/* Else two servers, each the client of the other by a forged address, would never be quiet. */
static void a_refusal_is_no_question(void)
{
    struct monitor_reply reply = { .version = MONITOR_HASHED, .id = 0x1234 };
    struct monitor_request request;
    unsigned char out[MONITOR_LENGTH];
    unsigned status;

    for (status = 0; status <= MONITOR_STATUSES; status++) {
        reply.status = (uint8_t)status;
        monitor_write_reply(out, &reply);
        CHECK(monitor_read_request(out, sizeof out, &request) ==
              (status > 0 && status < MONITOR_STATUSES ? MONITOR_STRANGE : MONITOR_READ));
    }
    reply.status = 1;
    monitor_write_reply(out, &reply);
    CHECK(monitor_read_request(out, sizeof out - 1, &request) == MONITOR_MISFIT);
    out[MONITOR_LENGTH - 1] = 1;
    CHECK(monitor_read_request(out, sizeof out, &request) == MONITOR_READ);
    out[MONITOR_LENGTH - 1] = 0;
    out[6] = 1;
    CHECK(monitor_read_request(out, sizeof out, &request) == MONITOR_READ);
}

static void a_reply_has_14_octets_and_the_signature(void)
{
    unsigned char longer[MONITOR_LENGTH + 1] = { 0 };
    struct monitor_reply reply;
    size_t length;

    memcpy(longer, reply_example, MONITOR_LENGTH);
    for (length = 0; length <= MONITOR_LENGTH + 1; length++)
        CHECK(monitor_read_reply(longer, length, MONITOR_QUANTITY, &reply) ==
              (length == MONITOR_LENGTH));
    longer[0] = 0xfe;
    CHECK(!monitor_read_reply(longer, MONITOR_LENGTH, MONITOR_QUANTITY, &reply));
}

/* Made by a program in another language, whose own hash is that of the paper's appendix. */
static void the_hash_is_that_of_version_1(void)
{
    static const unsigned char expected[] = { 0x22, 0x26, 0x14, 0x23, 0xf7, 0xd2, 0xec, 0xba };
    struct monitor_request request = { .version = 1, .id = 0x1234, .command = 3 };
    unsigned char token[MONITOR_SECRET];

    monitor_hash(&request, secret, 57311028, token);
    CHECK(monitor_same_token(token, expected));
    monitor_hash(&request, secret, 57311029, token);
    CHECK(!monitor_same_token(token, expected));
}

static void tokens_differ_in_any_bit(void)
{
    unsigned char other[MONITOR_SECRET];
    unsigned bit;

    memcpy(other, secret, sizeof other);
    CHECK(monitor_same_token(secret, other));
    for (bit = 0; bit < MONITOR_SECRET * 8; bit++) {
        other[bit / 8] ^= (unsigned char)(1 << bit % 8);
        CHECK(!monitor_same_token(secret, other));
        other[bit / 8] ^= (unsigned char)(1 << bit % 8);
    }
}

static void the_commands_of_the_report_have_its_numbers(void)
{
    static const enum monitor_kind kinds[] = {
        MONITOR_QUANTITY, MONITOR_QUANTITY, MONITOR_QUANTITY, MONITOR_QUANTITY,
        MONITOR_BOOLEAN,  MONITOR_NOTHING,  MONITOR_NOTHING,
    };
    static const char *const names[] = { "historic", "concurrent", "bytes",     "mails",
                                         "filter",   "filter-on",  "filter-off" };
    enum monitor_command found;
    unsigned i;

    for (i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        CHECK(monitor_kind(i) == kinds[i]);
        CHECK(strcmp(monitor_name((enum monitor_command)i), names[i]) == 0);
    }
    for (i = 0; i < MONITOR_COMMANDS; i++)
        CHECK(monitor_find(monitor_name((enum monitor_command)i), &found) && found == i);
    CHECK(!monitor_find("", &found) && !monitor_find("mail", &found));
    CHECK(monitor_kind(MONITOR_COMMANDS) == MONITOR_UNKNOWN);
    CHECK(monitor_kind(255) == MONITOR_UNKNOWN);
}

static void what_is_set_can_be_found_by_its_value(void)
{
    enum monitor_command base;
    unsigned i, command, settings = 0;
    uint64_t value;

    for (i = 0; i < 256; i++) {
        if (!monitor_setting(i, &base, &value))
            continue;
        settings++;
        CHECK(monitor_kind(i) == MONITOR_NOTHING && i >= MONITOR_COMMANDS);
        CHECK(monitor_set(base, value, &command) && command == i);
    }
    CHECK(settings == 15 + 16 + 2);
    CHECK(monitor_setting(0x40, &base, &value) && value == 65536);
    CHECK(monitor_setting(0x4e, &base, &value) && value == 1073741824);
    CHECK(!monitor_setting(0x4f, &base, &value));
    CHECK(monitor_setting(0x50, &base, &value) && value == 1);
    CHECK(monitor_setting(0x5f, &base, &value) && value == 32768);
    CHECK(monitor_setting(0x61, &base, &value) && value == 1 && base == MONITOR_SET_LOG_TEXT);
    CHECK(!monitor_setting(0x62, &base, &value));
    CHECK(!monitor_set(MONITOR_SET_MESSAGE_SIZE, 65537, &command));
    CHECK(!monitor_set(MONITOR_SET_ADDRESS_LIMIT, 0, &command));
    CHECK(!monitor_set(MONITOR_HISTORIC, 1, &command));
}

int main(void)
{
    the_request_of_the_report();
    the_reply_of_the_report();
    each_field_has_its_place();
    a_quantity_has_64_bits();
    a_boolean_is_the_first_octet();
    an_error_carries_nothing();
    a_misfit_is_read_as_far_as_it_goes();
    a_refusal_is_no_question();
    a_reply_has_14_octets_and_the_signature();
    the_hash_is_that_of_version_1();
    tokens_differ_in_any_bit();
    the_commands_of_the_report_have_its_numbers();
    what_is_set_can_be_found_by_its_value();
    return check_status();
}
