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

static unsigned address_limit(const struct config *config)
{
    return (unsigned)steer_now(STEER_ADDRESS_LIMIT, config->sessions_per_address);
}

/*
 * Would the address of `peer`, with so many more, have more sessions than it may? Counting them
 * takes 30 microseconds where there are 10,000, a tenth of a session with a mail: it is done for
 * the few addresses that may be above their limit.
 */
static bool has_too_many(const struct config *config, enum transport transport,
                         const struct peer *peer, unsigned more)
{
    unsigned limit = address_limit(config);

    return !peer_is_loopback(peer) &&
           (limit < more || (slots_may_exceed(peer, limit - more) &&
                             slots_count_address(transport, SLOT_BUSY, peer) > limit - more));
}

/*
 * Has the address too many sessions that are over but for their last replies, each of which keeps
 * a worker? As many as it may have sessions are granted, for who hears the last reply may begin
 * anew. In plain mode they are counted apart: there anybody may have used its address.
 */
static bool has_too_many_endings(const struct config *config, enum transport transport,
                                 bool is_plain, const struct peer *peer)
{
    unsigned limit = address_limit(config);

    return !peer_is_loopback(peer) && slots_may_exceed(peer, limit) &&
           slots_count_endings(transport, is_plain, peer) > limit;
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

/* For how many sessions there are ports. Ephemeral ones are always expected to be there. */
static uint64_t count_ports(const struct udp_ports *ports)
{
    return ports->is_same || ports->low == 0 ? UINT64_MAX
                                             : (uint64_t)(ports->high - ports->low) + 1;
}

/* Is there a port for one more session? */
static bool has_port(const struct udp_ports *ports)
{
    struct slot_census census = slots_count(TRANSPORT_UDP);

    return census.busy + census.lingering < count_ports(ports);
}

/* Do the plain sessions that are over keep more than their part of the workers, or the ports? */
static bool are_too_many_endings(const struct config *config)
{
    uint64_t most = count_ports(&config->udp_ports);

    if (most > config->udp_workers_max)
        most = config->udp_workers_max;
    return slots_count(TRANSPORT_UDP).plain_lingering > most / ADMISSION_PLAIN_PART;
}

bool admission_lets_linger(const struct config *config, enum transport transport, bool is_plain,
                           const struct peer *peer)
{
    bool is_numbered = transport == TRANSPORT_UDP && !is_plain;

    return is_numbered || !((is_plain && are_too_many_endings(config)) ||
                            has_too_many_endings(config, transport, is_plain, peer));
}

enum reply admission_numbered(const struct config *config, const struct peer *peer, int self)
{
    unsigned more = self >= 0 ? 0 : 1;

    if (atomic_load(&counters()->is_draining))
        return REPLY_SHUTTING_DOWN;
    if (slots_sessions(TRANSPORT_UDP) + more > config->udp_workers_max ||
        (self < 0 && (is_last_worker(TRANSPORT_UDP) || !has_port(&config->udp_ports))))
        return REPLY_TOO_MANY_SESSIONS;
    if (has_too_many(config, TRANSPORT_UDP, peer, more) ||
        has_too_many_endings(config, TRANSPORT_UDP, false, peer))
        return REPLY_TOO_MANY_OF_YOURS;
    return REPLY_GREETING;
}
