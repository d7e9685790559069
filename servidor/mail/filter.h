/*
 * The message filter (-T): a program that reads each mail and writes what is kept of it. Its
 * exit status decides: 0 keeps what it wrote, 99 drops the mail, 100 refuses it, and anything
 * else refuses it for now. Processes are not this floor's: whoever has them lends a runner.
 */
#ifndef MAIL_FILTER_H
#define MAIL_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mail/config.h"
#include "mail/envelope.h"
#include "mail/maildir.h"
#include "net/peer.h"

/* Of the command line of -T, and of the environment variable RECIPIENTS. */
enum { FILTER_COMMAND_LIMIT = 4095, FILTER_WORDS_LIMIT = 255, FILTER_RECIPIENTS_LIMIT = 65536 };

struct filter_variable {
    const char *name; /* NULL: behind the last one */
    const char *value;
};

/* A program to be run. */
struct filter_job {
    const char *path;
    char *const *arguments; /* the first is its name; NULL behind the last */
    const struct filter_variable *variables; /* what its environment has of the mail */
    int standard[3];       /* what become its descriptors 0, 1 and 2 */
    uint64_t file_octets;  /* no file that it writes grows beyond */
    uint64_t timeout_s;    /* it is killed then */
};

/* How its run came to an end. */
struct filter_end {
    enum {
        FILTER_EXITED,    /* with the status `number` */
        FILTER_KILLED,    /* by the signal `number`, which was not the runner's */
        FILTER_TIMED_OUT,
        FILTER_STOPPED,   /* since this process must end */
        FILTER_NOT_RUN,   /* `number` is errno */
    } how;
    int number;
};

/* Is `command` a program with arguments, within the limits? */
bool filter_is_command(const char *command);

/*
 * Takes `command`, which filter_is_command(), and looks for its program, as execvp(3) does.
 * NULL: there is no filter. 0; or -1 with errno when it cannot be executed.
 */
int filter_start(const char *command);

/* The name of the program that filter_start() looked for. */
const char *filter_program(void);

/*
 * Lends the function that runs a job. When it returns, no process of the job's group is left
 * to write into its files.
 */
void filter_lend_runner(void (*run)(const struct filter_job *job, struct filter_end *end));

/* Is a mail that begins now to be filtered? */
bool filter_is_on(void);

/* A mail that has come whole. */
struct filter_mail {
    const struct mail_config *config;
    const char *id;
    const struct envelope *envelope;
    struct peer client;
    const struct spool *input;  /* what the client has sent */
    const struct spool *output; /* `trace`, and behind it goes what the filter writes */
    const char *trace;
    size_t trace_length;
    uint64_t size_limit; /* octets that it may write */
};

enum filter_verdict {
    FILTER_KEEPS,   /* the output is the mail */
    FILTER_DROPS,   /* as if it had been kept */
    FILTER_REFUSES,
    FILTER_FAILS,   /* it can be tried again; said on standard error, once in a while */
};

/* Runs the filter. What it has to say on its standard error goes, in part, to ours. */
enum filter_verdict filter_run(const struct filter_mail *mail);

#endif
