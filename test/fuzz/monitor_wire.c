/*
 * Any octets, read as a request and as replies of each kind: what is read as one of 14 octets
 * is written to the same octets again, but for those that its kind leaves empty.
 */
#include "net/monitor_wire.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool has_signature(const unsigned char *octets, size_t length)
{
    return length >= 2 && octets[0] == 0xff && octets[1] == 0xfe;
}

/* A status from 1 to 6 and then zeros. */
static bool is_refusal(const unsigned char *octets, size_t length)
{
    size_t i, zeros = 0;

    for (i = 6; length == MONITOR_LENGTH && i < length; i++)
        zeros += octets[i] == 0;
    return zeros == 8 && octets[5] >= 1 && octets[5] <= 6;
}

static void check_request(const unsigned char *octets, size_t length)
{
    struct monitor_request request;
    enum monitor_reading reading = monitor_read_request(octets, length, &request);
    unsigned char out[MONITOR_LENGTH];

    assert((reading == MONITOR_STRANGE) ==
           (!has_signature(octets, length) || is_refusal(octets, length)));
    if (reading == MONITOR_STRANGE)
        return;
    assert((reading == MONITOR_READ) == (length == MONITOR_LENGTH));
    monitor_write_request(out, &request);
    /* what a misfit does not have is 0, so all of it that has a meaning comes back */
    assert(memcmp(out, octets, reading == MONITOR_READ ? length : length < 5 ? 2 : 5) == 0);
    if (reading == MONITOR_MISFIT)
        assert(request.command == 0 && (length >= 3 || request.version == 0));
}

static void check_reply(const unsigned char *octets, size_t length, enum monitor_kind kind)
{
    struct monitor_reply reply, again;
    unsigned char out[MONITOR_LENGTH];
    bool is_reply = monitor_read_reply(octets, length, kind, &reply);

    assert(is_reply == (length == MONITOR_LENGTH && has_signature(octets, length)));
    if (!is_reply)
        return;
    assert(reply.kind == kind);
    assert(kind == MONITOR_QUANTITY || reply.value <= (kind == MONITOR_BOOLEAN));
    monitor_write_reply(out, &reply);
    assert(memcmp(out, octets, kind == MONITOR_QUANTITY ? length : 6) == 0);
    assert(monitor_read_reply(out, sizeof out, kind, &again));
    assert(again.value == reply.value && again.status == reply.status && again.id == reply.id);
}

static void check_command(unsigned command)
{
    enum monitor_command base;
    uint64_t value;
    unsigned number;

    assert(monitor_kind(command) <= MONITOR_UNKNOWN);
    if (monitor_setting(command, &base, &value))
        assert(monitor_set(base, value, &number) && number == command);
}

/* The hash depends on all that it is over, and not on the token that is there. */
static void check_hash(const struct monitor_request *request)
{
    unsigned char one[MONITOR_SECRET], other[MONITOR_SECRET];
    struct monitor_request changed = *request;

    monitor_hash(request, request->token, request->id, one);
    memset(changed.token, 0, sizeof changed.token);
    monitor_hash(&changed, request->token, request->id, other);
    assert(monitor_same_token(one, other));
    changed.command ^= 1;
    monitor_hash(&changed, request->token, request->id, other);
    assert(!monitor_same_token(one, other));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned char *octets = calloc(size + (size == 0), 1); /* of just its size */
    enum monitor_command found;
    struct monitor_request request;
    char name[16] = "";

    assert(octets != NULL);
    if (size > 0)
        memcpy(octets, data, size);
    check_request(octets, size);
    check_reply(octets, size, MONITOR_QUANTITY);
    check_reply(octets, size, MONITOR_BOOLEAN);
    check_reply(octets, size, MONITOR_NOTHING);
    if (monitor_read_request(octets, size, &request) == MONITOR_READ)
        check_hash(&request);
    check_command(size == 0 ? 0 : octets[size - 1]);
    if (size < sizeof name && size > 0) {
        memcpy(name, octets, size);
        if (monitor_find(name, &found))
            assert(strcmp(monitor_name(found), name) == 0);
    }
    free(octets);
    return 0;
}
