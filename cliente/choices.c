/* See choices.h. */
#include "choices.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "crew.h"
#include "load.h"
#include "net/segment.h"
#include "net/text.h"
#include "net/version.h"
#include "say.h"

enum { EXIT_USAGE = 2, GO_ON = CHOICES_GO_ON, RETRIES_LIMIT = 1000, WAIT_LIMIT_S = 86400 };

static const struct link_kind *const kinds[] = { &link_tcp, &link_numbered, NULL };

static const char usage[] =
    "usage: cliente [-p PORT] [-l DIR] [-t SECONDS] HOST TCP FILE\n"
    "       cliente [-1s] [-p PORT] [-l DIR] [-t SECONDS] [-w WINDOW] HOST UDP FILE\n"
    "       cliente -c [-p PORT] [-l DIR] [-r RETRIES] [-t SECONDS] HOST UDP FILE\n"
    "       cliente -n COUNT [-CP] [-H SECONDS] [-j PROCESSES] [-p PORT] [-t SECONDS]\n"
    "               HOST TCP|UDP FILE\n"
    "       cliente -h | -v\n"
    "\n"
    "Sends the SMTP orders in FILE, line by line, and keeps the replies in DIR/PORT.txt,\n"
    "PORT being the local port. With -n it does so COUNT times, keeps nothing, and measures.\n"
    "\n"
    "  -p PORT     port of the server (2525)\n"
    "  -l DIR      folder of the log (log)\n"
    "  -c          over UDP, the plain mode of the course: a line a datagram, and none numbered\n"
    "  -w WINDOW   over UDP, how many datagrams the server may have under way (16)\n"
    "  -1          over UDP, a line a datagram in the numbered mode too\n"
    "  -s          over UDP, show at the end how many datagrams it took\n"
    "  -t SECONDS  the whole wait for a reply (300);\n"
    "              with -c, the first wait (1), doubled at each retry up to 8\n"
    "  -r RETRIES  with -c, how often to repeat what is not answered (5)\n"
    "  -n COUNT    a load: so many sessions in all\n"
    "  -j PROCESSES  by so many processes, which begin at once (1)\n"
    "  -P          pipelining: what may be sent without waiting for replies is\n"
    "  -H SECONDS  all sessions are open at once, and held so long before their orders\n"
    "  -C          the report as CSV\n"
    "  -h          show this\n"
    "  -v          show the version\n";

static int show(const char *text)
{
    fputs(text, stdout);
    return say_flush();
}

/* Reads "2", "0.25" or ".5" as milliseconds from 1 on. Returns 0, or -1 for anything else. */
static int read_seconds(const char *text, int64_t *ms)
{
    static const uint64_t units[] = { 0, 100, 10, 1 };
    size_t whole = strcspn(text, "."), length = strlen(text);
    size_t digits = whole < length ? length - whole - 1 : 0;
    uint64_t seconds = 0, fraction = 0;

    if ((whole > 0 && !text_number(text, whole, WAIT_LIMIT_S, &seconds)) || digits > 3 ||
        (digits > 0 && !text_number(text + whole + 1, digits, 999, &fraction)))
        return -1;
    *ms = (int64_t)(seconds * 1000 + fraction * units[digits]);
    return *ms > 0 ? 0 : -1;
}

static int refuse(char letter, const char *value, const char *rule)
{
    say("-%c %s: %s", letter, value, rule);
    return EXIT_USAGE;
}

/* Reads an option that only UDP has. Returns GO_ON or an exit status. */
static int read_udp_option(struct choices *choices, int letter)
{
    uint64_t number;

    choices->is_plain = choices->is_plain || letter == 'c';
    choices->is_counting = choices->is_counting || letter == 's';
    if (letter == 's')
        choices->single = 's';
    choices->target.is_line_each = choices->target.is_line_each || letter == '1';
    if (letter != 'c')
        choices->numbered = (char)letter;
    if (letter != 'w')
        return GO_ON;
    if (!text_number(optarg, strlen(optarg), SEGMENT_WINDOW, &number) || number == 0)
        return refuse('w', optarg, "a window is 1 to 32 datagrams");
    choices->target.window = (unsigned)number;
    return GO_ON;
}

/* Reads an option that only a load has. Returns GO_ON or an exit status. */
static int read_load_option(struct choices *choices, int letter)
{
    choices->load = (char)letter;
    choices->is_csv = choices->is_csv || letter == 'C';
    choices->is_pipelined = choices->is_pipelined || letter == 'P';
    if (letter == 'j' && (!text_number(optarg, strlen(optarg), CREW_LIMIT, &choices->processes) ||
                          choices->processes == 0))
        return refuse('j', optarg, "processes are 1 to 10000");
    if (letter == 'H' && read_seconds(optarg, &choices->hold_ms) != 0)
        return refuse('H', optarg, "sessions are held 0.001 to 86400 seconds");
    return GO_ON;
}

/* Reads one option that getopt() found. Returns GO_ON or an exit status. */
static int read_option(struct choices *choices, int letter)
{
    uint64_t number;

    switch (letter) {
    case 'c':
    case 'w':
    case '1':
    case 's':
        return read_udp_option(choices, letter);
    case 'C':
    case 'H':
    case 'P':
    case 'j':
        return read_load_option(choices, letter);
    case 'n':
        if (!text_number(optarg, strlen(optarg), LOAD_COUNT_LIMIT, &choices->count) ||
            choices->count == 0)
            return refuse('n', optarg, "a load is 1 to 100000000 sessions");
        return GO_ON;
    case 'p':
        if (!text_number(optarg, strlen(optarg), 65535, &number) || number == 0)
            return refuse('p', optarg, "a port is 1 to 65535");
        choices->target.port = (uint16_t)number;
        return GO_ON;
    case 'r':
        if (!text_number(optarg, strlen(optarg), RETRIES_LIMIT, &number))
            return refuse('r', optarg, "retries are 0 to 1000");
        choices->target.retries = (unsigned)number;
        return GO_ON;
    case 't':
        if (read_seconds(optarg, &choices->target.wait_ms) != 0)
            return refuse('t', optarg, "a wait is 0.001 to 86400 seconds");
        return GO_ON;
    case 'l':
        choices->single = 'l';
        choices->folder = optarg;
        return GO_ON;
    case 'h':
        return show(usage);
    case 'v':
        return show("cliente " VERSION "\n");
    case ':':
        say("-%c: its value is missing; cliente -h shows the usage", optopt);
        return EXIT_USAGE;
    default:
        say("-%c: no such option; cliente -h shows the usage", optopt);
        return EXIT_USAGE;
    }
}

/* Reads HOST, the protocol and FILE. Returns GO_ON or an exit status. */
static int read_operands(struct choices *choices, int count, char **operands)
{
    static const char *const names[] = { "HOST", "TCP or UDP", "FILE" };
    const struct link_kind *const *kind;

    if (count < 3) {
        say("%s is missing; cliente -h shows the usage", names[count]);
        return EXIT_USAGE;
    }
    if (count > 3) {
        say("%s: one operand too many; cliente -h shows the usage", operands[3]);
        return EXIT_USAGE;
    }
    choices->target.host = operands[0];
    choices->file = operands[2];
    for (kind = kinds; *kind != NULL; kind++)
        if (text_is_word(operands[1], strlen(operands[1]), (*kind)->name))
            choices->kind = *kind;
    if (choices->kind != NULL)
        return GO_ON;
    say("%s: the protocol is TCP or UDP", operands[1]);
    return EXIT_USAGE;
}

/* Chooses the mode of UDP. Returns GO_ON or an exit status. */
static int choose_mode(struct choices *choices)
{
    if (choices->kind == &link_tcp && choices->is_plain) {
        say("-c: TCP has no plain mode; say UDP, or leave -c out");
        return EXIT_USAGE;
    }
    if (choices->is_plain)
        choices->kind = &link_plain;
    if (choices->numbered == 0 || choices->kind == &link_numbered)
        return GO_ON;
    say("-%c: only the numbered mode of UDP has it; %s", choices->numbered,
        choices->is_plain ? "leave -c out" : "say UDP");
    return EXIT_USAGE;
}

/* A load and a single dialogue have options of their own. Returns GO_ON or an exit status. */
static int choose_load(struct choices *choices)
{
    if (choices->count == 0 && choices->load != 0) {
        say("-%c: only a load has it; say with -n how many sessions", choices->load);
        return EXIT_USAGE;
    }
    if (choices->count > 0 && choices->single != 0) {
        say("-%c: a load %s; leave it or -n out", choices->single,
            choices->single == 'l' ? "keeps no log" : "shows no datagrams");
        return EXIT_USAGE;
    }
    if (choices->is_pipelined && choices->is_plain) {
        say("-P: the plain mode has no order of replies; leave -c or -P out");
        return EXIT_USAGE;
    }
    if (choices->processes > choices->count)
        choices->processes = choices->count;
    return GO_ON;
}

int choices_read(struct choices *choices, int argc, char **argv)
{
    int letter, status = GO_ON;

    *choices = (struct choices){ .target = { .port = 2525, .retries = 5, .window = 16 },
                                 .folder = "log",
                                 .processes = 1 };
    opterr = 0;
    while (status == GO_ON && (letter = getopt(argc, argv, ":1CH:Pcj:l:n:p:r:st:w:hv")) != -1)
        status = read_option(choices, letter);
    if (status == GO_ON)
        status = read_operands(choices, argc - optind, argv + optind);
    if (status == GO_ON)
        status = choose_mode(choices);
    if (status == GO_ON)
        status = choose_load(choices);
    if (status == GO_ON && choices->target.wait_ms == 0)
        choices->target.wait_ms = choices->kind->default_wait_ms;
    return status;
}
