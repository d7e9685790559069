/* See filter.h. */
#include "mail/filter.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mail/filter_words.h"
#include "mail/message.h"
#include "net/text.h"
#include "net/wipe.h"
#include "watch/totals.h"
#include "watch/trouble.h"

/* Exit statuses that mean something; those of qmail's and of sysexits.h. */
enum { EXIT_KEEPS = 0, EXIT_DROPS = 99, EXIT_REFUSES = 100 };

/* What of the filter's standard error is passed on. */
enum { ERRORS_LINES = 5, ERRORS_ROOM = 1024 };

enum { PATH_ROOM = 4096, WHY_ROOM = 128, LINE_ROOM = ERRORS_ROOM * TEXT_ESCAPE_GROWTH + 64 };

static struct {
    void (*run)(const struct filter_job *job, struct filter_end *end);
    bool is_there;
    char path[PATH_ROOM];
    char words[FILTER_COMMAND_LIMIT + 1];
    char *arguments[FILTER_WORDS_LIMIT + 1];
    char recipients[FILTER_RECIPIENTS_LIMIT + 1];
} filter;

bool filter_is_command(const char *command)
{
    char words[FILTER_COMMAND_LIMIT + 1];
    size_t count;

    if (strlen(command) > FILTER_COMMAND_LIMIT)
        return false;
    count = filter_words_split(command, words);
    return count > 0 && count <= FILTER_WORDS_LIMIT && words[0] != '\0';
}

/* Can the file at filter.path be executed? */
static int try_path(void)
{
    struct stat status;

    if (stat(filter.path, &status) != 0 || access(filter.path, X_OK) != 0)
        return -1;
    errno = EACCES;
    return S_ISREG(status.st_mode) ? 0 : -1;
}

/* Looks in each folder of $PATH; an empty one is the current folder. */
static int find_program(const char *name)
{
    const char *folder = getenv("PATH");
    int error = ENOENT, used;
    size_t length;

    if (folder == NULL)
        folder = "/bin:/usr/bin";
    errno = ENOENT;
    for (;; folder += length + 1) {
        length = strcspn(folder, ":");
        used = snprintf(filter.path, sizeof filter.path, "%.*s%s%s", (int)length, folder,
                        length == 0 ? "" : "/", name);
        if (used < (int)sizeof filter.path && try_path() == 0)
            return 0;
        if (errno == EACCES)
            error = EACCES;
        if (folder[length] == '\0')
            break;
    }
    errno = error;
    return -1;
}

int filter_start(const char *command)
{
    char *word = filter.words;
    size_t count, i;

    if (command == NULL)
        return 0;
    count = filter_words_split(command, filter.words);
    for (i = 0; i < count; i++, word += strlen(word) + 1)
        filter.arguments[i] = word;
    filter.is_there = true;
    if (strchr(filter.words, '/') == NULL)
        return find_program(filter.words);
    snprintf(filter.path, sizeof filter.path, "%s", filter.words);
    return try_path();
}

const char *filter_program(void)
{
    return filter.words;
}

void filter_lend_runner(void (*run)(const struct filter_job *job, struct filter_end *end))
{
    filter.run = run;
}

bool filter_is_on(void)
{
    return filter.is_there && filter.run != NULL && !totals_filter_is_off();
}

/* As many recipients as have room, one a line. */
static const char *list_recipients(const struct envelope_list *list)
{
    const char *address = list->strings;
    size_t used = 0, length, i;

    for (i = 0; i < list->count; i++, address = envelope_next(address)) {
        length = strlen(address);
        if (used + (i > 0) + length > FILTER_RECIPIENTS_LIMIT)
            break;
        if (i > 0)
            filter.recipients[used++] = '\n';
        memcpy(filter.recipients + used, address, length);
        used += length;
    }
    filter.recipients[used] = '\0';
    return filter.recipients;
}

/* Opens a file without a name, for writing at [1] and for reading at [0]. */
static int open_errors(const struct filter_mail *mail, int ends[2])
{
    struct spool spool;
    int saved;

    if (maildir_create(&spool, mail->config->folder, mail->envelope->boxes.strings) != 0)
        return -1;
    ends[1] = spool.descriptor;
    ends[0] = maildir_reopen(&spool);
    saved = errno;
    maildir_remove(&spool);
    if (ends[0] < 0)
        close(ends[1]);
    errno = saved;
    return ends[0] < 0 ? -1 : 0;
}

/* One line on standard error, in one write. */
static void say(const char *id, const char *text, size_t length)
{
    char line[LINE_ROOM];
    size_t used = (size_t)snprintf(line, sizeof line, "servidor: filter of %s: ", id);

    used += text_escape(line + used, sizeof line - used - 1, text, length);
    line[used++] = '\n';
    while (write(STDERR_FILENO, line, used) < 0 && errno == EINTR)
        continue;
}

/* Passes on the first lines of the filter's standard error. */
static void say_errors(const char *id, int descriptor)
{
    char text[ERRORS_ROOM];
    ssize_t got = pread(descriptor, text, sizeof text, 0);
    const char *line = text, *end = text + (got > 0 ? got : 0), *line_end;
    int lines;

    for (lines = 0; line < end && lines < ERRORS_LINES; line = line_end + 1) {
        line_end = memchr(line, '\n', (size_t)(end - line));
        if (line_end == NULL)
            line_end = end;
        if (line_end > line) {
            say(id, line, (size_t)(line_end - line));
            lines++;
        }
    }
}

static void run_with(const struct filter_mail *mail, int input, const int errors[2],
                     struct filter_end *end)
{
    char client[PEER_TEXT_ROOM], count[24];
    const struct filter_variable variables[] = {
        { "SENDER", mail->envelope->sender },
        { "RECIPIENTS", list_recipients(&mail->envelope->recipients) },
        { "RECIPIENT_COUNT", count },
        { "CLIENT", peer_text(&mail->client, client) },
        { "QUEUE_ID", mail->id },
        { NULL, NULL },
    };
    /* An octet more, so that who ignores the limit is found out by it. */
    const struct filter_job job = { .path = filter.path,
                                    .arguments = filter.arguments,
                                    .variables = variables,
                                    .standard = { input, mail->output->descriptor, errors[1] },
                                    .file_octets = mail->trace_length + mail->size_limit + 1,
                                    .timeout_s = mail->config->filter_timeout_s };

    snprintf(count, sizeof count, "%zu", mail->envelope->recipients.count);
    filter.run(&job, end);
    say_errors(mail->id, errors[0]);
    wipe(filter.recipients, strlen(filter.recipients));
}

/* Opens what the filter needs beside its output, and runs it. */
static void run(const struct filter_mail *mail, struct filter_end *end)
{
    int errors[2], input = maildir_reopen(mail->input);

    end->how = FILTER_NOT_RUN;
    if (input >= 0 && open_errors(mail, errors) == 0) {
        run_with(mail, input, errors, end);
        close(errors[0]);
        close(errors[1]);
    } else {
        end->number = errno;
    }
    if (input >= 0)
        close(input);
}

/*
 * What is wrong with the head of the output, where the trace fields must still stand, and with what
 * follows them, which may be any line of the client's (see tac(1)); NULL: nothing.
 */
static const char *fault_of_head(const struct filter_mail *mail)
{
    char head[MESSAGE_TRACE_ROOM + 1];
    int descriptor = maildir_reopen(mail->output);
    size_t length = mail->trace_length;
    ssize_t got;

    if (descriptor < 0)
        return "its output cannot be seen";
    got = pread(descriptor, head, length + 1, 0);
    close(descriptor);
    if (got < (ssize_t)length || memcmp(head, mail->trace, length) != 0)
        return "it wrote over the trace fields";
    return got > (ssize_t)length && message_goes_on(head[length])
               ? "it wrote a line that goes on with the trace fields" : NULL;
}

/* What is wrong with the output of a filter that says all is well; NULL: nothing. */
static const char *fault_of_output(const struct filter_mail *mail)
{
    struct stat input, output;
    const char *fault;
    uint64_t size;

    if (stat(mail->input->path, &input) != 0 || fstat(mail->output->descriptor, &output) != 0)
        return "its output cannot be seen";
    fault = fault_of_head(mail);
    if (fault != NULL)
        return fault;
    size = (uint64_t)output.st_size - mail->trace_length;
    if (size > mail->size_limit)
        return "it wrote more than message-size";
    /* Mail must not vanish because a program that should print it does not. */
    return size == 0 && input.st_size > 0 ? "it wrote nothing" : NULL;
}

/* Writes how a filter has failed. */
static void describe(const struct filter_end *end, uint64_t timeout_s, char why[WHY_ROOM])
{
    switch (end->how) {
    case FILTER_EXITED:
        snprintf(why, WHY_ROOM, "exit status %d", end->number);
        break;
    case FILTER_KILLED:
        snprintf(why, WHY_ROOM, "signal %d", end->number);
        break;
    case FILTER_TIMED_OUT:
        snprintf(why, WHY_ROOM, "no end within %llu s", (unsigned long long)timeout_s);
        break;
    case FILTER_STOPPED:
        snprintf(why, WHY_ROOM, "the server stops");
        break;
    case FILTER_NOT_RUN:
        snprintf(why, WHY_ROOM, "it cannot be run: %s", strerror(end->number));
        break;
    }
}

static enum filter_verdict fail(const struct filter_mail *mail, const char *why)
{
    char text[2 * WHY_ROOM];
    int length = snprintf(text, sizeof text, "%s: mail is refused for now", why);

    totals_add(TOTAL_FILTER_FAILURES, 1);
    if (trouble_is_due(TROUBLE_FILTER))
        say(mail->id, text, (size_t)length);
    return FILTER_FAILS;
}

enum filter_verdict filter_run(const struct filter_mail *mail)
{
    struct filter_end end = { FILTER_NOT_RUN, 0 };
    char why[WHY_ROOM];
    const char *fault;

    totals_add(TOTAL_FILTER_RUNS, 1);
    run(mail, &end);
    if (end.how == FILTER_EXITED && end.number == EXIT_DROPS)
        return FILTER_DROPS;
    if (end.how == FILTER_EXITED && end.number == EXIT_REFUSES)
        return FILTER_REFUSES;
    if (end.how != FILTER_EXITED || end.number != EXIT_KEEPS) {
        describe(&end, mail->config->filter_timeout_s, why);
        return fail(mail, why);
    }
    fault = fault_of_output(mail);
    return fault == NULL ? FILTER_KEEPS : fail(mail, fault);
}
