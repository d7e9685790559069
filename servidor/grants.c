/* See grants.h. */
#include "grants.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "core/config.h"
#include "core/privileges.h"
#include "net/text.h"

enum {
    SERVANTS = 3,          /* the master and its two servants are processes too */
    DESCRIPTORS_LEAST = 64 /* a process has about twenty, those that it was started with apart */
};

/* A number of the kernel that stands in a file of its own; UINT64_MAX where there is none. */
static uint64_t read_number(const char *path)
{
    FILE *file = fopen(path, "r");
    char line[32] = "";
    uint64_t number;

    if (file == NULL)
        return UINT64_MAX;
    if (fgets(line, sizeof line, file) == NULL ||
        !text_number(line, strspn(line, "0123456789"), UINT64_MAX - 1, &number))
        number = UINT64_MAX;
    fclose(file);
    return number;
}

static void say_processes(const struct config *config, uint64_t granted, const char *whose,
                          const char *way_out)
{
    fprintf(stderr, "servidor: workers-max=%" PRIu64 " and udp-workers-max=%" PRIu64
                    ": %s may have %" PRIu64 " processes: %s\n",
            config->workers_max, config->udp_workers_max, whose, granted, way_out);
}

static void check_processes(const struct config *config)
{
    uint64_t wanted = config->workers_max + config->udp_workers_max + SERVANTS;
    uint64_t pids = read_number("/proc/sys/kernel/pid_max");
    uint64_t threads = read_number("/proc/sys/kernel/threads-max");
    long own = sysconf(_SC_CHILD_MAX);

    /* Root's processes are not counted. */
    if (own >= 0 && (uint64_t)own < wanted && !privileges_stay_roots())
        say_processes(config, (uint64_t)own, "this user", "raise ulimit -u");
    if (pids < wanted)
        say_processes(config, pids, "the system", "raise sysctl kernel.pid_max");
    if (threads < wanted)
        say_processes(config, threads, "the system", "raise sysctl kernel.threads-max");
}

static void check_descriptors(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < DESCRIPTORS_LEAST)
        fprintf(stderr, "servidor: %" PRIu64 " descriptors are few for a process: "
                        "raise ulimit -n to %d or more\n",
                (uint64_t)limit.rlim_cur, (int)DESCRIPTORS_LEAST);
}

static void check_backlog(const struct config *config)
{
    uint64_t backlog = read_number("/proc/sys/net/core/somaxconn");

    if (backlog < config->workers_max)
        fprintf(stderr, "servidor: workers-max=%" PRIu64 ": %" PRIu64 " connections can wait "
                        "for a worker at once: raise sysctl net.core.somaxconn\n",
                config->workers_max, backlog);
}

void grants_check(const struct config *config, const struct config *defaults)
{
    check_processes(config);
    check_descriptors();
    if (config->workers_max != defaults->workers_max)
        check_backlog(config);
}
