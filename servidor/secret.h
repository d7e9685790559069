/* The secret of the monitor, where a file has it. */
#ifndef SECRET_H
#define SECRET_H

#include <stdbool.h>

#include "net/monitor_wire.h"

/*
 * Reads the first line of the file at `path`, which only its owner may read and write. False
 * after saying on standard error what is wrong with it.
 */
bool secret_read(const char *path, unsigned char secret[MONITOR_SECRET]);

#endif
