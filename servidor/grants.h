/*
 * What the system grants, against what the settings promise: said at the start, while who can
 * change it still looks.
 */
#ifndef GRANTS_H
#define GRANTS_H

struct config;

/*
 * Names on standard error each limit of the system below what `config` asks for, and the ulimit
 * or sysctl to raise. A limit that the system does not tell is none. The backlog of connections
 * is spoken of only where workers-max is not that of `defaults`: with less, a burst is served
 * too, only that what is above it tries again after a second.
 */
void grants_check(const struct config *config, const struct config *defaults);

#endif
