/*
 * A peer's name. Asking the DNS can take long and the answer is a stranger's, so it is
 * asked only where the settings say so, and only an answer that looks like a name counts.
 */
#ifndef NET_RESOLVE_H
#define NET_RESOLVE_H

#include <stdbool.h>

#include "net/peer.h"

enum { RESOLVE_ROOM = 256 };

/*
 * Writes the name of `peer` into `out`: "localhost" on loopback, what the DNS says if
 * `asks_dns`, else its address as text. Returns whether it is what the DNS says.
 */
bool resolve_name(const struct peer *peer, bool asks_dns, char out[RESOLVE_ROOM]);

#endif
