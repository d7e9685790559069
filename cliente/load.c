/* See load.h. */
#include "load.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "crew.h"
#include "hold.h"
#include "link.h"
#include "net/clock.h"
#include "report.h"
#include "say.h"

enum {
    SPARE_DESCRIPTORS = 16, /* beside those of sessions */
    PROGRESS_US = 200000
};

/* How many sessions a process has to have: the first ones have what does not divide. */
static uint64_t share_of(const struct load *load, size_t number)
{
    return load->count / load->processes + (number < load->count % load->processes);
}

/* --- in a child --- */

static void have_one(struct crew_child *child, const struct drive_way *way)
{
    struct drive drive;

    if (drive_begin(&drive, way, &child->tally) && drive_greet(&drive, &child->tally))
        drive_go(&drive, way, &child->tally);
}

static void work(struct crew_child *child, const void *context)
{
    const struct load *load = context;
    uint64_t left = share_of(load, child->number);

    say_nothing();
    if (load->hold_ms > 0) {
        hold_run(child, &load->way, left);
        return;
    }
    for (; left > 0 && !link_has_given_up(); left--) {
        have_one(child, &load->way);
        crew_report(child);
    }
}

/* --- in the parent --- */

/* Each process may open as many sessions at the same time as it has to hold. Says if not. */
static bool has_descriptors(const struct load *load)
{
    rlim_t need = (rlim_t)share_of(load, 0) + SPARE_DESCRIPTORS;
    struct rlimit limit;

    if (load->hold_ms == 0 || getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= need)
        return true;
    if (limit.rlim_max >= need) {
        limit.rlim_cur = need;
        if (setrlimit(RLIMIT_NOFILE, &limit) == 0)
            return true;
    }
    say("to hold %llu sessions a process needs %llu descriptors and may have %llu: raise that "
        "with ulimit -n, or have more processes with -j",
        (unsigned long long)share_of(load, 0), (unsigned long long)need,
        (unsigned long long)limit.rlim_max);
    return false;
}

/* A load that is under way. */
struct run {
    const struct load *load;
    struct crew crew;
    struct tally tally;
    int64_t begun_us, ended_us, shown_us;
    bool shows_progress;
};

static void show_progress(struct run *run, int64_t now_us)
{
    if (!run->shows_progress || now_us - run->shown_us < PROGRESS_US)
        return;
    run->shown_us = now_us;
    report_progress(&run->tally, run->load->count, (double)(now_us - run->begun_us) / 1e6);
}

/* Waits until all processes have come so far, but not beyond `until_us`. */
static void await(struct run *run, enum crew_phase phase, int64_t until_us)
{
    int64_t now_us;

    while (!crew_is_at(&run->crew, phase) && (now_us = clock_now_us()) < until_us) {
        crew_step(&run->crew, until_us);
        if (phase != CREW_HERE)
            show_progress(run, now_us);
    }
}

/* All sessions are opened, and held. The line about it comes while they are. Returns 0, or 1. */
static int hold(struct run *run)
{
    int64_t now_us;
    int status;

    await(run, CREW_OPEN, CLOCK_NEVER);
    now_us = clock_now_us();
    if (run->shows_progress)
        report_clear();
    status = report_greeted(&run->tally, run->load->count,
                            (double)(now_us - run->begun_us) / 1e6, run->load->is_csv);
    await(run, CREW_DONE, now_us + run->load->hold_ms * 1000);
    crew_open(&run->crew, 1);
    return status;
}

static double cpu_seconds(int who)
{
    struct rusage usage;

    if (getrusage(who, &usage) != 0)
        return 0;
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static int tell(const struct run *run)
{
    struct report report = {
        .tally = &run->tally,
        .planned = run->load->count,
        .seconds = (double)(run->ended_us - run->begun_us) / 1e6,
        .cpu_seconds = cpu_seconds(RUSAGE_SELF) + cpu_seconds(RUSAGE_CHILDREN),
        .is_stopped = crew_is_stopped(),
    };

    return run->load->is_csv ? report_csv(&report) : report_text(&report);
}

int load_run(const struct load *load)
{
    static struct run run;
    int status = 0, told;

    memset(&run, 0, sizeof run);
    run.load = load;
    run.crew.tally = &run.tally;
    run.shows_progress = isatty(STDERR_FILENO) != 0;
    if (!has_descriptors(load) || crew_start(&run.crew, load->processes, work, load) != 0)
        return 1;
    await(&run, CREW_HERE, CLOCK_NEVER);
    run.begun_us = clock_now_us();
    crew_open(&run.crew, 0);
    if (load->hold_ms > 0)
        status = hold(&run);
    await(&run, CREW_DONE, CLOCK_NEVER);
    run.ended_us = clock_now_us();
    crew_end(&run.crew);
    if (run.shows_progress)
        report_clear();
    told = tell(&run);
    return run.tally.of.counts[TALLY_SESSIONS] == load->count && told == 0 ? status : 1;
}
