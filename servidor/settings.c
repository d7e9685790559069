/* See settings.h. */
#include "settings.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "net/text.h"
#include "smtp/address.h"

/* No limit on processes, memory or days makes sense above this. */
#define MANY UINT64_C(1000000)
#define GIB (UINT64_C(1) << 30)

struct setting {
    const char *name;
    const char *initial;
    bool (*parse)(const struct setting *setting, const char *value, void *field);
    size_t offset, size; /* of the field in struct config */
    uint64_t low, high;  /* of a number */
    const char *words;   /* of a choice, each ending in a blank; the field is their index */
    bool is_live;        /* a running server can change it */
    const char *help;
};

static bool parse_number(const struct setting *setting, const char *value, void *field)
{
    uint64_t number;

    if (!text_number(value, strlen(value), setting->high, &number) || number < setting->low)
        return false;
    memcpy(field, &number, sizeof number);
    return true;
}

static bool parse_choice(const struct setting *setting, const char *value, void *field)
{
    const char *word = setting->words;
    size_t length;
    uint64_t index;

    for (index = 0; *word != '\0'; index++, word += length + 1) {
        length = strcspn(word, " ");
        if (strlen(value) == length && memcmp(word, value, length) == 0) {
            memcpy(field, &index, sizeof index);
            return true;
        }
    }
    return false;
}

/* ephemeral, same or LO-HI. */
static bool parse_udp_ports(const struct setting *setting, const char *value, void *field)
{
    const char *hyphen = strchr(value, '-');
    struct udp_ports ports;
    uint64_t low, high;

    (void)setting;
    memset(&ports, 0, sizeof ports); /* what pads it is compared as well */
    if (strcmp(value, "same") == 0) {
        ports.is_same = true;
    } else if (strcmp(value, "ephemeral") != 0) {
        if (hyphen == NULL || !text_number(value, (size_t)(hyphen - value), UINT16_MAX, &low) ||
            !text_number(hyphen + 1, strlen(hyphen + 1), UINT16_MAX, &high) || low == 0 ||
            high < low)
            return false;
        ports.low = (uint16_t)low;
        ports.high = (uint16_t)high;
    }
    memcpy(field, &ports, sizeof ports);
    return true;
}

/* A name, kept whole. */
static bool parse_name(const struct setting *setting, const char *value, void *field)
{
    size_t length = strlen(value);

    if (length >= setting->size)
        return false;
    memset(field, 0, setting->size); /* what is behind it is compared as well */
    memcpy(field, value, length);
    return true;
}

/* Adds a domain to a list of words, each with a blank behind it; nothing empties the list. */
static bool parse_domain(const struct setting *setting, const char *value, void *field)
{
    size_t length = strlen(value), used = strlen(field);
    char *list = field;

    if (length == 0) {
        list[0] = '\0';
        return true;
    }
    if (!address_is_domain(value, length) || length + 2 > setting->size - used)
        return false;
    memcpy(list + used, value, length);
    list[used + length] = ' ';
    list[used + length + 1] = '\0';
    return true;
}

#define FIELD(name) offsetof(struct config, name), sizeof((struct config *)0)->name
#define NUMBER(name, low, high) parse_number, FIELD(name), low, high, NULL
#define CHOICE(name, words) parse_choice, FIELD(name), 0, 0, words

static const struct setting table[] = {
    /* clang-format off */
    { "sessions-per-worker", "100", NUMBER(sessions_per_worker, 1, GIB), true,
      "sessions a worker process has before a new one takes its place" },
    { "workers-min", "8", NUMBER(workers_min, 1, MANY), false,
      "workers of each transport that wait when nothing happens, if it may have as many" },
    { "workers-max", "12000", NUMBER(workers_max, 1, MANY), false,
      "sessions over TCP at once; further ones are told 421" },
    { "udp-workers-max", "4096", NUMBER(udp_workers_max, 4, MANY), false,
      "sessions over UDP at once; a quarter of them in plain mode" },
    { "message-size", "10240000", NUMBER(session.message_size, 65536, GIB), true,
      "octets in a message" },
    { "recipients", "1000", NUMBER(session.recipients, 1, MANY), true,
      "recipients of a message" },
    { "errors", "20", NUMBER(session.errors, 1, MANY), true,
      "refused commands in a session; the last one ends it with 421" },
    { "command-line", "2048", NUMBER(session.command_line, 512, LINE_ROOM), true,
      "octets in a command line, its line end included" },
    { "read-timeout", "300", NUMBER(session.read_timeout_s, 1, MANY), true,
      "seconds a client may be silent, or leave replies unread" },
    { "session-timeout", "3600", NUMBER(session.session_timeout_s, 1, MANY), true,
      "seconds a session may last" },
    { "sessions-per-address", "50", NUMBER(sessions_per_address, 1, MANY), true,
      "sessions at once from one address, over each transport; loopback apart" },
    { "drain-timeout", "30", NUMBER(drain_timeout_s, 0, MANY), true,
      "seconds that sessions have to end after SIGTERM" },
    { "log-text", "yes", CHOICE(journal.has_text, "no yes "), true,
      "whether the lines of mails' texts are in peticiones.log: yes or no (as -q says)" },
    { "secret-file", "", parse_name, FIELD(secret_file), 0, 0, NULL, false,
      "file that has the monitor's secret of 8 octets in its first line" },
    { "monitor-plain", "yes", CHOICE(monitor.takes_plain, "no yes "), true,
      "whether the monitor takes version 0, which carries the secret: yes or no" },
    { "resolve", "no", CHOICE(asks_dns, "no yes "), true,
      "ask the DNS for the names of clients in logs and mails: no or yes" },
    { "sync", "yes", CHOICE(mail.is_synced, "no yes "), true,
      "whether a 250 means that the mail is on disk: yes or no" },
    { "bare-lf", "normalize", CHOICE(session.rejects_bare, "normalize reject "), true,
      "a CR or LF that stands alone: normalize (an LF ends a line) or reject" },
    { "domain", "", parse_domain, FIELD(mail.domains), 0, 0, NULL, true,
      "a domain whose mail is taken (may be repeated, 4096 octets in all); none: all are" },
    { "known-mailboxes", "no", CHOICE(mail.knows_mailboxes, "no yes "), true,
      "whether mail is taken only for mailboxes that exist: no or yes" },
    { "plus-tag", "no", CHOICE(mail.has_tags, "no yes "), true,
      "whether user+tag is the mailbox user: no or yes" },
    { "filter-timeout", "30", NUMBER(mail.filter_timeout_s, 1, 3600), true,
      "seconds that the filter (-T) may take for a mail" },
    { "udp-port", "ephemeral", parse_udp_ports, FIELD(udp_ports), 0, 0, NULL, false,
      "port of a UDP session: ephemeral, same (the well-known one) or LO-HI" },
    { "udp-plain", "trusted", CHOICE(udp_plain, "trusted any off "), true,
      "plain mode over UDP for trusted (loopback, private), any or off" },
    { "user", "", parse_name, FIELD(user), 0, 0, NULL, false,
      "user that the server becomes when root has started it and it has its ports" },
    { "chroot", "", parse_name, FIELD(chroot), 0, 0, NULL, false,
      "folder that is the root folder of that user's server" },
    /* clang-format on */
};

#undef NUMBER
#undef CHOICE

enum { ROWS = sizeof table / sizeof table[0] };

static void *field_of(struct config *config, const struct setting *setting)
{
    return (char *)config + setting->offset;
}

void settings_defaults(struct config *config)
{
    size_t i;

    for (i = 0; i < ROWS; i++)
        table[i].parse(&table[i], table[i].initial, field_of(config, &table[i]));
}

static bool refuse_name(const char *name, size_t length, char why[SETTINGS_WHY_ROOM])
{
    snprintf(why, SETTINGS_WHY_ROOM, "%.*s: no such setting: servidor -h lists them",
             (int)(length < 64 ? length : 64), name);
    return false;
}

static bool refuse_value(const struct setting *setting, const char *value,
                         char why[SETTINGS_WHY_ROOM])
{
    if (setting->parse == parse_number)
        snprintf(why, SETTINGS_WHY_ROOM, "%s=%.64s: a number from %" PRIu64 " to %" PRIu64 " is wanted",
                 setting->name, value, setting->low, setting->high);
    else
        snprintf(why, SETTINGS_WHY_ROOM, "%s=%.64s: %s", setting->name, value, setting->help);
    return false;
}

bool settings_take(struct config *config, const char *assignment, char why[SETTINGS_WHY_ROOM])
{
    size_t length = strcspn(assignment, "="), i;
    const char *value = assignment + length + 1;

    if (length == 0 || assignment[length] == '\0') {
        snprintf(why, SETTINGS_WHY_ROOM, "%.64s: NAME=VALUE is wanted", assignment);
        return false;
    }
    for (i = 0; i < ROWS; i++)
        if (strlen(table[i].name) == length && memcmp(table[i].name, assignment, length) == 0)
            return table[i].parse(&table[i], value, field_of(config, &table[i])) ||
                   refuse_value(&table[i], value, why);
    return refuse_name(assignment, length, why);
}

/* Takes blanks around the name and the value, and a comment, out of a line. In place. */
static char *tidy(char *line)
{
    char *to = line, *from, *end;

    line[strcspn(line, "#\r\n")] = '\0';
    line += strspn(line, " \t");
    end = line + strlen(line);
    while (end > line && (end[-1] == ' ' || end[-1] == '\t'))
        end--;
    *end = '\0';
    to = from = line + strcspn(line, "=");
    while (to > line && (to[-1] == ' ' || to[-1] == '\t'))
        to--;
    if (*from != '=')
        return line;
    *to++ = '=';
    from += 1 + strspn(from + 1, " \t");
    memmove(to, from, strlen(from) + 1);
    return line;
}

static bool read_lines(struct config *config, FILE *file, const char *path,
                       char why[SETTINGS_WHY_ROOM])
{
    char *line = NULL, reason[SETTINGS_WHY_ROOM], *assignment;
    size_t room = 0;
    unsigned number = 0;
    bool is_good = true;

    while (is_good && getline(&line, &room, file) >= 0) {
        number++;
        assignment = tidy(line);
        is_good = *assignment == '\0' || settings_take(config, assignment, reason);
    }
    if (!is_good)
        snprintf(why, SETTINGS_WHY_ROOM, "%.128s: line %u: %.256s", path, number, reason);
    free(line);
    return is_good;
}

bool settings_read(struct config *config, const char *path, char why[SETTINGS_WHY_ROOM])
{
    FILE *file = fopen(path, "r");
    bool is_good;

    if (file == NULL) {
        snprintf(why, SETTINGS_WHY_ROOM, "%.256s: %s: name a file that can be read", path,
                 strerror(errno));
        return false;
    }
    is_good = read_lines(config, file, path, why);
    if (is_good && ferror(file)) {
        snprintf(why, SETTINGS_WHY_ROOM, "%.256s: %s: name a file that can be read", path,
                 strerror(errno));
        is_good = false;
    }
    fclose(file);
    return is_good;
}

void settings_change(struct config *running, const struct config *fresh)
{
    size_t i;

    for (i = 0; i < ROWS; i++) {
        char *old = field_of(running, &table[i]);
        const char *new = (const char *)fresh + table[i].offset;

        if (table[i].is_live)
            memcpy(old, new, table[i].size);
        else if (memcmp(old, new, table[i].size) != 0)
            fprintf(stderr, "servidor: %s: a change counts from the next start on\n",
                    table[i].name);
    }
}

void settings_print(FILE *out)
{
    size_t i;

    for (i = 0; i < ROWS; i++) {
        int width = (int)strlen(table[i].name) + 1 + (int)strlen(table[i].initial);

        fprintf(out, "  %s=%s%*s%s%s\n", table[i].name, table[i].initial,
                width < 30 ? 30 - width : 1, "", table[i].help,
                table[i].is_live ? " (SIGHUP)" : "");
    }
}
