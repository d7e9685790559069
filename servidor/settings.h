/*
 * The settings: one table of names, defaults, ranges and help, from which -o, the settings
 * file, -h and the manual are made.
 */
#ifndef SETTINGS_H
#define SETTINGS_H

#include <stdbool.h>
#include <stdio.h>

#include "core/config.h"

enum { SETTINGS_WHY_ROOM = 512 };

/* Sets every setting of `config` to its default. */
void settings_defaults(struct config *config);

/*
 * Takes one NAME=VALUE (as -o does). False with the thing, the value and the way out in
 * `why`, when there is no such setting or the value is not in its range.
 */
bool settings_take(struct config *config, const char *assignment, char why[SETTINGS_WHY_ROOM]);

/*
 * Takes the lines of the file at `path`: NAME=VALUE with blanks anywhere around, empty ones,
 * and comments behind #. False with the file, the line and the reason in `why`.
 */
bool settings_read(struct config *config, const char *path, char why[SETTINGS_WHY_ROOM]);

/*
 * Copies to `running` the settings of `fresh` that a running server can change. Those that
 * it cannot are named on standard error if they differ.
 */
void settings_change(struct config *running, const struct config *fresh);

/* Prints a line for each setting: name, default, what it is for. */
void settings_print(FILE *out);

#endif
