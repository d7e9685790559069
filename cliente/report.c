/* See report.h. */
#include "report.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "say.h"
#include "tally.h"

enum { ROWS = 20 };

static const char *const kinds[TALLY_ERRORS] = {
    [TALLY_UNREACHED] = "no connection",
    [TALLY_DENIED] = "session refused",
    [TALLY_CLOSED] = "closed by the server",
    [TALLY_SILENT] = "no reply",
    [TALLY_NOISE] = "no SMTP",
    [TALLY_FAREWELL] = "ended with 421",
    [TALLY_NO_TEXT] = "DATA refused",
    [TALLY_UNSENT] = "not sent",
    [TALLY_LOST] = "process lost",
};

static double a_second(uint64_t count, double seconds)
{
    return seconds > 0 ? (double)count / seconds : 0;
}

static double ms(const struct tally *tally, enum tally_time what, unsigned per_mille)
{
    return (double)tally_percentile_us(tally, what, per_mille) / 1000;
}

static void print_replies(const struct tally *tally)
{
    const char *none = " none";
    size_t code;

    printf("replies   ");
    for (code = 0; code < TALLY_CODES; code++)
        if (tally->of.replies[code] > 0) {
            printf(" %03zu:%" PRIu64, code, tally->of.replies[code]);
            none = "";
        }
    printf("%s\n", none);
}

/* An errno in words, or the code of a reply; 0 is neither. */
static void print_detail(enum tally_error kind, int detail)
{
    if (detail == 0)
        return;
    if (kind == TALLY_DENIED || kind == TALLY_NO_TEXT)
        printf(" (%03d)", detail);
    else
        printf(" (%s)", strerror(detail));
}

static void print_errors(const struct tally *tally)
{
    uint64_t failed = tally_failed(tally), count;
    const char *before = ": ";
    size_t kind, detail;

    if (failed == 0) {
        printf("errors     none\n");
        return;
    }
    printf("errors     %" PRIu64, failed);
    for (kind = 0; kind < TALLY_ERRORS; kind++)
        for (detail = 0; detail < TALLY_DETAILS; detail++) {
            count = tally->of.errors[kind][detail];
            if (count == 0)
                continue;
            printf("%s%s", before, kinds[kind]);
            print_detail((enum tally_error)kind, (int)detail);
            printf(" %" PRIu64, count);
            before = ", ";
        }
    printf("\n");
}

static void print_times(const struct tally *tally)
{
    static const char *const names[TALLY_TIMES] = { "greeting", "mail", "session" };
    static const unsigned per_mille[] = { 500, 900, 990, 999, 1000 };
    size_t i, j;

    printf("%-8s %8s %8s %8s %8s %8s\n", "ms", "50 %", "90 %", "99 %", "99.9 %", "max");
    for (i = 0; i < TALLY_TIMES; i++) {
        printf("%-8s", names[i]);
        for (j = 0; j < sizeof per_mille / sizeof *per_mille; j++)
            if (tally_measured(tally, (enum tally_time)i) > 0)
                printf(" %8.2f", ms(tally, (enum tally_time)i, per_mille[j]));
            else
                printf(" %8s", "-");
        printf("\n");
    }
}

/* Rows of a histogram, each of `width` buckets; the first one has all that is below it too. */
struct rows {
    size_t width, first, count;
};

static uint64_t in_row(const struct tally *tally, const struct rows *rows, size_t row,
                       uint64_t *end_us)
{
    size_t first = row == 0 ? 0 : (rows->first + row) * rows->width;
    struct tally_span span = { first, (rows->first + row + 1) * rows->width - first };

    return tally_span(tally, TALLY_SESSION, span, end_us);
}

/* Which rows of this width there are. */
static struct rows rows_of(const struct tally *tally, size_t width)
{
    const uint64_t *times = tally->of.times[TALLY_SESSION];
    size_t first = 0, last = TALLY_BUCKETS - 1;

    while (first < last && times[first] == 0)
        first++;
    while (last > first && times[last] == 0)
        last--;
    return (struct rows){ width, first / width, last / width - first / width + 1 };
}

/* The narrowest rows that are not too many; the lowest ones are one, if they must. */
static struct rows choose_rows(const struct tally *tally)
{
    size_t width = TALLY_OCTAVE / 8;
    struct rows rows;

    while ((rows = rows_of(tally, width)).count > ROWS && width < TALLY_OCTAVE)
        width *= 2;
    if (rows.count > ROWS) {
        rows.first += rows.count - ROWS;
        rows.count = ROWS;
    }
    return rows;
}

/* Sessions by their times. */
static void print_histogram(const struct tally *tally)
{
    static const char bars[] = "##################################################";
    struct rows rows = choose_rows(tally);
    uint64_t most = 0, count, end_us;
    size_t i, length;

    for (i = 0; i < rows.count; i++) {
        count = in_row(tally, &rows, i, &end_us);
        most = count > most ? count : most;
    }
    if (most == 0)
        return;
    printf("\n%10s %10s\n", "up to ms", "sessions");
    for (i = 0; i < rows.count; i++) {
        count = in_row(tally, &rows, i, &end_us);
        length = (size_t)((count * (sizeof bars - 1) + most - 1) / most);
        printf("%10.3f %10" PRIu64 "%s%.*s\n", (double)end_us / 1000, count,
               length > 0 ? "  " : "", (int)length, bars);
    }
}

int report_text(const struct report *report)
{
    const struct tally *tally = report->tally;
    const uint64_t *counts = tally->of.counts;
    double seconds = report->seconds;
    uint64_t sessions = counts[TALLY_SESSIONS];

    printf("sessions   %" PRIu64 " of %" PRIu64 " in %.3f s, %.1f a second%s\n", sessions,
           report->planned, seconds, a_second(sessions, seconds),
           report->is_stopped ? "; stopped" : "");
    printf("mails      %" PRIu64 ", %.1f a second", counts[TALLY_MAILS],
           a_second(counts[TALLY_MAILS], seconds));
    if (counts[TALLY_REFUSED] > 0)
        printf("; %" PRIu64 " refused", counts[TALLY_REFUSED]);
    printf("\noctets     %" PRIu64 " sent, %.1f MiB a second\n", counts[TALLY_OCTETS],
           a_second(counts[TALLY_OCTETS], seconds) / (1 << 20));
    print_replies(tally);
    print_errors(tally);
    print_times(tally);
    printf("client     %.2f s of CPU, %.0f %% of one processor, %.3f s per 1000 sessions\n",
           report->cpu_seconds, seconds > 0 ? report->cpu_seconds / seconds * 100 : 0,
           sessions > 0 ? report->cpu_seconds * 1000 / (double)sessions : 0);
    print_histogram(tally);
    return say_flush();
}

int report_csv(const struct report *report)
{
    static const struct {
        enum tally_time what;
        unsigned per_mille;
    } columns[] = {
        { TALLY_GREETING, 500 }, { TALLY_GREETING, 990 }, { TALLY_GREETING, 1000 },
        { TALLY_MAIL, 500 },     { TALLY_MAIL, 900 },     { TALLY_MAIL, 990 },
        { TALLY_MAIL, 999 },     { TALLY_MAIL, 1000 },    { TALLY_SESSION, 500 },
        { TALLY_SESSION, 990 },  { TALLY_SESSION, 1000 },
    };
    const uint64_t *counts = report->tally->of.counts;
    size_t i;

    printf("sessions,failed,mails,seconds,sessions_s,mails_s,octets,greeting_p50_ms,"
           "greeting_p99_ms,greeting_max_ms,mail_p50_ms,mail_p90_ms,mail_p99_ms,mail_p999_ms,"
           "mail_max_ms,session_p50_ms,session_p99_ms,session_max_ms,client_cpu_s\n");
    printf("%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%.3f,%.1f,%.1f,%" PRIu64, counts[TALLY_SESSIONS],
           tally_failed(report->tally), counts[TALLY_MAILS], report->seconds,
           a_second(counts[TALLY_SESSIONS], report->seconds),
           a_second(counts[TALLY_MAILS], report->seconds), counts[TALLY_OCTETS]);
    for (i = 0; i < sizeof columns / sizeof *columns; i++)
        printf(",%.3f", ms(report->tally, columns[i].what, columns[i].per_mille));
    printf(",%.3f\n", report->cpu_seconds);
    return say_flush();
}

int report_greeted(const struct tally *tally, uint64_t planned, double seconds, bool is_csv)
{
    fprintf(is_csv ? stderr : stdout,
            "%" PRIu64 " sessions greeted of %" PRIu64 " in %.3f s, the slowest after %.3f s\n",
            tally->of.counts[TALLY_GREETED], planned, seconds,
            (double)tally->of.longest_us[TALLY_GREETING] / 1e6);
    return is_csv ? 0 : say_flush();
}

void report_progress(const struct tally *tally, uint64_t planned, double seconds)
{
    fprintf(stderr,
            "\r%" PRIu64 " of %" PRIu64 " sessions, %.0f a second, %" PRIu64 " errors\033[K",
            tally->of.counts[TALLY_SESSIONS], planned,
            a_second(tally->of.counts[TALLY_SESSIONS], seconds), tally_failed(tally));
}

void report_clear(void)
{
    fputs("\r\033[K", stderr);
}
