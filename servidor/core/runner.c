/*
 * See runner.h. The child tells by a pipe, which an exec closes, why there was no exec. What
 * it leaves behind dies with its group when it has ended; only its own children that have gone to
 * another group escape. Should this process be killed, an alarm ends the child.
 */
#include "core/runner.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/process.h"
#include "core/signals.h"
#include "mail/filter.h"
#include "net/clock.h"
#include "net/fault.h"

/* How a child ends that has not become the program. */
enum { EXIT_NOT_BECOME = 127 };

extern char **environ; /* POSIX has it in no header */

static struct channel_watch *runner_watch;

struct birth {
    const struct filter_job *job;
    int word[2]; /* the child writes errno to [1] */
};

/* Lowers a limit of this process, if it is not as low already. */
static int limit(int resource, uint64_t most)
{
    struct rlimit now;

    if (getrlimit(resource, &now) != 0)
        return -1;
    if (now.rlim_max == RLIM_INFINITY || now.rlim_max > most)
        now.rlim_max = (rlim_t)most;
    if (now.rlim_cur == RLIM_INFINITY || now.rlim_cur > now.rlim_max)
        now.rlim_cur = now.rlim_max;
    return setrlimit(resource, &now);
}

/*
 * Puts the job's descriptors in their places, and lets no other through the exec: neither
 * ours nor those that we were started with. None of the job's is a standard one, as those
 * are always open.
 */
static int arrange_descriptors(const struct filter_job *job)
{
    int descriptor;

    for (descriptor = 0; descriptor < 3; descriptor++)
        if (dup2(job->standard[descriptor], descriptor) < 0)
            return -1;
    for (; descriptor < FD_SETSIZE; descriptor++)
        fcntl(descriptor, F_SETFD, FD_CLOEXEC);
    return 0;
}

/* Nothing of our environment but what a program needs to find its way, and the job's variables. */
static int arrange_environment(const struct filter_variable *variable)
{
    static const char *const kept[] = { "HOME", "LANG", "LC_ALL", "LOGNAME",
                                        "PATH", "TMPDIR", "TZ", "USER" };
    enum { KEPT = sizeof kept / sizeof kept[0] };
    static char *nothing[] = { NULL };
    const char *values[KEPT];
    int i;

    for (i = 0; i < KEPT; i++)
        values[i] = getenv(kept[i]);
    environ = nothing;
    for (i = 0; i < KEPT; i++)
        if (values[i] != NULL && setenv(kept[i], values[i], 1) != 0)
            return -1;
    for (; variable->name != NULL; variable++)
        if (setenv(variable->name, variable->value, 1) != 0)
            return -1;
    return 0;
}

/* The child. */
static void become_program(void *context)
{
    const struct birth *birth = context;
    const struct filter_job *job = birth->job;
    int error;

    setpgid(0, 0);
    signals_forget();
    alarm((unsigned)job->timeout_s + 1);
    if (limit(RLIMIT_CORE, 0) == 0 && limit(RLIMIT_FSIZE, job->file_octets) == 0 &&
        arrange_environment(job->variables) == 0 && arrange_descriptors(job) == 0)
        process_become(job->path, job->arguments);
    error = errno;
    while (write(birth->word[1], &error, sizeof error) < 0 && errno == EINTR)
        continue;
    process_end(EXIT_NOT_BECOME);
}

/* Waits for the child's word: 0 when it has become the program, or why it has not. */
static int read_word(int descriptor)
{
    ssize_t got;
    int error = 0;

    do
        got = read(descriptor, &error, sizeof error);
    while (got < 0 && errno == EINTR);
    return got == (ssize_t)sizeof error ? error : 0;
}

/* Starts the program. Its process number, or -1 with errno. */
static pid_t start(const struct filter_job *job)
{
    struct birth birth = { .job = job };
    pid_t child;
    int error, status;

    if (fault_strikes("filter-pipe") || pipe(birth.word) != 0)
        return -1;
    fcntl(birth.word[0], F_SETFD, FD_CLOEXEC);
    fcntl(birth.word[1], F_SETFD, FD_CLOEXEC);
    child = fault_strikes("filter-fork") ? -1 : process_fork(become_program, &birth);
    error = child < 0 ? errno : 0;
    close(birth.word[1]);
    if (child > 0) {
        /* Whoever of the two is first; the group is there before anybody needs it. */
        setpgid(child, child);
        error = read_word(birth.word[0]);
    }
    close(birth.word[0]);
    if (child > 0 && error != 0)
        process_end_group(child, &status);
    errno = error;
    return error == 0 ? child : -1;
}

/* Waits for the end of the child; false when it is not to be waited for any longer. */
static bool wait_for_end(pid_t child, int64_t deadline_ms)
{
    while (!process_has_ended(child)) {
        int64_t until_ms = deadline_ms;
        int link = channel_serve(runner_watch, &until_ms);

        if (runner_watch->is_stopping || clock_now_ms() >= deadline_ms)
            return false;
        signals_wait(runner_watch->lifeline, link, until_ms);
        runner_watch->stirred(runner_watch);
    }
    return true;
}

/* Ends what the child has left, and tells how the child ended, which was waited for or not. */
static void end_child(pid_t child, bool has_ended, struct filter_end *end)
{
    int status;

    if (process_end_group(child, &status) != 0) {
        end->how = FILTER_NOT_RUN;
        end->number = errno;
    } else if (!has_ended) {
        end->how = runner_watch->is_stopping ? FILTER_STOPPED : FILTER_TIMED_OUT;
    } else if (WIFSIGNALED(status)) {
        end->how = FILTER_KILLED;
        end->number = WTERMSIG(status);
    } else {
        end->how = FILTER_EXITED;
        end->number = WEXITSTATUS(status);
    }
}

static void run(const struct filter_job *job, struct filter_end *end)
{
    int64_t deadline_ms = clock_now_ms() + (int64_t)job->timeout_s * 1000;
    pid_t child = start(job);

    if (child < 0) {
        end->how = FILTER_NOT_RUN;
        end->number = errno;
        return;
    }
    end_child(child, wait_for_end(child, deadline_ms), end);
}

void runner_start(struct channel_watch *watch)
{
    runner_watch = watch;
    filter_lend_runner(run);
}
