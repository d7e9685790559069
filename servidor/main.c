/*
 * servidor: the front door. Options become a config, everything that can fail is opened
 * while the user still looks, then the master takes over.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/master.h"
#include "core/pidfile.h"
#include "core/privileges.h"
#include "core/process.h"
#include "core/signals.h"
#include "core/worker.h"
#include "grants.h"
#include "mail/filter.h"
#include "mail/maildir.h"
#include "net/file.h"
#include "options.h"
#include "ports.h"
#include "secret.h"
#include "settings.h"
#include "watch/counters.h"
#include "watch/totals.h"

enum { EXIT_USAGE = 2, PATH_ROOM = 4096 };

static struct {
    int argc;
    char *const *argv;
    struct server server;
    char pid_path[PATH_ROOM];
    char totals_path[PATH_ROOM];
    char errors_path[PATH_ROOM];
} program;

static int fail(const char *thing, const char *way_out)
{
    fprintf(stderr, "servidor: %s: %s: %s\n", thing, strerror(errno), way_out);
    return EXIT_FAILURE;
}

/* Whose secret counts: the one of -u, that of the file, or the default, which hides nothing. */
static int find_secret(struct config *config)
{
    unsigned char *secret = config->monitor.secret;

    if (!config->has_secret && config->secret_file[0] != '\0' &&
        !secret_read(config->secret_file, secret))
        return EXIT_FAILURE;
    config->has_secret = memcmp(secret, MONITOR_DEFAULT_SECRET, MONITOR_SECRET) != 0;
    return EXIT_SUCCESS;
}

/* Sees to the filter and the mail folder before anybody may send. */
static int start_mail(const struct mail_config *config)
{
    char thing[256];

    if (filter_start(config->filter) != 0) {
        snprintf(thing, sizeof thing, "-T: %.200s", filter_program());
        return fail(thing, "name a program that can be executed");
    }
    if (maildir_start(config->folder) != 0)
        return fail(config->folder, "choose a folder that can be written with -m");
    return EXIT_SUCCESS;
}

static int start_counters(unsigned slots)
{
    return counters_start(slots) == 0
               ? EXIT_SUCCESS
               : fail("shared memory", "lower workers-max, or mount /dev/shm");
}

static int open_logs_and_totals(const struct config *config)
{
    char path[JOURNAL_PATH_ROOM];

    if (journal_open(&config->journal, path) != 0)
        return fail(path, "choose a folder that can be written with -l");
    if (totals_start(program.totals_path) != 0)
        return fail("shared memory", "mount /dev/shm");
    signals_mend_memory(totals_mend);
    return EXIT_SUCCESS;
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
    char said[256];

    snprintf(said, sizeof said,
             "Listening on TCP port %u\nListening on UDP port %u\n"
             "Listening on UDP port %u (monitor)\n",
             server->config.port, server->config.port, server->config.monitor_port);
    if (server->parent >= 0) {
        process_ready(server->parent, said);
        server->parent = -1;
        return;
    }
    if (fputs(said, stdout) == EOF || fflush(stdout) == EOF)
        fprintf(stderr, "servidor: that it has started cannot be told: %s\n", strerror(errno));
}

static bool reload(struct config *config)
{
    struct config fresh;

    if (!config->is_foreground)
        process_detach(program.errors_path);
    if (config->settings_file == NULL)
        return false;
    if (options_read(&fresh, program.argc, program.argv) != OPTIONS_RUN) {
        fputs("servidor: the old settings stay\n", stderr);
        return false;
    }
    settings_change(config, &fresh);
    return true;
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

/* What an operator may not have meant. */
static void say_weaknesses(const struct config *config)
{
    if (!config->has_secret)
        fputs("servidor: the monitor has the default secret, and answers this host alone: "
              "-u or secret-file gives another\n",
              stderr);
    if (privileges_stay_roots())
        fputs("servidor: root has more rights than a server needs: -o user=NAME makes it another "
              "user\n",
              stderr);
    if (!config->mail.is_synced)
        fputs("servidor: sync=no: a power cut loses mail that was answered with 250\n", stderr);
}

/* The pid file as it is found while the root folder is still the system's. */
static const char *pid_path_outside(const char *root_folder)
{
    static char path[CONFIG_PATH_ROOM + PATH_ROOM];

    snprintf(path, sizeof path, "%s%s%s", root_folder, root_folder[0] == '\0' ? "" : "/",
             program.pid_path);
    return path;
}

/* All that takes the rights of who started the server, or what is outside of its root folder. */
static int prepare(struct server *server)
{
    static const struct master_hooks hooks = { reload, say_ready, ports_mend };
    static struct config defaults;
    const struct config *config = &server->config;
    const char *pid_path = pid_path_outside(config->chroot);
    pid_t holder = pidfile_holder(pid_path);
    /* One worker more of each kind than sessions: the one that says that all are busy. */
    unsigned slots = (unsigned)(config->workers_max + config->udp_workers_max) + 2;

    if (holder > 0)
        return say_running(holder);
    if (privileges_find(config) != 0)
        return EXIT_FAILURE;
    settings_defaults(&defaults);
    grants_check(config, &defaults);
    if (find_secret(&server->config) != EXIT_SUCCESS || start_counters(slots) != EXIT_SUCCESS ||
        ports_open(server, access(pid_path, F_OK) == 0) != 0)
        return EXIT_FAILURE;
    return master_prepare(server, &hooks) == 0
               ? EXIT_SUCCESS
               : fail("pipes and tables",
                      "raise ulimit -n, hand over fewer descriptors, or lower workers-max");
}

static int serve(struct server *server)
{
    const struct config *config = &server->config;

    if (prepare(server) != EXIT_SUCCESS || privileges_drop(config) != 0 ||
        open_logs_and_totals(config) != EXIT_SUCCESS || start_mail(&config->mail) != EXIT_SUCCESS)
        return EXIT_FAILURE;
    totals_bury();
    maildir_sweep(config->mail.folder);
    say_weaknesses(config);
    return run(server);
}

/* inetd gives the client's socket as standard error too: what is said there is not for him. */
static bool has_client_on_stderr(void)
{
    struct stat in, err;

    return fstat(STDIN_FILENO, &in) == 0 && fstat(STDERR_FILENO, &err) == 0 &&
           S_ISSOCK(in.st_mode) && file_is_same(&in, &err);
}

static int serve_single(struct server *server)
{
    const struct config *config = &server->config;
    bool is_seen = has_client_on_stderr();

    if (is_seen)
        process_hush(); /* the file is that of the user who is not there yet */
    if (privileges_find(config) != 0 || start_counters(1) != EXIT_SUCCESS ||
        privileges_drop(config) != 0)
        return EXIT_FAILURE;
    if (is_seen)
        process_complain_to(program.errors_path);
    if (open_logs_and_totals(config) != EXIT_SUCCESS ||
        start_mail(&config->mail) != EXIT_SUCCESS)
        return EXIT_FAILURE;
    worker_single(server);
    return EXIT_SUCCESS;
}

int main(int argc, char *argv[])
{
    struct server *server = &program.server;
    enum options_result result;

    process_start();
    signals_spare();
    tzset(); /* or each child would read the zone for itself */
    result = options_read(&server->config, argc, argv);

    if (result != OPTIONS_RUN)
        return result == OPTIONS_DONE ? EXIT_SUCCESS : EXIT_USAGE;
    program.argc = argc;
    program.argv = argv;
    server->parent = server->listener = server->datagrams = -1;
    server->monitors[0] = server->monitors[1] = -1;
    server->hellos[0] = server->hellos[1] = server->wake[0] = server->wake[1] = -1;
    server->lifeline[0] = server->lifeline[1] = -1;
    snprintf(program.pid_path, sizeof program.pid_path, "%s/servidor.pid",
             server->config.journal.folder);
    snprintf(program.totals_path, sizeof program.totals_path, "%s/contadores",
             server->config.journal.folder);
    snprintf(program.errors_path, sizeof program.errors_path, "%s/errores.log",
             server->config.journal.folder);
    return server->config.is_single ? serve_single(server) : serve(server);
}
