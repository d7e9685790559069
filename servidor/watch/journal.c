/* See journal.h; the lines are those of the classic reports, to the octet. */
#include "watch/journal.h"

#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/clock.h"
#include "net/text.h"
#include "net/wipe.h"
#include "watch/logfile.h"
#include "watch/steer.h"

/* Of one line, this many octets are logged. Twice the longest command of the default settings. */
enum { LINE_SHOWN = 4096, PREFIX_ROOM = 512, MORE_ROOM = 64 };

/* A line of the log of requests, all its octets escaped. */
enum { RECORD_ROOM = PREFIX_ROOM + LINE_SHOWN * TEXT_ESCAPE_GROWTH + MORE_ROOM };

/* No address in an envelope is longer (RFC 5321 4.5.3.1.3). */
enum { ADDRESS_SHOWN = 256 };

static const char sender_label[] = " MAIL FROM: ", recipient_label[] = " RCPT TO: ";

static const struct journal_config *settings;

/* What is gathered of each log; a longer record goes at once. */
enum { REQUESTS_BATCH = 32768, ACCESSES_BATCH = 2048, PAGE = 4096 };

/*
 * The session that is being logged, and the logs. What each session writes to is in the first
 * page; apart, as they were, these were three pages, which are memory of each process.
 */
static struct {
    alignas(PAGE) const char *name;
    char address[PEER_TEXT_ROOM];
    char prefix[PREFIX_ROOM]; /* "SERVIDOR ... protocolo TCP- " */
    unsigned port;
    enum transport transport;
    bool has_text; /* lines of mails' texts are logged */
    char text_last;     /* the last octet so far of the line of a mail's text that is coming in */
    size_t text_length; /* of the whole line */
    struct logfile requests, accesses;
    char accesses_batch[ACCESSES_BATCH], requests_batch[REQUESTS_BATCH];
    char text[LINE_SHOWN]; /* the beginning of that line */
    char paths[LOGS][JOURNAL_PATH_ROOM];
} journal;

/* Opens a log whose kind, batch and room are set. 0; or -1 with errno and the path. */
static int open_log(struct logfile *log, const char *name, char path[JOURNAL_PATH_ROOM])
{
    log->path = journal.paths[log->kind];
    snprintf(path, JOURNAL_PATH_ROOM, "%s/%s", settings->folder, name);
    memcpy(journal.paths[log->kind], path, strlen(path) + 1);
    return logfile_open(log);
}

int journal_open(const struct journal_config *config, char path[JOURNAL_PATH_ROOM])
{
    settings = config;
    journal.requests = (struct logfile){ .kind = LOG_REQUESTS, .batch = journal.requests_batch,
                                         .room = REQUESTS_BATCH };
    journal.accesses = (struct logfile){ .kind = LOG_ACCESS, .batch = journal.accesses_batch,
                                         .room = ACCESSES_BATCH };
    if (open_log(&journal.requests, "peticiones.log", path) != 0)
        return -1;
    return open_log(&journal.accesses, "smtpd.log", path);
}

void journal_reopen(void)
{
    logfile_reopen(&journal.requests, true);
    logfile_reopen(&journal.accesses, true);
}

void journal_flush(void)
{
    logfile_flush(&journal.requests);
    logfile_flush(&journal.accesses);
}

static void log_access(const char *event)
{
    char date[CLOCK_DATE_ROOM], *line = logfile_room(&journal.accesses, PREFIX_ROOM);
    int length = snprintf(line, PREFIX_ROOM, "User %s: %s:%u %s\n", event, journal.address,
                          journal.port, clock_date(time(NULL), date));

    logfile_wrote(&journal.accesses, (size_t)length);
}

void journal_begin(const struct peer *peer, const char *name, enum transport transport)
{
    char line[PREFIX_ROOM + CLOCK_DATE_ROOM], date[CLOCK_DATE_ROOM];
    int length;

    peer_text(peer, journal.address);
    journal.name = name;
    journal.port = peer->port;
    journal.transport = transport;
    journal.has_text = steer_now(STEER_LOG_TEXT, settings->has_text) != 0;
    journal.text_length = 0;
    snprintf(journal.prefix, sizeof journal.prefix,
             "SERVIDOR %s con IP:%s, puerto %u y protocolo %s- ", journal.name, journal.address,
             journal.port, transport == TRANSPORT_TCP ? "TCP" : "UDP ");
    length = snprintf(line, sizeof line,
                      "Startup from %s on IP %s and port %u with protocol %s at %s\n",
                      journal.name, journal.address, journal.port, transport_name(transport),
                      clock_date(time(NULL), date));
    logfile_append(&journal.requests, line, (size_t)length);
    log_access("connected");
}

/* Logs `shown` octets of a line that had `length`. */
static void log_line(const char *direction, const char *line, size_t shown, size_t length)
{
    char *record = logfile_room(&journal.requests, RECORD_ROOM);
    size_t used;

    _Static_assert((int)RECORD_ROOM <= (int)REQUESTS_BATCH, "a record fits");
    used = (size_t)snprintf(record, PREFIX_ROOM, "%s%s: ", journal.prefix, direction);
    used += text_escape(record + used, shown * TEXT_ESCAPE_GROWTH, line, shown);
    if (length > shown)
        used += (size_t)snprintf(record + used, MORE_ROOM, "... (%zu octets more)",
                                 length - shown);
    record[used++] = '\n';
    logfile_wrote(&journal.requests, used);
}

void journal_received(const char *line, size_t length, size_t total)
{
    log_line("RECIBO", line, length < LINE_SHOWN ? length : LINE_SHOWN, total);
}

static void text_piece(const char *octets, size_t length)
{
    if (journal.text_length < LINE_SHOWN) {
        size_t room = LINE_SHOWN - journal.text_length;

        memcpy(journal.text + journal.text_length, octets, length < room ? length : room);
    }
    journal.text_length += length;
    if (length > 0)
        journal.text_last = octets[length - 1];
}

static void forget_text(void)
{
    wipe(journal.text, journal.text_length < LINE_SHOWN ? journal.text_length : LINE_SHOWN);
    journal.text_length = 0;
}

void journal_end(void)
{
    char line[PREFIX_ROOM + CLOCK_DATE_ROOM], date[CLOCK_DATE_ROOM];
    int length = snprintf(line, sizeof line, "Completed %s IP:%s port %u, on %s protocol, at %s\n",
                          journal.name, journal.address, journal.port,
                          transport_name(journal.transport), clock_date(time(NULL), date));

    logfile_append(&journal.requests, line, (size_t)length);
    log_access("disconnected");
    journal_flush();
    forget_text(); /* of a text that broke off within a line */
    wipe(journal.prefix, sizeof journal.prefix);
    wipe(journal.address, sizeof journal.address);
}

static void text_line_end(void)
{
    size_t length = journal.text_length;

    if (length > 0 && journal.text_last == '\r')
        length--;
    journal_received(journal.text, length, length);
    forget_text();
}

void journal_text(const char *octets, size_t length)
{
    const char *end = octets + length, *line_end;

    if (!journal.has_text)
        return;
    while (octets < end) {
        line_end = memchr(octets, '\n', (size_t)(end - octets));
        text_piece(octets, (size_t)((line_end == NULL ? end : line_end) - octets));
        if (line_end == NULL)
            return;
        text_line_end();
        octets = line_end + 1;
    }
}

void journal_text_end(bool is_told)
{
    if (journal.has_text && is_told)
        return;
    journal_chunk_end();
    journal_received(".", 1, 1);
}

void journal_chunk_end(void)
{
    if (journal.text_length > 0)
        text_line_end();
}

/* Writes `label` and an address, as a line. Returns its length. */
static size_t write_address(char *out, const char *label, const char *address, size_t length)
{
    size_t used = strlen(label);

    memcpy(out, label, used);
    used += text_escape(out + used, length * TEXT_ESCAPE_GROWTH, address, length);
    out[used++] = '\n';
    return used;
}

static void log_kept(const struct journal_mail *mail, const char *date)
{
    char record[2 * PREFIX_ROOM + ADDRESS_SHOWN * TEXT_ESCAPE_GROWTH];
    size_t used = (size_t)snprintf(record, sizeof record, "%sCORREO: %s de <", journal.prefix,
                                   mail->id);

    used += text_escape(record + used, sizeof record - used - CLOCK_DATE_ROOM - sizeof "> el \n",
                        mail->sender, strlen(mail->sender));
    used += (size_t)snprintf(record + used, sizeof record - used, "> el %s\n", date);
    logfile_append(&journal.requests, record, used);
}

/* Writes the record of a kept mail for the log of accesses into `out`, which has room for it. */
static size_t write_sent(char *out, const struct journal_mail *mail, const char *date)
{
    const char *sender = mail->sender[0] == '\0' ? "<>" : mail->sender;
    const char *recipient = mail->recipients, *end = recipient + mail->recipients_length;
    size_t used = (size_t)snprintf(out, PREFIX_ROOM, "Mail Sent: %s:%u %s\n", journal.address,
                                   journal.port, date);

    used += write_address(out + used, sender_label, sender, strlen(sender));
    for (; recipient < end; recipient += strlen(recipient) + 1)
        used += write_address(out + used, recipient_label, recipient, strlen(recipient));
    return used + (size_t)snprintf(out + used, PREFIX_ROOM, " File: %s\n Id: %s\n", mail->file,
                                   mail->id);
}

void journal_mail(const struct journal_mail *mail)
{
    char date[CLOCK_DATE_ROOM], *record;
    size_t length;

    clock_date(time(NULL), date);
    log_kept(mail, date);
    /* An octet makes four at most, and an address has one or more beside its NUL. */
    record = malloc(3 * PREFIX_ROOM + ADDRESS_SHOWN * TEXT_ESCAPE_GROWTH +
                    mail->recipients_length * (TEXT_ESCAPE_GROWTH + sizeof recipient_label));
    if (record == NULL) {
        atomic_fetch_add(&counters()->log_lost_records, 1);
        return;
    }
    length = write_sent(record, mail, date);
    logfile_append(&journal.accesses, record, length);
    wipe(record, length);
    free(record);
}

void journal_sent(const char *reply, size_t length)
{
    const char *end = reply + length, *line_end;

    while (reply < end && (line_end = memchr(reply, '\r', (size_t)(end - reply))) != NULL) {
        size_t line = (size_t)(line_end - reply);

        log_line("ENVIO", reply, line, line);
        reply = line_end + 2;
    }
}
