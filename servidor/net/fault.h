/*
 * Fault probes of the diagnostic build (make faults): a test names a probe and what shall
 * happen there, and the next process that comes by meets it. In any other build a probe is
 * the constant false and nothing is left of it.
 *
 * A test puts SERVIDOR_FAULT=FILE into the server's environment and writes "PROBE ACTION" into
 * FILE when it wants the fault. Whoever comes to that probe removes the file, so that it happens
 * once and the test sees that it did. ACTION is the name of an error, as in ENOSPC; KILL, to
 * end the process there; or SHORT, for a write that takes one octet only.
 */
#ifndef NET_FAULT_H
#define NET_FAULT_H

#include <stdbool.h>
#include <stddef.h>

#ifdef SERVIDOR_FAULTS

/* Has a test asked for an error at this probe? True with errno set, if so. May not return. */
bool fault_strikes(const char *probe);

/* How many of `length` octets a write at this probe shall take. */
size_t fault_shortens(const char *probe, size_t length);

#else

static inline bool fault_strikes(const char *probe)
{
    (void)probe;
    return false;
}

static inline size_t fault_shortens(const char *probe, size_t length)
{
    (void)probe;
    return length;
}

#endif

#endif
