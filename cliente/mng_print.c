/* See mng_print.h. */
#include "mng_print.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "net/clock.h"

enum unit { NO_UNIT, OCTETS, SECONDS, DATE };
enum { NUMBER_ROOM = 24, TEXT_ROOM = 64 };

static const char *const statuses[MONITOR_STATUSES] = {
    [MONITOR_OK] = "None",
    [MONITOR_BAD_SECRET] = "Auth failed",
    [MONITOR_BAD_VERSION] = "Invalid version",
    [MONITOR_BAD_COMMAND] = "Invalid command",
    [MONITOR_BAD_REQUEST] = "Invalid request",
    [MONITOR_NO_FILTER] = "No transformation program defined",
    [MONITOR_UNEXPECTED] = "Unexpected error",
};

#define TCP "transport=\"tcp\""
#define UDP "transport=\"udp\""
#define CLASS_4 "class=\"4\""
#define CLASS_5 "class=\"5\""

/*
 * A metric that ends in _total is a counter, another a gauge. Rows of one metric stand one
 * behind the other, and the first has its help.
 */
static const struct {
    const char *label, *metric, *labels, *help;
    enum unit unit;
} rows[MONITOR_COMMANDS] = {
    [MONITOR_HISTORIC] = { .label = "Historic connections", .metric = "connections_total",
        .help = "Sessions since the first start." },
    [MONITOR_CONCURRENT] = { .label = "Concurrent connections", .metric = "open_connections",
        .help = "Sessions that are open now." },
    [MONITOR_OCTETS] = { .label = "Bytes transfered", .metric = "transferred_bytes_total",
        .help = "Octets of sessions, both ways.", .unit = OCTETS },
    [MONITOR_MAILS] = { .label = "Mails sent", .metric = "mails_total",
        .help = "Mails that were accepted." },
    [MONITOR_FILTER] = { .label = "Transformations", .metric = "filter_enabled",
        .help = "Whether mails pass through the filter." },
    [MONITOR_FILTER_ON] = { .label = "Transformations enabled" },
    [MONITOR_FILTER_OFF] = { .label = "Transformations disabled" },
    [MONITOR_UPTIME] = { .label = "Uptime", .metric = "uptime_seconds",
        .help = "Time since this start.", .unit = SECONDS },
    [MONITOR_STARTED] = { .label = "Started", .metric = "start_time_seconds",
        .help = "Time of this start since 1970, UTC.", .unit = DATE },
    [MONITOR_WORKERS_IDLE] = { .label = "Workers idle", .metric = "workers",
        .labels = "state=\"idle\"", .help = "Processes that serve sessions." },
    [MONITOR_WORKERS_BUSY] = { .label = "Workers busy", .metric = "workers",
        .labels = "state=\"busy\"" },
    [MONITOR_WORKERS_BORN] = { .label = "Workers born", .metric = "workers_born_total",
        .help = "Processes that were started." },
    [MONITOR_WORKERS_DIED] = { .label = "Workers died", .metric = "workers_died_total",
        .help = "Processes that ended." },
    [MONITOR_TCP_SESSIONS] = { .label = "Sessions over TCP", .metric = "sessions_total",
        .labels = TCP, .help = "Sessions by transport." },
    [MONITOR_UDP_SESSIONS] = { .label = "Sessions over UDP", .metric = "sessions_total",
        .labels = UDP },
    [MONITOR_TCP_MAILS] = { .label = "Mails over TCP", .metric = "accepted_mails_total",
        .labels = TCP, .help = "Mails that were accepted, by transport." },
    [MONITOR_UDP_MAILS] = { .label = "Mails over UDP", .metric = "accepted_mails_total",
        .labels = UDP },
    [MONITOR_TCP_RECEIVED] = { .label = "Bytes received over TCP",
        .metric = "received_bytes_total", .labels = TCP, .help = "Octets that were received.",
        .unit = OCTETS },
    [MONITOR_UDP_RECEIVED] = { .label = "Bytes received over UDP",
        .metric = "received_bytes_total", .labels = UDP, .unit = OCTETS },
    [MONITOR_TCP_SENT] = { .label = "Bytes sent over TCP", .metric = "sent_bytes_total",
        .labels = TCP, .help = "Octets that were sent.", .unit = OCTETS },
    [MONITOR_UDP_SENT] = { .label = "Bytes sent over UDP", .metric = "sent_bytes_total",
        .labels = UDP, .unit = OCTETS },
    [MONITOR_TCP_REFUSED_4] = { .label = "Replies 4xx over TCP", .metric = "refusals_total",
        .labels = TCP "," CLASS_4, .help = "Replies that refused something." },
    [MONITOR_UDP_REFUSED_4] = { .label = "Replies 4xx over UDP", .metric = "refusals_total",
        .labels = UDP "," CLASS_4 },
    [MONITOR_TCP_REFUSED_5] = { .label = "Replies 5xx over TCP", .metric = "refusals_total",
        .labels = TCP "," CLASS_5 },
    [MONITOR_UDP_REFUSED_5] = { .label = "Replies 5xx over UDP", .metric = "refusals_total",
        .labels = UDP "," CLASS_5 },
    [MONITOR_MAILS_REFUSED_4] = { .label = "Mails refused with 4xx",
        .metric = "refused_mails_total", .labels = CLASS_4,
        .help = "Mails that were refused after their text." },
    [MONITOR_MAILS_REFUSED_5] = { .label = "Mails refused with 5xx",
        .metric = "refused_mails_total", .labels = CLASS_5 },
    [MONITOR_OCTETS_REFUSED_4] = { .label = "Bytes refused with 4xx",
        .metric = "refused_bytes_total", .labels = CLASS_4,
        .help = "Octets of the texts of refused mails.", .unit = OCTETS },
    [MONITOR_OCTETS_REFUSED_5] = { .label = "Bytes refused with 5xx",
        .metric = "refused_bytes_total", .labels = CLASS_5, .unit = OCTETS },
    [MONITOR_UDP_RESENDS] = { .label = "Replies sent again over UDP",
        .metric = "udp_resends_total", .help = "Replies, or segments of them, that were sent again." },
    [MONITOR_UDP_DUPLICATES] = { .label = "Duplicates over UDP",
        .metric = "udp_duplicates_total", .help = "Datagrams that came again." },
    [MONITOR_FILTER_RUNS] = { .label = "Filter runs", .metric = "filter_runs_total",
        .help = "Runs of the filter." },
    [MONITOR_FILTER_FAILURES] = { .label = "Filter failures", .metric = "filter_failures_total",
        .help = "Runs that left a mail refused for now." },
    [MONITOR_LOST_RECORDS] = { .label = "Lost log records", .metric = "lost_records_total",
        .help = "Records that a log did not take." },
    [MONITOR_MESSAGE_SIZE] = { .label = "Message size", .metric = "message_size_limit_bytes",
        .help = "The largest mail that is accepted.", .unit = OCTETS },
    [MONITOR_ADDRESS_LIMIT] = { .label = "Sessions per address",
        .metric = "sessions_per_address_limit",
        .help = "The most sessions that one address may have." },
    [MONITOR_LOG_TEXT] = { .label = "Logging of texts", .metric = "log_text_enabled",
        .help = "Whether the texts of mails are logged." },
    [MONITOR_UDP_DROPPED] = { .label = "Dropped over UDP", .metric = "udp_dropped_total",
        .help = "Datagrams of the numbered mode that mean nothing." },
};

const char *mng_status_text(unsigned status)
{
    return status < MONITOR_STATUSES ? statuses[status] : "Unknown status";
}

static bool is_counter(unsigned command)
{
    const char *end = strrchr(rows[command].metric, '_');

    return end != NULL && strcmp(end, "_total") == 0;
}

/* --- rates and units -------------------------------------------------------------------------- */

/* Writes as in "12.5/s" how fast a counter grew; nothing for what is none or began anew. */
static const char *rate(char out[TEXT_ROOM], unsigned command, const struct mng_row *row,
                        const struct mng_row *before)
{
    out[0] = '\0';
    if (before != NULL && before->is_known && is_counter(command) &&
        row->value >= before->value && row->at_ms > before->at_ms)
        snprintf(out, TEXT_ROOM, "%.1f/s",
                 (double)(row->value - before->value) * 1000.0 /
                     (double)(row->at_ms - before->at_ms));
    return out;
}

static void write_octets(char out[TEXT_ROOM], uint64_t octets)
{
    static const char units[] = "KMGTPE";
    double amount = (double)octets / 1024;
    size_t i;

    /* one that would be shown as 1024.0 has a larger unit */
    for (i = 0; amount >= 1023.95 && units[i + 1] != '\0'; i++)
        amount /= 1024;
    snprintf(out, TEXT_ROOM, "%.1f %ciB", amount, units[i]);
}

static void write_seconds(char out[TEXT_ROOM], uint64_t seconds)
{
    char days[NUMBER_ROOM + 4] = "";

    if (seconds >= 86400)
        snprintf(days, sizeof days, "%" PRIu64 " d ", seconds / 86400);
    snprintf(out, TEXT_ROOM, "%s%d:%02d:%02d h", days, (int)(seconds % 86400 / 3600),
             (int)(seconds % 3600 / 60), (int)(seconds % 60));
}

/* Writes a value as people read it; nothing where it is readable as it is. */
static const char *readable(char out[TEXT_ROOM], unsigned command, uint64_t value)
{
    static const uint64_t year_10000 = 253402300800;
    char date[CLOCK_DATE_ROOM];

    out[0] = '\0';
    if (rows[command].unit == OCTETS && value >= 1024)
        write_octets(out, value);
    else if (rows[command].unit == SECONDS && value >= 60)
        write_seconds(out, value);
    else if (rows[command].unit == DATE && value < year_10000)
        snprintf(out, TEXT_ROOM, "%s", clock_date((time_t)value, date));
    return out;
}

/* Writes the exact value. */
static const char *exact(char out[NUMBER_ROOM], unsigned command, uint64_t value)
{
    if (monitor_kind(command) == MONITOR_BOOLEAN)
        snprintf(out, NUMBER_ROOM, "%s", value != 0 ? "enabled" : "disabled");
    else
        snprintf(out, NUMBER_ROOM, "%" PRIu64, value);
    return out;
}

/* --- one answer ------------------------------------------------------------------------------- */

/* What a command that sets something has done, or one that this program does not know. */
static void print_done(unsigned command)
{
    enum monitor_command base;
    uint64_t value;

    if (!monitor_setting(command, &base, &value))
        printf("Command %u done\n", command);
    else if (base == MONITOR_SET_LOG_TEXT)
        printf("%s %s\n", rows[MONITOR_LOG_TEXT].label, value != 0 ? "enabled" : "disabled");
    else
        printf("%s set to %" PRIu64 "\n",
               rows[base == MONITOR_SET_MESSAGE_SIZE ? MONITOR_MESSAGE_SIZE
                                                     : MONITOR_ADDRESS_LIMIT]
                   .label,
               value);
}

void mng_print_answer(unsigned command, const struct monitor_reply *reply,
                      const struct mng_row *row, const struct mng_row *before)
{
    char number[NUMBER_ROOM], speed[TEXT_ROOM];

    if (reply->status >= MONITOR_STATUSES) {
        printf("Error: Unknown status %u\n", (unsigned)reply->status);
        return;
    }
    if (reply->status != MONITOR_OK) {
        printf("Error: %s\n", mng_status_text(reply->status));
        return;
    }
    printf("Identifier: %u\n", (unsigned)reply->id);
    if (command >= MONITOR_COMMANDS) {
        print_done(command);
    } else if (monitor_kind(command) == MONITOR_NOTHING) {
        printf("%s\n", rows[command].label);
    } else {
        printf("%s: %s", rows[command].label, exact(number, command, reply->value));
        if (*rate(speed, command, row, before) != '\0')
            printf(" (%s)", speed);
        putchar('\n');
    }
}

/* --- all answers ------------------------------------------------------------------------------ */

/* The longest name and value, for their columns. */
static void measure(const struct mng_reading *reading, int *name_width, int *value_width)
{
    char number[NUMBER_ROOM];
    unsigned i;

    *name_width = *value_width = 0;
    for (i = 0; i < MONITOR_COMMANDS; i++) {
        int name = (int)strlen(monitor_name(i));
        int value = (int)strlen(exact(number, i, reading->rows[i].value));

        if (reading->rows[i].is_known && name > *name_width)
            *name_width = name;
        if (reading->rows[i].is_known && value > *value_width)
            *value_width = value;
    }
}

/* What stands behind the value of a row: how fast it grows, and how people read it. */
static void print_remarks(unsigned command, const struct mng_row *row,
                          const struct mng_row *before)
{
    char speed[TEXT_ROOM], words[TEXT_ROOM];

    rate(speed, command, row, before);
    readable(words, command, row->value);
    if (before != NULL && words[0] != '\0')
        printf("  %-11s", speed);
    else if (speed[0] != '\0')
        printf("  %s", speed);
    if (words[0] != '\0')
        printf("  %s", words);
}

void mng_print_table(const struct mng_reading *reading, const struct mng_reading *before)
{
    char number[NUMBER_ROOM];
    int name_width, value_width;
    unsigned i;

    measure(reading, &name_width, &value_width);
    for (i = 0; i < MONITOR_COMMANDS; i++) {
        const struct mng_row *row = &reading->rows[i];

        if (!row->is_known)
            continue;
        printf("%-*s  %*s", name_width, monitor_name(i), value_width,
               exact(number, i, row->value));
        print_remarks(i, row, before == NULL ? NULL : &before->rows[i]);
        putchar('\n');
    }
}

void mng_print_metrics(const struct mng_reading *reading)
{
    const char *family = "", *help = "";
    unsigned i;

    for (i = 0; i < MONITOR_COMMANDS; i++) {
        if (rows[i].help != NULL)
            help = rows[i].help;
        if (!reading->rows[i].is_known)
            continue;
        if (strcmp(rows[i].metric, family) != 0) {
            family = rows[i].metric;
            printf("# HELP servidor_%s %s\n", family, help);
            printf("# TYPE servidor_%s %s\n", family, is_counter(i) ? "counter" : "gauge");
        }
        printf("servidor_%s", family);
        if (rows[i].labels != NULL)
            printf("{%s}", rows[i].labels);
        printf(" %" PRIu64 "\n", reading->rows[i].value);
    }
}
