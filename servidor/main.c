/*
 * servidor: the front door. Options become a config, everything that can fail is opened
 * while the user still looks, then the master takes over.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/master.h"
#include "core/pidfile.h"
#include "core/process.h"
#include "core/signals.h"
#include "core/worker.h"
#include "mail/maildir.h"
#include "net/socket.h"
#include "options.h"
#include "settings.h"
#include "watch/counters.h"

enum { EXIT_USAGE = 2, PATH_ROOM = 4096, PORT_TRIES = 20, PORT_PAUSE_MS = 100 };

static struct {
    int argc;
    char *const *argv;
    struct server server;
    char pid_path[PATH_ROOM];
    char errors_path[PATH_ROOM];
} program;

static int fail(const char *thing, const char *way_out)
{
    fprintf(stderr, "servidor: %s: %s: %s\n", thing, strerror(errno), way_out);
    return EXIT_FAILURE;
}

static enum socket_sharing udp_sharing(const struct config *config)
{
    return config->udp_ports.is_same ? SOCKET_SHARED : SOCKET_ALONE;
}

/*
 * Opens both sockets on `port`. Where the system chooses, UDP gets the number TCP got.
 * NULL, or the transport whose port is not to be had, with errno.
 */
static const char *open_ports(struct server *server, uint16_t port)
{
    int saved;

    server->listener = socket_listen(port);
    if (server->listener < 0)
        return "TCP";
    server->datagrams = socket_datagram(socket_port(server->listener),
                                        udp_sharing(&server->config));
    if (server->datagrams >= 0)
        return NULL;
    saved = errno;
    close(server->listener);
    errno = saved;
    return "UDP";
}

/*
 * How often a port in use is tried again. A number that the system chose for TCP may be taken
 * for UDP; and after a crash, of which a pid file tells, the workers of the dead master need
 * a moment to let its ports go.
 */
static int port_tries(uint16_t port)
{
    if (port == 0)
        return PORT_TRIES;
    return access(program.pid_path, F_OK) == 0 ? PORT_TRIES : 1;
}

static int open_sockets(struct server *server)
{
    const struct timespec pause = { .tv_nsec = PORT_PAUSE_MS * 1000000L };
    uint16_t port = server->config.port;
    int tries = port_tries(port);
    const char *missing;
    char thing[64];

    while ((missing = open_ports(server, port)) != NULL && errno == EADDRINUSE && --tries > 0)
        nanosleep(&pause, NULL);
    if (missing != NULL) {
        snprintf(thing, sizeof thing, "-p %u: %s port %u", port, missing, port);
        return fail(thing, "choose another with -p, or end what uses it");
    }
    if (!socket_is_dual(server->listener))
        fputs("servidor: this system has no IPv6: listening on IPv4 alone\n", stderr);
    server->config.port = socket_port(server->listener);
    return socket_record_pair(server->hellos) == 0 ? EXIT_SUCCESS
                                                   : fail("socketpair", "raise ulimit -n");
}

static int open_logs(const struct config *config)
{
    char path[JOURNAL_PATH_ROOM];

    if (journal_open(&config->journal, path) != 0)
        return fail(path, "choose a folder that can be written with -l");
    return EXIT_SUCCESS;
}

/* Sees to the mail folder before anybody may send. */
static int start_mail(const struct mail_config *config)
{
    if (maildir_start(config->folder) != 0)
        return fail(config->folder, "choose a folder that can be written with -m");
    return EXIT_SUCCESS;
}

static int start_counters(unsigned slots)
{
    return counters_start(slots) == 0 ? EXIT_SUCCESS
                                      : fail("shared memory", "lower workers-max, or mount /dev/shm");
}

static int say_running(pid_t holder)
{
    fprintf(stderr, "servidor: %s: already running as process %ld: "
                    "scripts/paraServidor.sh ends it\n",
            program.pid_path, (long)holder);
    return EXIT_FAILURE;
}

static int take_pidfile(void)
{
    if (pidfile_take(program.pid_path) == 0)
        return EXIT_SUCCESS;
    if (errno == EAGAIN || errno == EACCES) {
        pid_t holder = pidfile_holder(program.pid_path);

        if (holder > 0)
            return say_running(holder);
    }
    return fail(program.pid_path, "choose a folder that can be written with -l");
}

/* The lines that say which ports are open; given to the waiting parent, or printed here. */
static void say_ready(struct server *server)
{
    char said[128];

    snprintf(said, sizeof said, "Listening on TCP port %u\nListening on UDP port %u\n",
             server->config.port, server->config.port);
    if (server->parent >= 0) {
        process_ready(server->parent, said);
        server->parent = -1;
        return;
    }
    fputs(said, stdout);
    fflush(stdout);
}

static void reload(struct config *config)
{
    struct config fresh;

    if (!config->is_foreground)
        process_detach(program.errors_path);
    if (config->settings_file == NULL)
        return;
    if (options_read(&fresh, program.argc, program.argv) == OPTIONS_RUN)
        settings_change(config, &fresh);
    else
        fputs("servidor: the old settings stay\n", stderr);
}

/* The server itself: from here on it runs in the background, if it shall. */
static int run(struct server *server)
{
    if (!server->config.is_foreground)
        server->parent = process_background();
    if (take_pidfile() != EXIT_SUCCESS)
        return EXIT_FAILURE;
    if (!server->config.is_foreground)
        process_detach(program.errors_path);
    master_run();
    pidfile_leave(program.pid_path);
    return EXIT_SUCCESS;
}

static int serve(struct server *server)
{
    static const struct master_hooks hooks = { reload, say_ready };
    const struct config *config = &server->config;
    pid_t holder = pidfile_holder(program.pid_path);
    /* One worker more of each kind than sessions: the one that says that all are busy. */
    unsigned slots = (unsigned)(config->workers_max + config->udp_workers_max) + 2;

    if (holder > 0)
        return say_running(holder);
    if (start_counters(slots) != EXIT_SUCCESS || open_logs(config) != EXIT_SUCCESS ||
        start_mail(&config->mail) != EXIT_SUCCESS || open_sockets(server) != EXIT_SUCCESS)
        return EXIT_FAILURE;
    maildir_sweep(config->mail.folder);
    if (!config->mail.is_synced)
        fputs("servidor: sync=no: a power cut loses mail that was answered with 250\n", stderr);
    if (master_prepare(server, &hooks) != 0)
        return fail("pipes and tables",
                    "raise ulimit -n, hand over fewer descriptors, or lower workers-max");
    return run(server);
}

static int serve_single(struct server *server)
{
    if (start_counters(1) != EXIT_SUCCESS || open_logs(&server->config) != EXIT_SUCCESS ||
        start_mail(&server->config.mail) != EXIT_SUCCESS)
        return EXIT_FAILURE;
    worker_single(server);
    return EXIT_SUCCESS;
}

/* A program started without one of the standard descriptors would have a log or a port there. */
static void fill_standard_descriptors(void)
{
    int descriptor;

    do
        descriptor = open("/dev/null", O_RDWR);
    while (descriptor >= 0 && descriptor <= STDERR_FILENO);
    if (descriptor > STDERR_FILENO)
        close(descriptor);
}

int main(int argc, char *argv[])
{
    struct server *server = &program.server;
    enum options_result result;

    fill_standard_descriptors();
    signals_spare();
    result = options_read(&server->config, argc, argv);

    if (result != OPTIONS_RUN)
        return result == OPTIONS_DONE ? EXIT_SUCCESS : EXIT_USAGE;
    program.argc = argc;
    program.argv = argv;
    server->parent = server->listener = server->datagrams = -1;
    server->hellos[0] = server->hellos[1] = server->wake[0] = server->wake[1] = -1;
    server->lifeline[0] = server->lifeline[1] = -1;
    snprintf(program.pid_path, sizeof program.pid_path, "%s/servidor.pid",
             server->config.journal.folder);
    snprintf(program.errors_path, sizeof program.errors_path, "%s/errores.log",
             server->config.journal.folder);
    return server->config.is_single ? serve_single(server) : serve(server);
}
