/* See journal.h; the lines are those of the classic reports, to the octet. */
#include "watch/journal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/clock.h"
#include "net/text.h"
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
static struct logfile requests, accesses;

/* The session that is being logged. */
static struct {
    const char *name;
    char address[PEER_TEXT_ROOM];
    char prefix[PREFIX_ROOM]; /* "SERVIDOR ... protocolo TCP- " */
    unsigned port;
    enum transport transport;
    bool has_text; /* lines of mails' texts are logged */
    size_t text_length;    /* of the line of a mail's text that is coming in */
    char text_last;        /* the last octet of it so far */
    char text[LINE_SHOWN]; /* its beginning */
} session;

int journal_open(const struct journal_config *config, char path[JOURNAL_PATH_ROOM])
{
    settings = config;
    snprintf(path, JOURNAL_PATH_ROOM, "%s/peticiones.log", config->folder);
    if (logfile_open(&requests, LOG_REQUESTS, path) != 0)
        return -1;
    snprintf(path, JOURNAL_PATH_ROOM, "%s/smtpd.log", config->folder);
    return logfile_open(&accesses, LOG_ACCESS, path);
}

void journal_reopen(void)
{
    logfile_reopen(&requests, true);
    logfile_reopen(&accesses, true);
}

void journal_flush(void)
{
    logfile_flush(&requests);
    logfile_flush(&accesses);
}

static void log_access(const char *event)
{
    char date[CLOCK_DATE_ROOM], *line = logfile_room(&accesses, PREFIX_ROOM);

    logfile_wrote(&accesses, (size_t)snprintf(line, PREFIX_ROOM, "User %s: %s:%u %s\n", event,
                                              session.address, session.port,
                                              clock_date(time(NULL), date)));
}

void journal_begin(const struct peer *peer, const char *name, enum transport transport)
{
    char line[PREFIX_ROOM + CLOCK_DATE_ROOM], date[CLOCK_DATE_ROOM];
    int length;

    peer_text(peer, session.address);
    session.name = name;
    session.port = peer->port;
    session.transport = transport;
    session.has_text = steer_now(STEER_LOG_TEXT, settings->has_text) != 0;
    session.text_length = 0;
    snprintf(session.prefix, sizeof session.prefix,
             "SERVIDOR %s con IP:%s, puerto %u y protocolo %s- ", session.name, session.address,
             session.port, transport == TRANSPORT_TCP ? "TCP" : "UDP ");
    length = snprintf(line, sizeof line,
                      "Startup from %s on IP %s and port %u with protocol %s at %s\n",
                      session.name, session.address, session.port, transport_name(transport),
                      clock_date(time(NULL), date));
    logfile_append(&requests, line, (size_t)length);
    log_access("connected");
}

void journal_end(void)
{
    char line[PREFIX_ROOM + CLOCK_DATE_ROOM], date[CLOCK_DATE_ROOM];
    int length = snprintf(line, sizeof line, "Completed %s IP:%s port %u, on %s protocol, at %s\n",
                          session.name, session.address, session.port,
                          transport_name(session.transport), clock_date(time(NULL), date));

    logfile_append(&requests, line, (size_t)length);
    log_access("disconnected");
    journal_flush();
}

/* Logs `shown` octets of a line that had `length`. */
static void log_line(const char *direction, const char *line, size_t shown, size_t length)
{
    char *record = logfile_room(&requests, RECORD_ROOM);
    size_t used;

    _Static_assert((int)RECORD_ROOM <= (int)LOGFILE_BATCH, "a record fits");
    used = (size_t)snprintf(record, PREFIX_ROOM, "%s%s: ", session.prefix, direction);
    used += text_escape(record + used, shown * TEXT_ESCAPE_GROWTH, line, shown);
    if (length > shown)
        used += (size_t)snprintf(record + used, MORE_ROOM, "... (%zu octets more)",
                                 length - shown);
    record[used++] = '\n';
    logfile_wrote(&requests, used);
}

void journal_received(const char *line, size_t length, size_t total)
{
    log_line("RECIBO", line, length < LINE_SHOWN ? length : LINE_SHOWN, total);
}

static void text_piece(const char *octets, size_t length)
{
    if (session.text_length < LINE_SHOWN) {
        size_t room = LINE_SHOWN - session.text_length;

        memcpy(session.text + session.text_length, octets, length < room ? length : room);
    }
    session.text_length += length;
    if (length > 0)
        session.text_last = octets[length - 1];
}

static void text_line_end(void)
{
    size_t length = session.text_length;

    if (length > 0 && session.text_last == '\r')
        length--;
    journal_received(session.text, length, length);
    session.text_length = 0;
}

void journal_text(const char *octets, size_t length)
{
    const char *end = octets + length, *line_end;

    if (!session.has_text)
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

void journal_text_end(void)
{
    if (!session.has_text)
        journal_received(".", 1, 1);
}

void journal_chunk_end(void)
{
    if (session.text_length > 0)
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
    size_t used = (size_t)snprintf(record, sizeof record, "%sCORREO: %s de <", session.prefix,
                                   mail->id);

    used += text_escape(record + used, sizeof record - used - CLOCK_DATE_ROOM - sizeof "> el \n",
                        mail->sender, strlen(mail->sender));
    used += (size_t)snprintf(record + used, sizeof record - used, "> el %s\n", date);
    logfile_append(&requests, record, used);
}

/* Writes the record of a kept mail for the log of accesses into `out`, which has room for it. */
static size_t write_sent(char *out, const struct journal_mail *mail, const char *date)
{
    const char *sender = mail->sender[0] == '\0' ? "<>" : mail->sender;
    const char *recipient = mail->recipients, *end = recipient + mail->recipients_length;
    size_t used = (size_t)snprintf(out, PREFIX_ROOM, "Mail Sent: %s:%u %s\n", session.address,
                                   session.port, date);

    used += write_address(out + used, sender_label, sender, strlen(sender));
    for (; recipient < end; recipient += strlen(recipient) + 1)
        used += write_address(out + used, recipient_label, recipient, strlen(recipient));
    return used + (size_t)snprintf(out + used, PREFIX_ROOM, " File: %s\n Id: %s\n", mail->file,
                                   mail->id);
}

void journal_mail(const struct journal_mail *mail)
{
    char date[CLOCK_DATE_ROOM], *record;

    clock_date(time(NULL), date);
    log_kept(mail, date);
    /* An octet makes four at most, and an address has one or more beside its NUL. */
    record = malloc(3 * PREFIX_ROOM + ADDRESS_SHOWN * TEXT_ESCAPE_GROWTH +
                    mail->recipients_length * (TEXT_ESCAPE_GROWTH + sizeof recipient_label));
    if (record == NULL) {
        atomic_fetch_add(&counters()->log_lost_records, 1);
        return;
    }
    logfile_append(&accesses, record, write_sent(record, mail, date));
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
