/*
 * Runs the message filter (mail/filter.h): a process group of its own, which never outlives
 * the mail. This process waits for it, and for what may stop the wait.
 */
#ifndef CORE_RUNNER_H
#define CORE_RUNNER_H

#include "net/channel.h"

/* Lends itself to the filter of this process and its children. `watch` tells when it must stop. */
void runner_start(struct channel_watch *watch);

#endif
