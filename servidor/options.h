/*
 * The command line (POSIX utility conventions), made into a struct config.
 */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <stdbool.h>

#include "core/config.h"

enum options_result {
    OPTIONS_RUN,  /* `config` says what to do */
    OPTIONS_DONE, /* -h or -v: what was asked for has been printed */
    OPTIONS_BAD,  /* the reason has been printed on standard error */
};

/*
 * Reads the command line and the settings file it names. Strings of `argv` are kept by
 * reference. May be called again, to read the settings file anew.
 */
enum options_result options_read(struct config *config, int argc, char *const argv[]);

#endif
