/*
 * Two ends of a session in numbered mode, and the input is what happens to them: an octet says
 * what, the next with what. While nothing was forged, both streams arrive as they were put, in
 * order and once; and whatever comes, an end neither says too much nor wants to be called for
 * ever.
 */
#include "net/datagram.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "net/clock.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { AIR = 16, SID = 7, CN = 9, MANY = 3 * SEGMENT_WINDOW };

/* Soon the 32 bits of its milliseconds are over. */
static const int64_t begin_ms = (INT64_C(1) << 32) - 500;

struct letter {
    unsigned to;
    size_t length;
    char octets[SEGMENT_LIMIT];
};

static struct play {
    struct datagram ends[2]; /* by enum datagram_side */
    size_t put[2], taken[2];
    struct letter air[AIR];
    unsigned count;
    int64_t now_ms;
    bool is_forged;
} play;

static char octet_at(unsigned side, size_t place)
{
    return (char)((place * 131 + (place >> 8) * 17) ^ (side != 0 ? 0x55u : 0));
}

static void put(unsigned side, size_t length)
{
    char octets[256];
    size_t i;

    for (i = 0; i < length; i++)
        octets[i] = octet_at(side, play.put[side] + i);
    i = datagram_put(&play.ends[side], octets, length);
    assert(i <= length);
    play.put[side] += i;
}

static void take(unsigned side, size_t room)
{
    char octets[256];
    size_t length = datagram_take(&play.ends[side], octets, room), i;

    assert(length <= room);
    if (play.is_forged)
        return;
    for (i = 0; i < length; i++)
        assert(octets[i] == octet_at(!side, play.taken[side] + i));
    play.taken[side] += length;
    assert(play.taken[side] <= play.put[!side]);
}

static void check_said(unsigned side, const char *octets, size_t length)
{
    struct segment said;

    assert(length <= SEGMENT_LIMIT && segment_parse(&said, octets, length));
    assert(said.id == SID && said.ts == (uint32_t)(play.now_ms & UINT32_MAX));
    assert(said.kind != SEGMENT_H && said.kind != SEGMENT_C && said.kind != SEGMENT_R);
    if (side == DATAGRAM_CLIENT)
        assert(said.kind != SEGMENT_W && said.kind != SEGMENT_F);
    else
        assert((said.kind == SEGMENT_W) == (said.seq == 1 && said.kind != SEGMENT_F));
}

/* All that an end has to say now goes into the air, while there is room, or is lost. */
static void let_speak(unsigned side)
{
    struct datagram *end = &play.ends[side];
    bool was_open = end->end == DATAGRAM_OPEN;
    unsigned said = 0;
    char octets[SEGMENT_LIMIT];
    size_t length;

    while ((length = datagram_next(end, octets, play.now_ms)) > 0) {
        check_said(side, octets, length);
        said++;
        assert(said < MANY);
        if (play.count < AIR) {
            play.air[play.count].to = !side;
            play.air[play.count].length = length;
            memcpy(play.air[play.count++].octets, octets, length);
        }
    }
    assert(was_open || end->end != DATAGRAM_OPEN);
    assert(datagram_deadline(end) > play.now_ms);
    assert((datagram_deadline(end) == CLOCK_NEVER) == (end->end != DATAGRAM_OPEN));
}

/* Nobody believes that something arrived which did not, or holds more than there is room for. */
static void check_belief(unsigned side)
{
    const struct datagram *end = &play.ends[side], *other = &play.ends[!side];

    int64_t trip_ms = datagram_trip_ms(&play.ends[side]);

    assert(trip_ms >= -1 && datagram_trip_ms(&play.ends[side]) == -1);
    assert(play.is_forged || trip_ms <= play.now_ms - begin_ms);
    assert(end->out.acked <= end->out.sent && end->out.sent <= end->out.cut);
    assert(datagram_unsent(end) == end->out.cut - end->out.sent);
    assert(end->out.cut - end->out.acked <= SEGMENT_WINDOW);
    assert(end->in.read <= end->in.acked && end->in.acked <= end->in.highest);
    assert(end->in.highest - end->in.read <= SEGMENT_WINDOW);
    if (play.is_forged)
        return;
    assert(end->out.acked <= other->in.acked);
    assert(end->end != DATAGRAM_LEFT && end->tally.dropped == 0);
    if (end->end == DATAGRAM_FINISHED && side == DATAGRAM_SERVER)
        assert(other->end != DATAGRAM_OPEN && end->out.acked == end->out.cut);
}

static void deliver(unsigned which, bool stays)
{
    struct letter *letter = &play.air[which];

    datagram_receive(&play.ends[letter->to], letter->octets, letter->length, play.now_ms);
    if (!stays)
        play.air[which] = play.air[--play.count];
}

static void forge(struct letter *letter, unsigned with)
{
    play.is_forged = true;
    if (with % 4 == 0)
        letter->to = !letter->to;
    else if (with % 4 == 1 && letter->length > 1)
        letter->length -= 1;
    else if (letter->length > 60) /* within the line, where another digit may well stand */
        letter->octets[with % 60] = (char)('0' + with % 10);
}

/* Somebody says one thing more in an end's name, after which less is certain. */
static void say_besides(unsigned to, const char *octets, size_t length)
{
    if (play.count == AIR)
        return;
    play.is_forged = true;
    play.air[play.count].to = to;
    play.air[play.count].length = length;
    memcpy(play.air[play.count++].octets, octets, length);
}

/* An end says that it leaves, though it may go on to talk. */
static void leave(unsigned side, unsigned code)
{
    char octets[SEGMENT_LIMIT];
    size_t length = datagram_leave(&play.ends[side], code, octets);
    struct segment said;

    assert(segment_parse(&said, octets, length));
    assert(said.kind == SEGMENT_R && said.id == SID && said.code == code);
    say_besides(!side, octets, length);
}

/* The hello of this session again, or one for another. */
static void come_anew(unsigned with)
{
    const struct segment hello = { .kind = SEGMENT_H, .id = CN + with % 2, .window = 1 };
    char octets[SEGMENT_LIMIT];
    size_t length = segment_write(&hello, octets);

    say_besides(DATAGRAM_SERVER, octets, length);
}

static void run_clock(unsigned side, unsigned with)
{
    int64_t deadline_ms = datagram_deadline(&play.ends[side]);

    if (with % 4 != 0)
        play.now_ms += with;
    else if (deadline_ms != CLOCK_NEVER)
        play.now_ms = deadline_ms - (with % 8 == 0);
}

/* What happens to a datagram in the air. */
static void happen_in_air(unsigned what, unsigned with)
{
    unsigned which;

    if (play.count == 0)
        return;
    which = with % play.count;
    switch (what) {
    case 0:
    case 1:
        deliver(0, false); /* the oldest, if there was no disorder */
        break;
    case 2:
        deliver(which, false);
        break;
    case 3:
        deliver(which, true);
        break;
    case 4:
        play.air[which] = play.air[--play.count];
        break;
    default:
        if (with >= 0xc0)
            forge(&play.air[which], with);
        break;
    }
}

static void happen(unsigned what, unsigned with)
{
    unsigned side = what & 1;
    struct datagram *end = &play.ends[side];

    switch (what / 2 % 16) {
    case 0:
        put(side, with);
        break;
    case 1:
        put(side, 255);
        put(side, 255);
        put(side, 255);
        put(side, 255);
        put(side, with);
        break;
    case 2:
        datagram_push(end);
        break;
    case 3:
        take(side, with);
        break;
    case 4:
        take(side, 256);
        break;
    case 5:
        run_clock(side, with);
        break;
    case 6:
        datagram_hurry(end);
        break;
    case 7:
        if (with == 0xff)
            datagram_refuse(end);
        else if (with >= 0xf0 && side == DATAGRAM_SERVER)
            datagram_finish(end);
        else if (with >= 0xe8)
            leave(side, 400 + with);
        else if (with >= 0xe0)
            come_anew(with);
        break;
    default:
        happen_in_air(what / 2 % 8, with);
        break;
    }
    let_speak(side);
    let_speak(!side);
    check_belief(side);
    check_belief(!side);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct datagram_start start = { .side = DATAGRAM_CLIENT, .sid = SID, .cn = CN, .seed = 1 };
    size_t i;

    if (size < 2)
        return 0;
    memset(&play, 0, sizeof play);
    play.now_ms = begin_ms;
    start.shares_port = data[0] >> 5 & 1;
    start.window = data[0] % SEGMENT_WINDOW + 1;
    start.peer_window = data[1] % SEGMENT_WINDOW + 1;
    datagram_begin(&play.ends[DATAGRAM_CLIENT], &start, play.now_ms);
    start.side = DATAGRAM_SERVER;
    start.window = start.peer_window;
    start.peer_window = data[0] % SEGMENT_WINDOW + 1;
    datagram_begin(&play.ends[DATAGRAM_SERVER], &start, play.now_ms);
    for (i = 2; i + 1 < size; i += 2)
        happen(data[i], data[i + 1]);
    return 0;
}
