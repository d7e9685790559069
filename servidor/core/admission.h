/*
 * Who may have a session. The slot table says who has one.
 */
#ifndef CORE_ADMISSION_H
#define CORE_ADMISSION_H

#include <stdbool.h>

#include "core/config.h"
#include "net/peer.h"
#include "smtp/replies.h"

/*
 * Why a session over TCP is refused, that stands in its slot already and is one of `sessions`;
 * REPLY_GREETING if it is not.
 */
enum reply admission_tcp(const struct config *config, const struct peer *peer, unsigned sessions);

/* Does the address of `peer` let it have sessions in plain mode? */
bool admission_trusts(const struct config *config, const struct peer *peer);

/*
 * May `peer` have a session in plain mode now? With it one address but loopback has at most
 * ADMISSION_PLAIN_PER_ADDRESS over UDP in either mode, the mode a quarter of the UDP workers (no
 * cookie protects it), and an address and port one. Its session stands in slot `self` already,
 * or (-1) does not.
 */
bool admission_plain(const struct config *config, const struct peer *peer, int self);

/*
 * Why `peer` may not have a session in numbered mode now; REPLY_GREETING if it may. At most
 * sessions-per-address over UDP, in either mode, from one address but loopback, and
 * udp-workers-max in all; `self` as above.
 */
enum reply admission_numbered(const struct config *config, const struct peer *peer, int self);

/*
 * May the session with `peer`, which is over and stands in its slot as lingering, keep its worker
 * until the last reply has arrived? Not if its address has too many such ones, or in plain mode
 * all have. In numbered mode it always may: there its address is refused new ones instead.
 */
bool admission_lets_linger(const struct config *config, enum transport transport, bool is_plain,
                           const struct peer *peer);

enum { ADMISSION_PLAIN_PER_ADDRESS = 8, ADMISSION_PLAIN_PART = 4 };

#endif
