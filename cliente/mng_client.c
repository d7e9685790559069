/*
 * mng_client: asks a servidor what it is doing, by the monitoring protocol. This file reads the
 * command line and the secret; the question is in mng_ask.h, when to ask in mng_read.h, how
 * the answer looks in mng_print.h. See mng_client(1).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mng_ask.h"
#include "mng_command.h"
#include "mng_read.h"
#include "net/text.h"
#include "net/version.h"
#include "say.h"

#define VARIABLE "SERVIDOR_SECRET"

enum { EXIT_USAGE = 2, GO_ON = -1, LINE_ROOM = 256, OPERANDS = 4 };

struct options {
    struct mng_server server;
    struct mng_task task;
    const char *secret_file, *secret_variable; /* NULL where there is none */
};

static const char usage[] =
    "usage: mng_client [-1] [-w SECONDS] HOST SECRET PORT COMMAND\n"
    "       mng_client [-1] [-w SECONDS] [-s FILE] HOST PORT COMMAND\n"
    "       mng_client [-1] -o prometheus [-s FILE] HOST [SECRET] PORT\n"
    "       mng_client -h | -v\n"
    "\n"
    "Asks the servidor on HOST whose monitor has PORT, and prints the answer. SECRET has 8\n"
    "octets; without it and -s, it is that of the environment variable SERVIDOR_SECRET.\n"
    "COMMAND is a number, a name, \"all\", or NAME=VALUE for message-size,\n"
    "sessions-per-address and log-text.\n"
    "\n"
    "  -1             version 1 of the protocol: the secret does not travel\n"
    "  -o prometheus  all that can be read, for Prometheus\n"
    "  -s FILE        the secret is the first line of FILE\n"
    "  -w SECONDS     ask again each time after SECONDS, with rates, until SIGINT comes\n"
    "  -h             show this\n"
    "  -v             show the version\n"
    "\n";

static int show_usage(void)
{
    enum { COLUMNS = 3 };
    unsigned i;

    fputs(usage, stdout);
    for (i = 0; i < MONITOR_COMMANDS; i++)
        printf("%4u %-21s%s", i, monitor_name(i),
               i % COLUMNS == COLUMNS - 1 || i + 1 == MONITOR_COMMANDS ? "\n" : "");
    return say_flush();
}

static int show_version(void)
{
    puts("mng_client " VERSION);
    return say_flush();
}

/* --- the secret ------------------------------------------------------------------------------- */

/* Takes the secret from `text`, which comes from `source`. Returns GO_ON or an exit status. */
static int take_secret(struct options *options, const char *source, const char *text)
{
    size_t length = strlen(text);

    if (length != MONITOR_SECRET) {
        say("%s: a secret has exactly 8 octets, not %zu", source, length);
        return EXIT_USAGE;
    }
    memcpy(options->server.secret, text, MONITOR_SECRET);
    return GO_ON;
}

/* The first line of the file is the secret. */
static int read_secret(struct options *options)
{
    char line[LINE_ROOM] = "";
    FILE *file = fopen(options->secret_file, "r");
    bool is_read = file != NULL;

    if (is_read) {
        errno = 0;
        is_read = fgets(line, sizeof line, file) != NULL || !ferror(file);
    }
    if (!is_read)
        say("%s: %s", options->secret_file, strerror(errno));
    if (file != NULL)
        fclose(file);
    if (!is_read)
        return 1;
    line[strcspn(line, "\r\n")] = '\0';
    return take_secret(options, options->secret_file, line) == GO_ON ? GO_ON : 1;
}

/* --- the command line ------------------------------------------------------------------------- */

static int refuse(char letter, const char *value, const char *rule)
{
    say("-%c %s: %s", letter, value, rule);
    return EXIT_USAGE;
}

/* Reads "2" or "0.5" as milliseconds. False for anything but 0.1 to 86400 seconds. */
static bool read_period(const char *text, int64_t *ms)
{
    char *end;
    double seconds = strtod(text, &end);

    if (text[0] == '\0' || text[strspn(text, "0123456789.")] != '\0' || *end != '\0' ||
        !(seconds >= 0.1 && seconds <= 86400))
        return false;
    *ms = (int64_t)(seconds * 1000);
    return true;
}

/* Reads one option that getopt() found. Returns GO_ON or an exit status. */
static int read_option(struct options *options, int letter)
{
    switch (letter) {
    case '1':
        options->server.version = MONITOR_HASHED;
        return GO_ON;
    case 'o':
        if (strcmp(optarg, "prometheus") != 0)
            return refuse('o', optarg, "the other form of output is prometheus");
        options->task.is_metrics = true;
        return GO_ON;
    case 's':
        options->secret_file = optarg;
        return GO_ON;
    case 'w':
        if (!read_period(optarg, &options->task.period_ms))
            return refuse('w', optarg, "a period is 0.1 to 86400 seconds");
        return GO_ON;
    case 'h':
        return show_usage();
    case 'v':
        return show_version();
    case ':':
        say("-%c: its value is missing; mng_client -h shows the usage", optopt);
        return EXIT_USAGE;
    default:
        say("-%c: no such option; mng_client -h shows the usage", optopt);
        return EXIT_USAGE;
    }
}

static int read_port(struct options *options, const char *text)
{
    uint64_t number;

    if (!text_number(text, strlen(text), 65535, &number) || number == 0) {
        say("%s: a port is 1 to 65535", text);
        return EXIT_USAGE;
    }
    options->server.port = (uint16_t)number;
    return GO_ON;
}

/* Reads COMMAND, and says whether it can be done in the way that the options want. */
static int read_command(struct options *options, const char *text)
{
    struct mng_task *task = &options->task;
    const char *fault = mng_command_read(text, &task->command);

    if (fault == NULL && task->is_metrics && task->command != MNG_ALL)
        fault = "-o prometheus prints all that can be read; leave the command out";
    if (fault == NULL && task->period_ms != 0 && task->command != MNG_ALL &&
        monitor_kind((unsigned)task->command) == MONITOR_NOTHING)
        fault = "it sets something, and -w is for what can be read";
    if (fault == NULL)
        return GO_ON;
    say("%s: %s", text, fault);
    return EXIT_USAGE;
}

/* The secret of the command line is overwritten there, so that ps(1) does not show it. */
static int take_operand_secret(struct options *options, char *text)
{
    int status = take_secret(options, "SECRET", text);

    memset(text, '*', strlen(text));
    return status;
}

/* Are they as many as there must be, and is SECRET one of them? */
static int count_operands(const struct options *options, int count, char **operands,
                          bool *has_secret)
{
    static const char *const names[OPERANDS] = { "HOST", "SECRET", "PORT", "COMMAND" };

    *has_secret = count == OPERANDS ||
                  (options->secret_file == NULL && options->secret_variable == NULL);
    if (options->secret_file != NULL && *has_secret) {
        say("-s and SECRET: one of them; mng_client -h shows the usage");
        return EXIT_USAGE;
    }
    if (count > OPERANDS) {
        say("%s: one operand too many; mng_client -h shows the usage", operands[OPERANDS]);
        return EXIT_USAGE;
    }
    if (count >= OPERANDS - 1 + *has_secret)
        return GO_ON;
    say("%s is missing; mng_client -h shows the usage",
        names[count > 0 && !*has_secret ? count + 1 : count]);
    return EXIT_USAGE;
}

/* Takes the secret, `operand` being that of the command line or NULL. */
static int find_secret(struct options *options, char *operand)
{
    if (operand != NULL)
        return take_operand_secret(options, operand);
    if (options->secret_file != NULL)
        return read_secret(options);
    return take_secret(options, VARIABLE, options->secret_variable);
}

/* Reads HOST, SECRET, PORT and COMMAND. Returns GO_ON or an exit status. */
static int read_operands(struct options *options, int count, char **operands)
{
    static char all[] = "all";
    char *given[OPERANDS + 1] = { NULL };
    bool has_secret;
    int i, status;

    for (i = 0; i <= OPERANDS && i < count; i++)
        given[i] = operands[i];
    if (options->task.is_metrics && count > 0 && count < OPERANDS &&
        strcmp(given[count - 1], all) != 0)
        given[count++] = all;
    status = count_operands(options, count, given, &has_secret);
    if (status != GO_ON)
        return status;
    options->server.host = given[0];
    status = find_secret(options, has_secret ? given[1] : NULL);
    if (status == GO_ON)
        status = read_port(options, given[1 + has_secret]);
    return status == GO_ON ? read_command(options, given[2 + has_secret]) : status;
}

static int read_command_line(struct options *options, int argc, char **argv)
{
    int letter, status = GO_ON;

    opterr = 0;
    while (status == GO_ON && (letter = getopt(argc, argv, ":1o:s:w:hv")) != -1)
        status = read_option(options, letter);
    if (status == GO_ON && options->task.is_metrics && options->task.period_ms != 0)
        status = refuse('w', "and -o prometheus", "it is Prometheus that asks again");
    if (status == GO_ON)
        status = read_operands(options, argc - optind, argv + optind);
    return status;
}

int main(int argc, char **argv)
{
    struct options options = { .server.version = MONITOR_PLAIN };
    int status;

    say_as("mng_client");
    options.secret_variable = getenv(VARIABLE);
    status = read_command_line(&options, argc, argv);
    if (status != GO_ON)
        return status;
    return options.task.period_ms != 0 ? mng_watch(&options.server, &options.task)
                                       : mng_read(&options.server, &options.task);
}
