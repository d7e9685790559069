/* See monitor_wire.h. */
#include "net/monitor_wire.h"

#include <string.h>

#include "net/siphash.h"

enum { SIGNATURE_1 = 0xff, SIGNATURE_2 = 0xfe, STATUS_AT = 5, DATA_AT = 6 };

static const struct {
    const char *name;
    enum monitor_kind kind;
} commands[MONITOR_COMMANDS] = {
    [MONITOR_HISTORIC] = { "historic", MONITOR_QUANTITY },
    [MONITOR_CONCURRENT] = { "concurrent", MONITOR_QUANTITY },
    [MONITOR_OCTETS] = { "bytes", MONITOR_QUANTITY },
    [MONITOR_MAILS] = { "mails", MONITOR_QUANTITY },
    [MONITOR_FILTER] = { "filter", MONITOR_BOOLEAN },
    [MONITOR_FILTER_ON] = { "filter-on", MONITOR_NOTHING },
    [MONITOR_FILTER_OFF] = { "filter-off", MONITOR_NOTHING },
    [MONITOR_UPTIME] = { "uptime", MONITOR_QUANTITY },
    [MONITOR_STARTED] = { "started", MONITOR_QUANTITY },
    [MONITOR_WORKERS_IDLE] = { "workers-idle", MONITOR_QUANTITY },
    [MONITOR_WORKERS_BUSY] = { "workers-busy", MONITOR_QUANTITY },
    [MONITOR_WORKERS_BORN] = { "workers-born", MONITOR_QUANTITY },
    [MONITOR_WORKERS_DIED] = { "workers-died", MONITOR_QUANTITY },
    [MONITOR_TCP_SESSIONS] = { "tcp-sessions", MONITOR_QUANTITY },
    [MONITOR_UDP_SESSIONS] = { "udp-sessions", MONITOR_QUANTITY },
    [MONITOR_TCP_MAILS] = { "tcp-mails", MONITOR_QUANTITY },
    [MONITOR_UDP_MAILS] = { "udp-mails", MONITOR_QUANTITY },
    [MONITOR_TCP_RECEIVED] = { "tcp-received", MONITOR_QUANTITY },
    [MONITOR_UDP_RECEIVED] = { "udp-received", MONITOR_QUANTITY },
    [MONITOR_TCP_SENT] = { "tcp-sent", MONITOR_QUANTITY },
    [MONITOR_UDP_SENT] = { "udp-sent", MONITOR_QUANTITY },
    [MONITOR_TCP_REFUSED_4] = { "tcp-refused-4", MONITOR_QUANTITY },
    [MONITOR_UDP_REFUSED_4] = { "udp-refused-4", MONITOR_QUANTITY },
    [MONITOR_TCP_REFUSED_5] = { "tcp-refused-5", MONITOR_QUANTITY },
    [MONITOR_UDP_REFUSED_5] = { "udp-refused-5", MONITOR_QUANTITY },
    [MONITOR_MAILS_REFUSED_4] = { "mails-refused-4", MONITOR_QUANTITY },
    [MONITOR_MAILS_REFUSED_5] = { "mails-refused-5", MONITOR_QUANTITY },
    [MONITOR_OCTETS_REFUSED_4] = { "octets-refused-4", MONITOR_QUANTITY },
    [MONITOR_OCTETS_REFUSED_5] = { "octets-refused-5", MONITOR_QUANTITY },
    [MONITOR_UDP_RESENDS] = { "udp-resends", MONITOR_QUANTITY },
    [MONITOR_UDP_DUPLICATES] = { "udp-duplicates", MONITOR_QUANTITY },
    [MONITOR_FILTER_RUNS] = { "filter-runs", MONITOR_QUANTITY },
    [MONITOR_FILTER_FAILURES] = { "filter-failures", MONITOR_QUANTITY },
    [MONITOR_LOST_RECORDS] = { "lost-records", MONITOR_QUANTITY },
    [MONITOR_MESSAGE_SIZE] = { "message-size", MONITOR_QUANTITY },
    [MONITOR_ADDRESS_LIMIT] = { "sessions-per-address", MONITOR_QUANTITY },
    [MONITOR_LOG_TEXT] = { "log-text", MONITOR_BOOLEAN },
    [MONITOR_UDP_DROPPED] = { "udp-dropped", MONITOR_QUANTITY },
};

/* What can be set: `count` values from command `base` on, each double the one before it. */
static const struct {
    enum monitor_command base;
    unsigned count;
    bool is_power;
    uint64_t first;
} settings[] = {
    { MONITOR_SET_MESSAGE_SIZE, 15, true, 65536 },
    { MONITOR_SET_ADDRESS_LIMIT, 16, true, 1 },
    { MONITOR_SET_LOG_TEXT, 2, false, 0 },
};

enum { SETTINGS = sizeof settings / sizeof settings[0] };

static uint64_t value_of(size_t setting, unsigned index)
{
    return settings[setting].is_power ? settings[setting].first << index : index;
}

bool monitor_setting(unsigned command, enum monitor_command *base, uint64_t *value)
{
    size_t i;

    for (i = 0; i < SETTINGS; i++) {
        unsigned first = (unsigned)settings[i].base;

        if (command < first || command >= first + settings[i].count)
            continue;
        *base = settings[i].base;
        *value = value_of(i, command - first);
        return true;
    }
    return false;
}

bool monitor_set(enum monitor_command base, uint64_t value, unsigned *command)
{
    unsigned index;
    size_t i;

    for (i = 0; i < SETTINGS; i++)
        for (index = 0; settings[i].base == base && index < settings[i].count; index++)
            if (value_of(i, index) == value) {
                *command = (unsigned)base + index;
                return true;
            }
    return false;
}

enum monitor_kind monitor_kind(unsigned command)
{
    enum monitor_command base;
    uint64_t value;

    if (command < MONITOR_COMMANDS)
        return commands[command].kind;
    return monitor_setting(command, &base, &value) ? MONITOR_NOTHING : MONITOR_UNKNOWN;
}

const char *monitor_name(enum monitor_command command)
{
    return commands[command].name;
}

bool monitor_find(const char *name, enum monitor_command *command)
{
    unsigned i;

    for (i = 0; i < MONITOR_COMMANDS; i++)
        if (strcmp(commands[i].name, name) == 0) {
            *command = (enum monitor_command)i;
            return true;
        }
    return false;
}

/* Numbers go with the most significant octet first. */
static void put(unsigned char *out, uint64_t number, size_t octets)
{
    while (octets-- > 0) {
        out[octets] = (unsigned char)(number & 0xff);
        number >>= 8;
    }
}

static uint64_t get(const unsigned char *in, size_t octets)
{
    uint64_t number = 0;
    size_t i;

    for (i = 0; i < octets; i++)
        number = number << 8 | in[i];
    return number;
}

/* What both kinds of datagram begin with: the signature, the version and the id. */
static void put_head(unsigned char out[MONITOR_LENGTH], uint8_t version, uint16_t id)
{
    memset(out, 0, MONITOR_LENGTH);
    out[0] = SIGNATURE_1;
    out[1] = SIGNATURE_2;
    out[2] = version;
    put(out + 3, id, 2);
}

static bool has_signature(const unsigned char *octets, size_t length)
{
    return length >= 2 && octets[0] == SIGNATURE_1 && octets[1] == SIGNATURE_2;
}

/* Has it a status that is not MONITOR_OK, and no data? */
static bool is_refusal(const unsigned char *octets, size_t length)
{
    static const unsigned char nothing[MONITOR_LENGTH - DATA_AT];

    return length == MONITOR_LENGTH && octets[STATUS_AT] != MONITOR_OK &&
           octets[STATUS_AT] < MONITOR_STATUSES &&
           memcmp(octets + DATA_AT, nothing, sizeof nothing) == 0;
}

void monitor_write_request(unsigned char out[MONITOR_LENGTH],
                           const struct monitor_request *request)
{
    put_head(out, request->version, request->id);
    memcpy(out + 5, request->token, MONITOR_SECRET);
    out[MONITOR_LENGTH - 1] = request->command;
}

enum monitor_reading monitor_read_request(const void *octets, size_t length,
                                          struct monitor_request *request)
{
    const unsigned char *in = octets;

    memset(request, 0, sizeof *request);
    if (!has_signature(in, length) || is_refusal(in, length))
        return MONITOR_STRANGE;
    if (length >= 3)
        request->version = in[2];
    if (length >= 5)
        request->id = (uint16_t)get(in + 3, 2);
    if (length != MONITOR_LENGTH)
        return MONITOR_MISFIT;
    memcpy(request->token, in + 5, MONITOR_SECRET);
    request->command = in[MONITOR_LENGTH - 1];
    return MONITOR_READ;
}

void monitor_write_reply(unsigned char out[MONITOR_LENGTH], const struct monitor_reply *reply)
{
    put_head(out, reply->version, reply->id);
    out[STATUS_AT] = reply->status;
    if (reply->kind == MONITOR_QUANTITY) {
        put(out + DATA_AT, reply->value & UINT32_MAX, 4);
        put(out + DATA_AT + 4, reply->value >> 32, 4);
    } else if (reply->kind == MONITOR_BOOLEAN) {
        out[DATA_AT] = reply->value != 0;
    }
}

bool monitor_read_reply(const void *octets, size_t length, enum monitor_kind kind,
                        struct monitor_reply *reply)
{
    const unsigned char *in = octets;

    if (length != MONITOR_LENGTH || !has_signature(in, length))
        return false;
    *reply = (struct monitor_reply){ .version = in[2], .status = in[STATUS_AT], .kind = kind };
    reply->id = (uint16_t)get(in + 3, 2);
    if (kind == MONITOR_QUANTITY)
        reply->value = get(in + DATA_AT + 4, 4) << 32 | get(in + DATA_AT, 4);
    else if (kind == MONITOR_BOOLEAN)
        reply->value = in[DATA_AT] != 0;
    return true;
}

void monitor_hash(const struct monitor_request *request,
                  const unsigned char secret[MONITOR_SECRET], uint64_t step,
                  unsigned char token[MONITOR_SECRET])
{
    unsigned char key[SIPHASH_KEY], text[12];

    memcpy(key, secret, MONITOR_SECRET);
    memcpy(key + MONITOR_SECRET, secret, MONITOR_SECRET);
    text[0] = request->version;
    put(text + 1, request->id, 2);
    text[3] = request->command;
    put(text + 4, step, 8);
    put(token, siphash(key, text, sizeof text), MONITOR_SECRET);
}

bool monitor_same_token(const unsigned char one[MONITOR_SECRET],
                        const unsigned char other[MONITOR_SECRET])
{
    unsigned differing = 0;
    size_t i;

    for (i = 0; i < MONITOR_SECRET; i++)
        differing |= (unsigned)(one[i] ^ other[i]);
    return differing == 0;
}
