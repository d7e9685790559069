/* See monitor.h. */
#include "watch/monitor.h"

#include "net/clock.h"
#include "watch/slots.h"
#include "watch/steer.h"
#include "watch/totals.h"

/* Commands that tell a total, for TCP, UDP or both together. */
enum { OF_TCP = 1, OF_UDP = 2, OF_BOTH = OF_TCP | OF_UDP };

static const struct {
    enum monitor_command command;
    enum total total;
    unsigned transports; /* 0: it is kept for both together */
} told[] = {
    { MONITOR_HISTORIC, TOTAL_SESSIONS, OF_BOTH },
    { MONITOR_OCTETS, TOTAL_RECEIVED, OF_BOTH },
    { MONITOR_OCTETS, TOTAL_SENT, OF_BOTH },
    { MONITOR_MAILS, TOTAL_MAILS, OF_BOTH },
    { MONITOR_WORKERS_BORN, TOTAL_WORKERS_BORN, 0 },
    { MONITOR_WORKERS_DIED, TOTAL_WORKERS_DIED, 0 },
    { MONITOR_TCP_SESSIONS, TOTAL_SESSIONS, OF_TCP },
    { MONITOR_UDP_SESSIONS, TOTAL_SESSIONS, OF_UDP },
    { MONITOR_TCP_MAILS, TOTAL_MAILS, OF_TCP },
    { MONITOR_UDP_MAILS, TOTAL_MAILS, OF_UDP },
    { MONITOR_TCP_RECEIVED, TOTAL_RECEIVED, OF_TCP },
    { MONITOR_UDP_RECEIVED, TOTAL_RECEIVED, OF_UDP },
    { MONITOR_TCP_SENT, TOTAL_SENT, OF_TCP },
    { MONITOR_UDP_SENT, TOTAL_SENT, OF_UDP },
    { MONITOR_TCP_REFUSED_4, TOTAL_REFUSED_4, OF_TCP },
    { MONITOR_UDP_REFUSED_4, TOTAL_REFUSED_4, OF_UDP },
    { MONITOR_TCP_REFUSED_5, TOTAL_REFUSED_5, OF_TCP },
    { MONITOR_UDP_REFUSED_5, TOTAL_REFUSED_5, OF_UDP },
    { MONITOR_MAILS_REFUSED_4, TOTAL_MAILS_REFUSED_4, 0 },
    { MONITOR_MAILS_REFUSED_5, TOTAL_MAILS_REFUSED_5, 0 },
    { MONITOR_OCTETS_REFUSED_4, TOTAL_OCTETS_REFUSED_4, 0 },
    { MONITOR_OCTETS_REFUSED_5, TOTAL_OCTETS_REFUSED_5, 0 },
    { MONITOR_UDP_RESENDS, TOTAL_UDP_RESENDS, 0 },
    { MONITOR_UDP_DUPLICATES, TOTAL_UDP_DUPLICATES, 0 },
    { MONITOR_UDP_DROPPED, TOTAL_UDP_DROPPED, 0 },
    { MONITOR_FILTER_RUNS, TOTAL_FILTER_RUNS, 0 },
    { MONITOR_FILTER_FAILURES, TOTAL_FILTER_FAILURES, 0 },
};

enum { ROWS = sizeof told / sizeof told[0] };

static uint64_t add_up(unsigned command)
{
    uint64_t sum = 0;
    size_t i;

    for (i = 0; i < ROWS; i++) {
        if ((unsigned)told[i].command != command)
            continue;
        if (told[i].transports != OF_UDP)
            sum += totals_read(told[i].total, TRANSPORT_TCP);
        if ((told[i].transports & OF_UDP) != 0)
            sum += totals_read(told[i].total, TRANSPORT_UDP);
    }
    return sum;
}

/* Workers of both transports in a state. */
static uint64_t count_workers(bool are_busy)
{
    struct slot_census tcp = slots_count(TRANSPORT_TCP), udp = slots_count(TRANSPORT_UDP);

    return are_busy ? tcp.busy + udp.busy : tcp.idle + udp.idle;
}

static uint64_t value_of(const struct monitor_config *config, unsigned command)
{
    const uint64_t *configured = config->configured;

    switch (command) {
    case MONITOR_CONCURRENT:
    case MONITOR_WORKERS_BUSY:
        return count_workers(true);
    case MONITOR_WORKERS_IDLE:
        return count_workers(false);
    case MONITOR_FILTER:
        return !totals_filter_is_off();
    case MONITOR_STARTED:
        return (uint64_t)counters()->started_s;
    case MONITOR_UPTIME:
        return (uint64_t)(clock_now_ms() - counters()->started_ms) / 1000;
    case MONITOR_LOST_RECORDS:
        return atomic_load(&counters()->log_lost_records);
    case MONITOR_MESSAGE_SIZE:
        return steer_now(STEER_MESSAGE_SIZE, configured[STEER_MESSAGE_SIZE]);
    case MONITOR_ADDRESS_LIMIT:
        return steer_now(STEER_ADDRESS_LIMIT, configured[STEER_ADDRESS_LIMIT]);
    case MONITOR_LOG_TEXT:
        return steer_now(STEER_LOG_TEXT, configured[STEER_LOG_TEXT]);
    default:
        return add_up(command);
    }
}

/* Does what the command asks for, if it asks for more than a value. */
static void act(unsigned command)
{
    enum monitor_command base;
    uint64_t value;

    if (command == MONITOR_FILTER_ON || command == MONITOR_FILTER_OFF)
        totals_switch_filter(command == MONITOR_FILTER_OFF);
    else if (monitor_setting(command, &base, &value))
        steer_set(base == MONITOR_SET_MESSAGE_SIZE    ? STEER_MESSAGE_SIZE
                  : base == MONITOR_SET_ADDRESS_LIMIT ? STEER_ADDRESS_LIMIT
                                                      : STEER_LOG_TEXT,
                  value);
}

/* Does the sender know the secret? */
static bool is_trusted(const struct monitor_config *config, const struct monitor_request *request,
                       int64_t now_s)
{
    uint64_t step = (uint64_t)now_s / MONITOR_STEP_S;
    unsigned char wanted[MONITOR_SECRET];
    bool is_good = false;
    uint64_t i;

    if (request->version == MONITOR_PLAIN)
        return monitor_same_token(request->token, config->secret);
    for (i = 0; i < 3; i++) {
        monitor_hash(request, config->secret, step + 1 - i, wanted);
        is_good |= monitor_same_token(request->token, wanted);
    }
    return is_good;
}

static bool is_version(const struct monitor_config *config, uint8_t version)
{
    return version == MONITOR_HASHED || (version == MONITOR_PLAIN && config->takes_plain != 0);
}

static enum monitor_status judge(const struct monitor_config *config,
                                 const struct monitor_request *request, int64_t now_s)
{
    unsigned command = request->command;

    if (!is_version(config, request->version))
        return MONITOR_BAD_VERSION;
    if (!is_trusted(config, request, now_s))
        return MONITOR_BAD_SECRET;
    if (monitor_kind(command) == MONITOR_UNKNOWN)
        return MONITOR_BAD_COMMAND;
    if (!config->has_filter && command >= MONITOR_FILTER && command <= MONITOR_FILTER_OFF)
        return MONITOR_NO_FILTER;
    return MONITOR_OK;
}

size_t monitor_answer(const struct monitor_config *config, const struct monitor_question *question,
                      unsigned char answer[MONITOR_LENGTH])
{
    struct monitor_request request;
    enum monitor_reading reading = monitor_read_request(question->octets, question->length,
                                                        &request);
    struct monitor_reply reply = { .id = request.id, .kind = MONITOR_NOTHING };

    if (reading == MONITOR_STRANGE)
        return 0;
    reply.status = reading == MONITOR_MISFIT ? (uint8_t)MONITOR_BAD_REQUEST
                                             : (uint8_t)judge(config, &request, question->when_s);
    reply.version = request.version == MONITOR_HASHED ? MONITOR_HASHED : MONITOR_PLAIN;
    if (reply.status == MONITOR_OK) {
        act(request.command);
        reply.kind = monitor_kind(request.command);
        reply.value = value_of(config, request.command);
    }
    monitor_write_reply(answer, &reply);
    return MONITOR_LENGTH;
}
