/* See ports.h. */
#include "ports.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "net/socket.h"

/* How often a port in use is tried again, and the time between. */
enum { TRIES = 20, PAUSE_MS = 100 };

static const char *missing; /* what open_smtp() or open_monitor() did not get */

static int close_both(int one, int other)
{
    int saved = errno;

    if (one >= 0)
        close(one);
    if (other >= 0)
        close(other);
    errno = saved;
    return -1;
}

static enum socket_sharing sharing_of(const struct config *config)
{
    return config->udp_ports.is_same ? SOCKET_SHARED : SOCKET_ALONE;
}

/* Both transports on `port`. Where the system chooses, UDP gets the number TCP got. */
static int open_smtp(struct server *server, uint16_t port)
{
    missing = "TCP";
    server->listener = socket_listen(port);
    if (server->listener < 0)
        return -1;
    /* Whose number is not known has none that the other could have. */
    port = socket_port(server->listener);
    if (port == 0)
        return close_both(server->listener, -1);
    missing = "UDP";
    server->datagrams = socket_datagram(port, sharing_of(&server->config));
    return server->datagrams >= 0 ? 0 : close_both(server->listener, -1);
}

/* The monitor's first socket, which is the only one where a secret keeps others out. */
static int open_first_monitor(const struct config *config, uint16_t port)
{
    return config->has_secret ? socket_datagram(port, SOCKET_ALONE)
                              : socket_datagram_loopback(port, false);
}

/*
 * The monitor's port: for everybody who knows the secret or, since all know the default one,
 * for this host.
 */
static int open_monitor(struct server *server, uint16_t port)
{
    int *monitors = server->monitors;

    missing = "UDP";
    monitors[0] = open_first_monitor(&server->config, port);
    if (monitors[0] < 0)
        return -1;
    if (server->config.has_secret)
        return 0;
    port = socket_port(monitors[0]);
    if (port == 0)
        return close_both(monitors[0], -1);
    monitors[1] = socket_datagram_loopback(port, true);
    if (monitors[1] >= 0 || socket_lacks_ipv6(errno))
        return 0;
    return close_both(monitors[0], monitors[1]);
}

/* Opens what `open_all` opens at `port`, trying again where that makes sense. 0, or -1. */
static int open_patiently(struct server *server, uint16_t port, bool is_after_crash,
                          int (*open_all)(struct server *, uint16_t))
{
    const struct timespec pause = { .tv_nsec = PAUSE_MS * 1000000L };
    /* A number that the system chose for one socket may be taken for the other. */
    int tries = port == 0 || is_after_crash ? TRIES : 1;

    while (open_all(server, port) != 0) {
        if (errno != EADDRINUSE || --tries == 0)
            return -1;
        nanosleep(&pause, NULL);
    }
    return 0;
}

static int refuse(char option, uint16_t port)
{
    fprintf(stderr,
            "servidor: -%c %u: %s port %u: %s: choose another with -%c, or end what uses it\n",
            option, port, missing, port, strerror(errno), option);
    return -1;
}

int ports_open(struct server *server, bool is_after_crash)
{
    struct config *config = &server->config;

    if (open_patiently(server, config->port, is_after_crash, open_smtp) != 0)
        return refuse('p', config->port);
    if (open_patiently(server, config->monitor_port, is_after_crash, open_monitor) != 0)
        return refuse('P', config->monitor_port);
    if (!socket_is_dual(server->listener))
        fputs("servidor: this system has no IPv6: listening on IPv4 alone\n", stderr);
    config->port = socket_port(server->listener);
    config->monitor_port = socket_port(server->monitors[0]);
    if (config->port == 0 || config->monitor_port == 0) {
        fprintf(stderr, "servidor: getsockname: %s: the ports cannot be told\n", strerror(errno));
        return -1;
    }
    if (socket_record_pair(server->hellos) == 0)
        return 0;
    fprintf(stderr, "servidor: socketpair: %s: raise ulimit -n\n", strerror(errno));
    return -1;
}

/* A port of the running server. */
enum port { PORT_TCP, PORT_UDP, PORT_MONITOR, PORT_MONITOR_IPV6, PORTS };

/* Which are lost, and of which it was said that they cannot be had. */
static bool is_lost[PORTS], is_out_of_reach[PORTS];

static int open_again(const struct config *config, enum port which)
{
    switch (which) {
    case PORT_TCP:
        return socket_listen(config->port);
    case PORT_UDP:
        return socket_datagram(config->port, sharing_of(config));
    case PORT_MONITOR:
        return open_first_monitor(config, config->monitor_port);
    default:
        return socket_datagram_loopback(config->monitor_port, true);
    }
}

static void say_lost(const struct config *config, enum port which, const char *what)
{
    fprintf(stderr, "servidor: %s port %u%s %s\n", which == PORT_TCP ? "TCP" : "UDP",
            (unsigned)(which >= PORT_MONITOR ? config->monitor_port : config->port),
            which >= PORT_MONITOR ? " (monitor)" : "", what);
}

/* What is lost is let go first: until the children have done so too it may be taken. */
static void let_go(const struct config *config, enum port which, int *descriptor)
{
    close(*descriptor);
    *descriptor = -1;
    is_lost[which] = true;
    is_out_of_reach[which] = false;
    say_lost(config, which, "is lost: it is opened anew");
}

/* Tries to open it. True if that succeeded. */
static bool regain(const struct config *config, enum port which, int *descriptor)
{
    char why[128];

    *descriptor = open_again(config, which);
    is_lost[which] = *descriptor < 0;
    if (is_lost[which] && !is_out_of_reach[which]) {
        is_out_of_reach[which] = true;
        snprintf(why, sizeof why, "cannot be opened: %s: trying again and again", strerror(errno));
        say_lost(config, which, why);
    }
    return !is_lost[which];
}

bool ports_mend(struct server *server)
{
    int *all[PORTS] = { &server->listener, &server->datagrams, &server->monitors[0],
                        &server->monitors[1] };
    bool has_news = false;
    enum port which;

    for (which = 0; which < PORTS; which++)
        if (is_lost[which]) {
            has_news |= regain(&server->config, which, all[which]);
        } else if (*all[which] >= 0 && socket_is_dead(*all[which])) {
            let_go(&server->config, which, all[which]);
            has_news = true;
        }
    return has_news;
}
