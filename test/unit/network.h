/*
 * Two ends of a session in numbered mode and the network between them, with a clock of its
 * own: what is lost, doubled, late or in disorder is as the seed has it. Each stream is a
 * function of the place in it, so that a wrong octet is known where it is taken.
 */
#ifndef TEST_NETWORK_H
#define TEST_NETWORK_H

#include "net/datagram.h"

#include <string.h>

#include "net/clock.h"

enum { GREETING = 60, FLIGHTS = 512 };

/* Each way: how many of 1,000 are lost, and doubled, and how long one is on its way. */
struct weather {
    unsigned lost, doubled;
    int64_t least_ms, most_ms;
};

/* Who says what: after the greeting the client asks, and each time waits for the reply. */
struct talk {
    unsigned turns;
    size_t request, reply;
    size_t body;        /* one request, the last but one, is longer by so much */
    size_t line;        /* pushed after so many octets; 0: when it is about to wait */
    bool is_at_once;    /* nobody waits for anything */
    unsigned window;    /* of both */
    size_t sip;         /* the server takes so much at a time; 0: all that is there */
    int64_t sip_ms;     /* and then waits so long */
    int64_t silent_ms;  /* from then on nothing arrives anywhere; 0: never */
    int64_t awake_ms;   /* before then the server takes nothing */
};

struct party {
    struct datagram end;
    size_t put, taken;
    int64_t thirsty_ms; /* when it takes again */
    int64_t over_ms;
    uint64_t acks;
    bool is_gone, is_altered, has_finished;
};

struct flight {
    int64_t at_ms;
    uint64_t order;
    unsigned to;
    size_t length;
    char octets[SEGMENT_LIMIT];
};

static struct world {
    const struct weather *weather;
    const struct talk *talk;
    uint64_t chance, order;
    int64_t begin_ms, now_ms;
    struct party parties[2]; /* by enum datagram_side */
    struct flight flights[FLIGHTS];
    unsigned count;
} world;

/* A number below `below` (xorshift, Marsaglia 2003). */
static inline uint64_t chance_below(uint64_t below)
{
    world.chance ^= world.chance << 13;
    world.chance ^= world.chance >> 7;
    world.chance ^= world.chance << 17;
    return world.chance % below;
}

static inline char octet_at(unsigned side, size_t place)
{
    return (char)((place * 131 + (place >> 8) * 17 + (place >> 16)) ^ (side != 0 ? 0x55u : 0));
}

/* How long both streams are when so many turns are complete. */
static inline size_t requests_to(unsigned turns)
{
    const struct talk *talk = world.talk;

    return turns * talk->request + (turns + 1 >= talk->turns && turns > 0 ? talk->body : 0);
}

static inline size_t replies_to(unsigned turns)
{
    return GREETING + turns * world.talk->reply;
}

/* How much this side has to say now. */
static inline size_t has_to_say(unsigned side)
{
    const struct talk *talk = world.talk;
    size_t taken = world.parties[side].taken;
    unsigned turns = 0;

    if (talk->is_at_once)
        turns = talk->turns;
    else if (side == DATAGRAM_CLIENT)
        for (; turns < talk->turns && taken >= replies_to(turns); turns++)
            ;
    else
        for (; turns < talk->turns && taken >= requests_to(turns + 1); turns++)
            ;
    return side == DATAGRAM_CLIENT ? requests_to(turns) : replies_to(turns);
}

static inline void speak(unsigned side)
{
    struct party *party = &world.parties[side];
    size_t end = has_to_say(side), length, took;
    size_t line = world.talk->line > 0 ? world.talk->line : SEGMENT_LIMIT;
    char octets[SEGMENT_LIMIT];

    while (party->put < end) {
        length = line - party->put % line;
        length = length < end - party->put ? length : end - party->put;
        for (took = 0; took < length; took++)
            octets[took] = octet_at(side, party->put + took);
        took = datagram_put(&party->end, octets, length);
        party->put += took;
        if (took < length)
            return;
        if (world.talk->line > 0)
            datagram_push(&party->end);
    }
    if (side == DATAGRAM_SERVER && party->taken == requests_to(world.talk->turns))
        party->has_finished = party->has_finished || datagram_finish(&party->end);
    else
        datagram_push(&party->end);
}

static inline void listen_to(unsigned side)
{
    struct party *party = &world.parties[side];
    char octets[1500];
    size_t sip = side == DATAGRAM_SERVER ? world.talk->sip : 0, length, i;

    while (world.now_ms >= party->thirsty_ms) {
        length = datagram_take(&party->end, octets, sip > 0 ? sip : sizeof octets);
        if (length == 0)
            return;
        for (i = 0; i < length; i++)
            if (octets[i] != octet_at(!side, party->taken + i))
                party->is_altered = true;
        party->taken += length;
        if (sip > 0)
            party->thirsty_ms = world.now_ms + world.talk->sip_ms;
    }
}

static inline void launch(unsigned to, const char *octets, size_t length)
{
    unsigned copies = chance_below(1000) < world.weather->doubled ? 2 : 1;
    uint64_t spread = (uint64_t)(world.weather->most_ms - world.weather->least_ms) + 1;

    for (; copies > 0; copies--) {
        struct flight *flight = &world.flights[world.count];

        if (chance_below(1000) < world.weather->lost || world.count == FLIGHTS)
            continue;
        flight->at_ms = world.now_ms + world.weather->least_ms + (int64_t)chance_below(spread);
        flight->order = world.order++;
        flight->to = to;
        flight->length = length;
        memcpy(flight->octets, octets, length);
        world.count++;
    }
}

/* All that one side does at a time. False if it wants to be called again at once, for ever. */
static inline bool act(unsigned side)
{
    struct party *party = &world.parties[side];
    char octets[SEGMENT_LIMIT];
    size_t length;

    if (party->is_gone)
        return true;
    listen_to(side);
    speak(side);
    while ((length = datagram_next(&party->end, octets, world.now_ms)) > 0) {
        party->acks += octets[3] == 'A';
        launch(!side, octets, length);
    }
    if (party->end.end != DATAGRAM_OPEN) {
        party->is_gone = true;
        party->over_ms = world.now_ms;
    }
    return datagram_deadline(&party->end) > world.now_ms;
}

static inline struct flight *next_flight(void)
{
    struct flight *first = NULL;
    unsigned i;

    for (i = 0; i < world.count; i++) {
        struct flight *flight = &world.flights[i];

        if (first == NULL || flight->at_ms < first->at_ms ||
            (flight->at_ms == first->at_ms && flight->order < first->order))
            first = flight;
    }
    return first;
}

/* Whoever is gone has left a closed port, and the news of it can be lost too. */
static inline void land(struct flight *flight)
{
    unsigned to = flight->to;
    bool is_silent = world.talk->silent_ms > 0 &&
                     world.now_ms - world.begin_ms >= world.talk->silent_ms;

    if (is_silent)
        ;
    else if (!world.parties[to].is_gone)
        datagram_receive(&world.parties[to].end, flight->octets, flight->length, world.now_ms);
    else if (chance_below(1000) >= world.weather->lost)
        datagram_refuse(&world.parties[!to].end);
    *flight = world.flights[--world.count];
}

static inline int64_t next_ms(void)
{
    const struct flight *flight = next_flight();
    int64_t first_ms = flight == NULL ? CLOCK_NEVER : flight->at_ms;
    unsigned side;

    for (side = 0; side < 2; side++) {
        const struct party *party = &world.parties[side];
        int64_t deadline_ms = datagram_deadline(&party->end);

        if (!party->is_gone && deadline_ms < first_ms)
            first_ms = deadline_ms;
        if (!party->is_gone && party->thirsty_ms > world.now_ms && party->thirsty_ms < first_ms)
            first_ms = party->thirsty_ms;
    }
    return first_ms;
}

static inline void world_begin(const struct weather *weather, const struct talk *talk,
                               uint64_t seed)
{
    struct datagram_start start = { .sid = seed + 1, .cn = ~seed };
    unsigned side;

    world.weather = weather;
    world.talk = talk;
    world.chance = (seed + 1) * UINT64_C(0x9e3779b97f4a7c15);
    world.order = 0;
    world.count = 0;
    /* Half of them see the 32 bits of ts begin anew. */
    world.begin_ms = (INT64_C(1) << 32) - (int64_t)(seed % 2) * 3000;
    world.now_ms = world.begin_ms;
    start.window = start.peer_window = talk->window > 0 ? talk->window : 16;
    for (side = 0; side < 2; side++) {
        struct party *party = &world.parties[side];

        memset(party, 0, sizeof *party);
        start.side = (enum datagram_side)side;
        start.seed = seed * 2 + side;
        datagram_begin(&party->end, &start, world.now_ms);
    }
    world.parties[DATAGRAM_SERVER].thirsty_ms = world.begin_ms + talk->awake_ms;
}

/* Lets them talk until both are gone. False if they never end. */
static inline bool world_run(const struct weather *weather, const struct talk *talk,
                             uint64_t seed)
{
    unsigned long steps;

    world_begin(weather, talk, seed);
    for (steps = 0; steps < 1000000; steps++) {
        int64_t then_ms;

        if (!act(DATAGRAM_CLIENT) || !act(DATAGRAM_SERVER))
            return false;
        if (world.parties[0].is_gone && world.parties[1].is_gone)
            return true;
        then_ms = next_ms();
        world.now_ms = then_ms > world.now_ms ? then_ms : world.now_ms;
        while (next_flight() != NULL && next_flight()->at_ms <= world.now_ms)
            land(next_flight());
    }
    return false;
}

/* Did everything arrive, and does the client know it? */
static inline bool world_is_complete(void)
{
    return world.parties[DATAGRAM_CLIENT].end.end == DATAGRAM_FINISHED &&
           world.parties[DATAGRAM_SERVER].taken == requests_to(world.talk->turns) &&
           world.parties[DATAGRAM_CLIENT].taken == replies_to(world.talk->turns);
}

/* Whatever happened: no octet is wrong, none came twice, and who says it is complete is right. */
static inline bool world_is_honest(void)
{
    const struct party *client = &world.parties[DATAGRAM_CLIENT];
    const struct party *server = &world.parties[DATAGRAM_SERVER];

    return !client->is_altered && !server->is_altered && client->taken <= server->put &&
           server->taken <= client->put &&
           (client->end.end != DATAGRAM_FINISHED || world_is_complete());
}

static inline int64_t world_lasted_ms(unsigned side)
{
    return world.parties[side].over_ms - world.begin_ms;
}

#endif
