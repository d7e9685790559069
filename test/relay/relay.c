/*
 * relay: a bad network between UDP clients and a server, which drops, doubles, delays and so
 * reorders datagrams as its seed says. This file reads the command line, begins and ends; what
 * happens to a datagram is in traffic.h, to whom it belongs in clients.h. See relay(1).
 */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "net/clock.h"
#include "net/socket.h"
#include "net/text.h"
#include "traffic.h"

enum { EXIT_USAGE = 2, GO_ON = -1, SPARE_DESCRIPTORS = 16 };

struct options {
    struct traffic_plan plan;
    uint16_t own_port;
    const char *host;
};

static const char usage[] =
    "usage: relay [-p PORT] [-s SEED] [-d PERCENT] [-D PERCENT] [-m MIN,MAX] [-v] [-h]\n"
    "             HOST PORT\n"
    "\n"
    "Relays UDP datagrams to PORT of HOST and back, as badly as it is told to, and prints the\n"
    "port that it listens on. At SIGTERM or SIGINT it prints what it did, and ends.\n"
    "\n"
    "  -p PORT     its own port; 0, the default, is one that the system chooses\n"
    "  -s SEED     of its chance, 0 to 18446744073709551615 (made of the time)\n"
    "  -d PERCENT  how many datagrams it drops (0)\n"
    "  -D PERCENT  how many of the others it doubles (0)\n"
    "  -m MIN,MAX  how many milliseconds it holds each copy (0,0)\n"
    "  -v          a line on standard error for each datagram\n"
    "  -h          show this\n";

static void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void complain(const char *format, ...)
{
    va_list values;

    va_start(values, format);
    fputs("relay: ", stderr);
    vfprintf(stderr, format, values);
    fputc('\n', stderr);
    va_end(values);
}

/* Sends on what was printed. Returns 0, or 1 after saying why it could not. */
static int flush(void)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return 0;
    complain("standard output: %s", strerror(errno));
    return 1;
}

/* --- the command line ------------------------------------------------------------------------- */

static int refuse(int letter, const char *rule)
{
    complain("-%c %s: %s", letter, optarg, rule);
    return EXIT_USAGE;
}

static bool read_number(const char *text, uint64_t limit, uint64_t *number)
{
    return text_number(text, strlen(text), limit, number);
}

static bool read_percent(unsigned *percent)
{
    uint64_t number;

    if (!read_number(optarg, 100, &number))
        return false;
    *percent = (unsigned)number;
    return true;
}

/* Reads "10,200". */
static bool read_delays(struct fate_odds *odds)
{
    size_t first = strcspn(optarg, ",");
    uint64_t least, most;

    if (optarg[first] != ',' || !text_number(optarg, first, TRAFFIC_DELAY_LIMIT_MS, &least) ||
        !read_number(optarg + first + 1, TRAFFIC_DELAY_LIMIT_MS, &most) || least > most)
        return false;
    odds->least_ms = (unsigned)least;
    odds->most_ms = (unsigned)most;
    return true;
}

/* Reads one option that getopt() found. Returns GO_ON or an exit status. */
static int read_option(struct options *options, int letter)
{
    static const char a_percentage[] = "a percentage is 0 to 100";
    struct fate_odds *odds = &options->plan.odds;
    uint64_t number;

    switch (letter) {
    case 'p':
        if (!read_number(optarg, UINT16_MAX, &number))
            return refuse(letter, "a port is 1 to 65535, or 0 for any");
        options->own_port = (uint16_t)number;
        return GO_ON;
    case 's':
        return read_number(optarg, UINT64_MAX, &options->plan.seed)
                   ? GO_ON : refuse(letter, "a seed is 0 to 18446744073709551615");
    case 'd':
        return read_percent(&odds->drop_percent) ? GO_ON : refuse(letter, a_percentage);
    case 'D':
        return read_percent(&odds->double_percent) ? GO_ON : refuse(letter, a_percentage);
    case 'm':
        return read_delays(odds)
                   ? GO_ON : refuse(letter, "two numbers of 0 to 60000 ms, as in 10,200");
    case 'v':
        options->plan.is_verbose = true;
        return GO_ON;
    case 'h':
        fputs(usage, stdout);
        return flush();
    case ':':
        complain("-%c: its value is missing; relay -h shows the usage", optopt);
        return EXIT_USAGE;
    default:
        complain("-%c: no such option; relay -h shows the usage", optopt);
        return EXIT_USAGE;
    }
}

static int read_operands(struct options *options, int count, char **operands)
{
    static const char *const names[] = { "HOST", "PORT" };
    uint64_t port;

    if (count < 2) {
        complain("%s is missing; relay -h shows the usage", names[count]);
        return EXIT_USAGE;
    }
    if (count > 2) {
        complain("%s: one operand too many; relay -h shows the usage", operands[2]);
        return EXIT_USAGE;
    }
    if (!read_number(operands[1], UINT16_MAX, &port) || port == 0) {
        complain("%s: a port is 1 to 65535", operands[1]);
        return EXIT_USAGE;
    }
    options->host = operands[0];
    options->plan.server.port = (uint16_t)port;
    return GO_ON;
}

static int read_command_line(struct options *options, int argc, char **argv)
{
    int letter, status = GO_ON;

    opterr = 0;
    while (status == GO_ON && (letter = getopt(argc, argv, ":p:s:d:D:m:vh")) != -1)
        status = read_option(options, letter);
    return status == GO_ON ? read_operands(options, argc - optind, argv + optind) : status;
}

/* --- beginning and ending --------------------------------------------------------------------- */

/* Can a datagram be sent there, as far as this machine knows? */
static bool is_reachable(const struct peer *peer)
{
    int socket = socket_for_peer(peer, 0, 0, SOCKET_ALONE);

    return socket != -1 && close(socket) == 0;
}

/* The first address of the host that can be reached. */
static int find_server(struct options *options)
{
    struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_DGRAM }, *all, *one;
    struct peer *server = &options->plan.server;
    uint16_t port = server->port;
    int error = getaddrinfo(options->host, NULL, &hints, &all);
    bool is_found = false;

    if (error != 0) {
        complain("%s: %s", options->host,
                 error == EAI_SYSTEM ? strerror(errno) : gai_strerror(error));
        return -1;
    }
    for (one = all; one != NULL && !is_found; one = one->ai_next) {
        peer_from_sockaddr(server, one->ai_addr);
        server->port = port;
        is_found = is_reachable(server);
    }
    freeaddrinfo(all);
    if (!is_found)
        complain("%s: it has no address that can be reached", options->host);
    return is_found ? 0 : -1;
}

static int bell[2]; /* a signal writes into it, the loop looks at it */

static void ring(int number)
{
    int saved = errno;
    ssize_t written = write(bell[1], "", 1);

    (void)number;
    (void)written; /* full: the bell has been rung */
    errno = saved;
}

static int listen_for_signals(void)
{
    struct sigaction action = { .sa_handler = ring };

    if (pipe(bell) != 0 || fcntl(bell[1], F_SETFL, O_NONBLOCK) != 0) {
        complain("cannot make a pipe: %s", strerror(errno));
        return -1;
    }
    sigemptyset(&action.sa_mask);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    action.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &action, NULL);
    return 0;
}

/* Asks for the descriptors that the clients may need; with fewer there are fewer clients. */
static void raise_limit(void)
{
    const rlim_t wanted = CLIENTS_SOCKETS + SPARE_DESCRIPTORS;
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted)
        return;
    limit.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
    setrlimit(RLIMIT_NOFILE, &limit);
}

/* Returns the relay's own socket, ready and announced, or -1 after saying why there is none. */
static int open_front(const struct options *options)
{
    int front = socket_datagram(options->own_port, SOCKET_ALONE);

    if (front == -1) {
        complain("UDP port %u: %s", (unsigned)options->own_port, strerror(errno));
        return -1;
    }
    printf("Listening on UDP port %u\nSeed %llu\n", (unsigned)socket_port(front),
           (unsigned long long)options->plan.seed);
    return flush() == 0 ? front : -1;
}

static void show_total(const char *way, const struct traffic_total *total)
{
    printf("%s: %llu came, %llu dropped, %llu doubled, %llu sent, %llu unsent\n", way,
           (unsigned long long)total->came, (unsigned long long)total->dropped,
           (unsigned long long)total->doubled, (unsigned long long)total->sent,
           (unsigned long long)total->unsent);
}

int main(int argc, char **argv)
{
    static struct traffic traffic;
    struct options options = { .plan.seed = (uint64_t)time(NULL) };
    int status = read_command_line(&options, argc, argv), front;

    if (status != GO_ON)
        return status;
    raise_limit();
    if (find_server(&options) != 0 || listen_for_signals() != 0 ||
        (front = open_front(&options)) == -1)
        return 1;
    traffic_begin(&traffic, &options.plan, front);
    if (traffic_run(&traffic, bell[0]) != 0) {
        complain("poll: %s", strerror(errno));
        return 1;
    }
    show_total("client to server", &traffic.totals[TO_SERVER]);
    show_total("server to client", &traffic.totals[TO_CLIENT]);
    return flush();
}
