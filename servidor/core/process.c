/* See process.h. */
#include "core/process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static int nowhere = -1; /* a descriptor of /dev/null */

void process_start(void)
{
    do
        nowhere = open("/dev/null", O_RDWR);
    while (nowhere >= 0 && nowhere <= STDERR_FILENO);
    if (nowhere > STDERR_FILENO)
        fcntl(nowhere, F_SETFD, FD_CLOEXEC);
}

_Noreturn void process_end(int status)
{
    _exit(status);
}

pid_t process_fork(void (*live)(void *context), void *context)
{
    pid_t child = fork();

    if (child == 0) {
        live(context);
        process_end(EXIT_SUCCESS);
    }
    return child;
}

void process_become(const char *path, char *const arguments[])
{
    execvp(path, arguments);
}

bool process_has_ended(pid_t child)
{
    siginfo_t info = { .si_pid = 0 };
    int result;

    do
        result = waitid(P_PID, (id_t)child, &info, WEXITED | WNOHANG | WNOWAIT);
    while (result != 0 && errno == EINTR);
    return result != 0 || info.si_pid == child;
}

int process_end_group(pid_t leader, int *status)
{
    pid_t reaped;

    kill(-leader, SIGKILL);
    /* It may have joined another group, and would be waited for as long as it likes. */
    kill(leader, SIGKILL);
    do
        reaped = waitpid(leader, status, 0);
    while (reaped < 0 && errno == EINTR);
    return reaped < 0 ? -1 : 0;
}

pid_t process_reap(int *status)
{
    pid_t child;

    do
        child = waitpid(-1, status, WNOHANG);
    while (child < 0 && errno == EINTR);
    return child > 0 ? child : 0;
}

const char *process_describe(int status, char *out, size_t room)
{
    if (WIFSIGNALED(status))
        snprintf(out, room, "signal %d", WTERMSIG(status));
    else
        snprintf(out, room, "exit status %d", WEXITSTATUS(status));
    return out;
}

/* The parent's end: prints what the child says in one write, and ends; silence is failure. */
static _Noreturn void wait_for_word(int child)
{
    char said[512];
    ssize_t got;

    do
        got = read(child, said, sizeof said);
    while (got < 0 && errno == EINTR);
    if (got > 0 && fwrite(said, 1, (size_t)got, stdout) == (size_t)got && fflush(stdout) == 0)
        exit(EXIT_SUCCESS);
    /* A child that ends without a word has said why. */
    if (got != 0)
        fprintf(stderr, "servidor: whether it has started cannot be told: %s\n", strerror(errno));
    exit(EXIT_FAILURE);
}

int process_background(void)
{
    int word[2];
    pid_t child;

    if (pipe(word) != 0 || (child = fork()) < 0) {
        fprintf(stderr, "servidor: cannot go to the background: %s: use -f\n", strerror(errno));
        exit(EXIT_FAILURE);
    }
    if (child > 0) {
        close(word[1]);
        wait_for_word(word[0]);
    }
    close(word[0]);
    fcntl(word[1], F_SETFD, FD_CLOEXEC);
    setsid();
    return word[1];
}

void process_complain_to(const char *errors_path)
{
    int descriptor = open(errors_path, O_WRONLY | O_APPEND | O_CREAT, S_IRUSR | S_IWUSR | S_IRGRP);

    if (descriptor < 0) {
        process_hush();
        return;
    }
    if (descriptor != STDERR_FILENO) {
        dup2(descriptor, STDERR_FILENO);
        close(descriptor);
    }
}

void process_hush(void)
{
    dup2(nowhere, STDERR_FILENO);
}

void process_detach(const char *errors_path)
{
    dup2(nowhere, STDIN_FILENO);
    dup2(nowhere, STDOUT_FILENO);
    process_complain_to(errors_path);
}

void process_ready(int parent, const char *said)
{
    ssize_t put;

    do
        put = write(parent, said, strlen(said));
    while (put < 0 && errno == EINTR);
    /* If the parent has been killed meanwhile, nobody is left to be told. */
    if (put < 0 && errno != EPIPE)
        fprintf(stderr, "servidor: that it has started cannot be told: %s\n", strerror(errno));
    close(parent);
}
