/* See admission.h. */
#include "core/admission.h"

#include "watch/slots.h"
#include "watch/steer.h"

/* No worker can be had now, and all others are busy: this one is left to say so. */
static bool is_last_worker(enum transport transport)
{
    struct slot_census census;

    if (!atomic_load(&counters()->cannot_grow[transport]))
        return false;
    census = slots_count(transport);
    return census.idle + census.starting == 0;
}

enum reply admission_tcp(const struct config *config, const struct peer *peer, unsigned sessions)
{
    if (atomic_load(&counters()->is_draining))
        return REPLY_SHUTTING_DOWN;
    if (sessions > config->workers_max || is_last_worker(TRANSPORT_TCP))
        return REPLY_TOO_MANY_SESSIONS;
    if (!peer_is_loopback(peer) &&
        slots_count_address(TRANSPORT_TCP, peer) >
            steer_now(STEER_ADDRESS_LIMIT, config->sessions_per_address))
        return REPLY_TOO_MANY_OF_YOURS;
    return REPLY_GREETING;
}

bool admission_trusts(const struct config *config, const struct peer *peer)
{
    return config->udp_plain == UDP_PLAIN_ANY ||
           (config->udp_plain == UDP_PLAIN_TRUSTED && peer_is_neighbour(peer));
}

bool admission_plain(const struct config *config, const struct peer *peer, int self)
{
    unsigned counted = self >= 0 ? 1 : 0;

    return !atomic_load(&counters()->is_draining) &&
           slots_find_peer(TRANSPORT_UDP, SLOT_BUSY, peer, self) < 0 &&
           slots_count(TRANSPORT_UDP).busy - counted <
               config->udp_workers_max / ADMISSION_PLAIN_PART &&
           (peer_is_loopback(peer) ||
            slots_count_address(TRANSPORT_UDP, peer) - counted < ADMISSION_PLAIN_PER_ADDRESS);
}
