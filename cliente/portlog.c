/* See portlog.h. */
#include "portlog.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/clock.h"
#include "net/text.h"
#include "reply.h"
#include "say.h"

struct portlog {
    FILE *file;
    const char *protocol;
    char *path;
};

static int complain(struct portlog *log)
{
    say("%s: %s", log->path, strerror(errno));
    return -1;
}

static struct portlog *fail(struct portlog *log, const char *path)
{
    say("%s: %s; -l DIR chooses another folder", path, strerror(errno));
    free(log->path);
    free(log);
    return NULL;
}

struct portlog *portlog_open(const char *folder, uint16_t port, const char *protocol)
{
    size_t room = strlen(folder) + sizeof "/65535.txt";
    struct portlog *log = calloc(1, sizeof *log);

    if (log == NULL) {
        say("no memory for the log");
        return NULL;
    }
    log->protocol = protocol;
    log->path = malloc(room);
    if (log->path == NULL)
        return fail(log, folder);
    snprintf(log->path, room, "%s/%u.txt", folder, (unsigned)port);
    log->file = fopen(log->path, "a");
    return log->file == NULL ? fail(log, log->path) : log;
}

/* Sends on what was printed. */
static int commit(struct portlog *log)
{
    return fflush(log->file) == 0 && !ferror(log->file) ? 0 : complain(log);
}

static void print_lines(FILE *file, const struct reply *reply)
{
    char shown[REPLY_LIMIT * TEXT_ESCAPE_GROWTH];
    const char *line = reply->text, *end = reply->text + reply->length, *next;
    size_t length;

    for (; line < end; line = next) {
        next = (const char *)memchr(line, '\n', (size_t)(end - line)) + 1;
        length = (size_t)(next - 1 - line);
        if (length > 0 && line[length - 1] == '\r')
            length--;
        length = text_escape(shown, sizeof shown, line, length);
        fwrite(shown, 1, length, file);
        fputs("\r\n", file);
    }
}

static int record(struct portlog *log, const char *when, const struct reply *reply)
{
    fprintf(log->file, "CLIENTE%s%s - Recibo: ", log->protocol, when);
    print_lines(log->file, reply);
    fputc('\n', log->file);
    return commit(log);
}

int portlog_greeting(struct portlog *log, const struct reply *reply)
{
    return record(log, " antes while", reply);
}

int portlog_reply(struct portlog *log, const struct reply *reply)
{
    return record(log, "", reply);
}

int portlog_refused_recipient(struct portlog *log)
{
    fputs("NO VALIDO RCPT TO\n\n", log->file);
    return commit(log);
}

int portlog_done(struct portlog *log)
{
    char date[CLOCK_DATE_ROOM];

    fprintf(log->file, "All done at %s\n", clock_date(time(NULL), date));
    return commit(log);
}

int portlog_close(struct portlog *log)
{
    int status = fclose(log->file) == 0 ? 0 : complain(log);

    free(log->path);
    free(log);
    return status;
}
