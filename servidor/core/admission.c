/* See admission.h. */
#include "core/admission.h"

#include "watch/slots.h"
#include "watch/steer.h"

/* No worker can be had now, and all others are busy: who asks is left to say so. */
static bool is_last_worker(enum transport transport)
{
    struct slot_census census;

    if (!atomic_load(&counters()->cannot_grow[transport]))
        return false;
    census = slots_count(transport);
    return census.idle + census.starting == 0;
}

/*
 * Has the address of `peer` more than `limit` workers in `state`? Counting them takes 30
 * microseconds where there are 10,000, a tenth of a session with a mail: it is done for the few
 * addresses that may be above their limit.
 */
static bool has_more(enum transport transport, enum slot_state state, const struct peer *peer,
                     unsigned limit)
{
    return slots_may_exceed(peer, limit) && slots_count_address(transport, state, peer) > limit;
}

/* Would the address of `peer`, with so many more, have more sessions than it may? */
static bool has_too_many(const struct config *config, enum transport transport,
                         const struct peer *peer, unsigned more)
{
    uint64_t limit = steer_now(STEER_ADDRESS_LIMIT, config->sessions_per_address);

    return !peer_is_loopback(peer) &&
           (limit < more || has_more(transport, SLOT_BUSY, peer, (unsigned)limit - more));
}

/*
 * Does the address leave its last replies unacknowledged? Each takes a worker for up to a minute
 * more. As many as it may have sessions are granted, for who hears the last reply may begin anew.
 */
static bool has_too_many_endings(const struct config *config, const struct peer *peer)
{
    uint64_t limit = steer_now(STEER_ADDRESS_LIMIT, config->sessions_per_address);

    return !peer_is_loopback(peer) &&
           has_more(TRANSPORT_UDP, SLOT_LINGERING, peer, (unsigned)limit);
}

enum reply admission_tcp(const struct config *config, const struct peer *peer, unsigned sessions)
{
    if (atomic_load(&counters()->is_draining))
        return REPLY_SHUTTING_DOWN;
    if (sessions > config->workers_max || is_last_worker(TRANSPORT_TCP))
        return REPLY_TOO_MANY_SESSIONS;
    return has_too_many(config, TRANSPORT_TCP, peer, 0) ? REPLY_TOO_MANY_OF_YOURS
                                                       : REPLY_GREETING;
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
           slots_count(TRANSPORT_UDP).plain - counted <
               config->udp_workers_max / ADMISSION_PLAIN_PART &&
           (peer_is_loopback(peer) ||
            slots_count_address(TRANSPORT_UDP, SLOT_BUSY, peer) - counted <
                ADMISSION_PLAIN_PER_ADDRESS);
}

/* Is there a port for one more session? An ephemeral one is always expected to be. */
static bool has_port(const struct udp_ports *ports)
{
    struct slot_census census = slots_count(TRANSPORT_UDP);

    return ports->is_same || ports->low == 0 ||
           census.busy + census.lingering < (unsigned)(ports->high - ports->low) + 1;
}

enum reply admission_numbered(const struct config *config, const struct peer *peer, int self)
{
    unsigned more = self >= 0 ? 0 : 1;

    if (atomic_load(&counters()->is_draining))
        return REPLY_SHUTTING_DOWN;
    if (slots_sessions(TRANSPORT_UDP) + more > config->udp_workers_max ||
        (self < 0 && (is_last_worker(TRANSPORT_UDP) || !has_port(&config->udp_ports))))
        return REPLY_TOO_MANY_SESSIONS;
    if (has_too_many(config, TRANSPORT_UDP, peer, more) || has_too_many_endings(config, peer))
        return REPLY_TOO_MANY_OF_YOURS;
    return REPLY_GREETING;
}
