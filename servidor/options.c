/* See options.h. Command line settings (-o) beat those of the file (-c), wherever they stand. */
#include "options.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "mail/filter.h"
#include "mail/maildir.h"
#include "net/text.h"
#include "net/version.h"
#include "settings.h"

enum { COMPLAINT_ROOM = 1024 };

/* The options, for getopt(3). */
#define OPTIONS "p:P:u:d:n:m:l:c:o:T:fqshv"

static void print_help(void)
{
    printf("Usage: servidor [-fqs] [-p PORT] [-P PORT] [-u SECRET] [-d DIALECT] [-n NAME]\n"
           "                [-m DIR] [-l DIR] [-c FILE] [-T 'PROGRAM ARGS'] [-o SETTING=VALUE]...\n"
           "Receives mail by SMTP over TCP and UDP, each session in a process of its own, and\n"
           "keeps it in Maildirs.\n\n"
           "  -p PORT     port of both transports, 0 for any that is free (2525)\n"
           "  -P PORT     port of the monitor, 0 for any that is free (2626)\n"
           "  -u SECRET   what the monitor asks for, 8 octets (secretpa: for this host alone)\n"
           "  -d DIALECT  language of the replies: usal or itba (usal)\n"
           "  -n NAME     name of this host in replies and mails (localhost)\n"
           "  -m DIR      folder of the mail, with a Maildir for each mailbox (mails)\n"
           "  -l DIR      folder of the logs (log)\n"
           "  -c FILE     settings, a line SETTING=VALUE each\n"
           "  -o SETTING=VALUE  one setting; may be repeated, and beats FILE\n"
           "  -T 'PROGRAM ARGS'  filter: reads each mail and writes what is kept of it\n"
           "  -f          stay in the foreground\n"
           "  -q          leave the text of mails out of the log\n"
           "  -s          one session on standard input and output, then end\n"
           "  -h          this help\n"
           "  -v          the version\n\n"
           "Settings and their defaults (SIGHUP: a running server takes a change of FILE):\n");
    settings_print(stdout);
}

/* One line on standard error, whatever stands in `thing` or `why`. */
static enum options_result complain(const char *thing, const char *why)
{
    char shown[COMPLAINT_ROOM * TEXT_ESCAPE_GROWTH], line[COMPLAINT_ROOM];
    int length = snprintf(line, sizeof line, "%s: %s", thing, why);
    size_t used;

    used = text_escape(shown, sizeof shown, line,
                       length < (int)sizeof line ? (size_t)length : sizeof line - 1);
    fprintf(stderr, "servidor: %.*s\n", (int)used, shown);
    return OPTIONS_BAD;
}

/* `value` is NULL for an option that has none. */
static enum options_result refuse(char option, const char *value, const char *way_out)
{
    char thing[80];

    snprintf(thing, sizeof thing, "-%c%s%.64s", option, value == NULL ? "" : " ",
             value == NULL ? "" : value);
    return complain(thing, way_out);
}

static enum options_result take_port(uint16_t *port, char option, const char *value)
{
    uint64_t number;

    if (!text_number(value, strlen(value), UINT16_MAX, &number))
        return refuse(option, value, "a port is 0 to 65535");
    *port = (uint16_t)number;
    return OPTIONS_RUN;
}

/* The secret is overwritten where it stands, so that ps(1) does not show it. */
static enum options_result take_secret(struct config *config, char *value)
{
    if (strlen(value) != MONITOR_SECRET)
        return refuse('u', NULL, "a secret has 8 octets");
    memcpy(config->monitor.secret, value, MONITOR_SECRET);
    memset(value, '*', MONITOR_SECRET);
    config->has_secret = true;
    return OPTIONS_RUN;
}

static enum options_result take_name(struct config *config, const char *value)
{
    size_t i, length = strlen(value);

    for (i = 0; i < length; i++)
        if (value[i] <= ' ' || value[i] > '~')
            return refuse('n', value, "a host name is one word of ASCII");
    if (length == 0 || length >= sizeof config->session.name)
        return refuse('n', value, "a host name has 1 to 255 octets");
    memcpy(config->session.name, value, length + 1);
    return OPTIONS_RUN;
}

static enum options_result take_mail_folder(struct config *config, const char *value)
{
    if (value[0] == '\0' || strlen(value) > MAILDIR_FOLDER_LIMIT)
        return refuse('m', value, "name a folder, with at most 3072 octets");
    config->mail.folder = value;
    return OPTIONS_RUN;
}

static enum options_result take_filter(struct config *config, const char *value)
{
    if (!filter_is_command(value))
        return refuse('T', value, "name a program and its arguments, with quotes in pairs");
    config->mail.filter = value;
    return OPTIONS_RUN;
}

static enum options_result take_dialect(struct config *config, const char *value)
{
    return dialect_find(value, &config->session.dialect)
               ? OPTIONS_RUN
               : refuse('d', value, "the dialects are usal and itba");
}

static enum options_result take_option(struct config *config, int option, char *value)
{
    switch (option) {
    case 'p':
        return take_port(&config->port, 'p', value);
    case 'P':
        return take_port(&config->monitor_port, 'P', value);
    case 'u':
        return take_secret(config, value);
    case 'd':
        return take_dialect(config, value);
    case 'n':
        return take_name(config, value);
    case 'm':
        return take_mail_folder(config, value);
    case 'T':
        return take_filter(config, value);
    case 'l':
        config->journal.folder = value;
        return OPTIONS_RUN;
    case 'c':
        config->settings_file = value;
        return OPTIONS_RUN;
    case 'f':
        config->is_foreground = true;
        return OPTIONS_RUN;
    case 'o':
    case 'q':
        return OPTIONS_RUN; /* when the file has been read */
    case 's':
        config->is_single = true;
        return OPTIONS_RUN;
    case 'h':
        print_help();
        return OPTIONS_DONE;
    case 'v':
        puts("servidor " VERSION);
        return OPTIONS_DONE;
    case ':':
        return refuse((char)optopt, NULL, "its value is missing: servidor -h lists the options");
    default:
        return refuse((char)optopt, NULL, "no such option: servidor -h lists the options");
    }
}

/* All options but the settings. */
static enum options_result take_options(struct config *config, int argc, char *const argv[])
{
    enum options_result result = OPTIONS_RUN;
    int option;

    optind = 1;
    while (result == OPTIONS_RUN && (option = getopt(argc, argv, ":" OPTIONS)) != -1)
        result = take_option(config, option, optarg);
    if (result == OPTIONS_RUN && optind < argc)
        return complain(argv[optind], "no operand is expected: servidor -h tells the usage");
    return result;
}

static enum options_result take_settings(struct config *config, int argc, char *const argv[])
{
    char why[SETTINGS_WHY_ROOM];
    int option;

    settings_defaults(config);
    if (config->settings_file != NULL && !settings_read(config, config->settings_file, why))
        return complain("-c", why);
    optind = 1;
    while ((option = getopt(argc, argv, ":" OPTIONS)) != -1)
        if ((option == 'o' && !settings_take(config, optarg, why)) ||
            (option == 'q' && !settings_take(config, "log-text=no", why)))
            return complain("-o", why);
    return OPTIONS_RUN;
}

enum options_result options_read(struct config *config, int argc, char *const argv[])
{
    enum options_result result;

    memset(config, 0, sizeof *config);
    config->port = 2525;
    config->monitor_port = 2626;
    memcpy(config->monitor.secret, MONITOR_DEFAULT_SECRET, MONITOR_SECRET);
    config->journal.folder = "log";
    config->mail.folder = "mails";
    config->session.mail = &config->mail;
    memcpy(config->session.name, "localhost", sizeof "localhost");
    result = take_options(config, argc, argv);
    return result == OPTIONS_RUN ? take_settings(config, argc, argv) : result;
}
