/* See journal.h; the lines are those of the classic reports, to the octet. */
#include "watch/journal.h"

#include <stdio.h>
#include <string.h>

#include "net/clock.h"
#include "net/resolve.h"
#include "net/text.h"
#include "watch/logfile.h"

/* Of one line, this many octets are logged. Twice the longest command of the default settings. */
enum { LINE_SHOWN = 4096, PREFIX_ROOM = 512 };

static const struct journal_config *settings;
static struct logfile requests = { .kind = LOG_REQUESTS };
static struct logfile accesses = { .kind = LOG_ACCESS };

/* The session that is being logged. */
static struct {
    char name[RESOLVE_ROOM];
    char address[PEER_TEXT_ROOM];
    char prefix[PREFIX_ROOM]; /* "SERVIDOR ... protocolo TCP- " */
    unsigned port;
    enum transport transport;
    char text[LINE_SHOWN]; /* the line of a mail's text that is coming in */
    size_t text_length;    /* of the whole line; text[] holds its beginning */
    char text_last;        /* the last octet of it so far */
} session;

int journal_open(const struct journal_config *config, char path[JOURNAL_PATH_ROOM])
{
    settings = config;
    snprintf(path, JOURNAL_PATH_ROOM, "%s/peticiones.log", config->folder);
    if (logfile_open(&requests, path) != 0)
        return -1;
    snprintf(path, JOURNAL_PATH_ROOM, "%s/smtpd.log", config->folder);
    return logfile_open(&accesses, path);
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
    char line[PREFIX_ROOM], date[CLOCK_DATE_ROOM];
    int length = snprintf(line, sizeof line, "User %s: %s:%u %s\n", event, session.address,
                          session.port, clock_date(time(NULL), date));

    logfile_append(&accesses, line, (size_t)length);
}

void journal_begin(const struct peer *peer, enum transport transport)
{
    char line[PREFIX_ROOM + CLOCK_DATE_ROOM], date[CLOCK_DATE_ROOM];
    int length;

    peer_text(peer, session.address);
    resolve_name(peer, settings->asks_dns != 0, session.name);
    session.port = peer->port;
    session.transport = transport;
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
    char record[PREFIX_ROOM + LINE_SHOWN * TEXT_ESCAPE_GROWTH + 64];
    size_t used;

    used = (size_t)snprintf(record, sizeof record, "%s%s: ", session.prefix, direction);
    used += text_escape(record + used, sizeof record - used - 64, line, shown);
    if (length > shown)
        used += (size_t)snprintf(record + used, sizeof record - used, "... (%zu octets more)",
                                 length - shown);
    record[used++] = '\n';
    logfile_append(&requests, record, used);
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

    if (settings->is_quiet)
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
    if (settings->is_quiet)
        journal_received(".", 1, 1);
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
