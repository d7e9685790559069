/*
 * Two ends of a session in numbered mode, and hundreds of networks: whatever is lost, doubled,
 * late or in disorder, both streams arrive in order and once, or the session ends as dead.
 */
#include "network.h"

#include "check.h"

static const struct weather fair = { 0, 0, 0, 0 };
static const struct weather far = { 0, 0, 20, 20 };
static const struct weather steady = { 10, 0, 20, 20 };
static const struct weather light = { 50, 20, 10, 50 };
static const struct weather rough = { 200, 100, 10, 200 };
static const struct weather storm = { 400, 200, 10, 400 };
static const struct weather hopeless = { 600, 200, 10, 400 };

/* A mail as a client says it, one that is large, one line by line, and both ways at once. */
static const struct talk mail = { .turns = 7, .request = 30, .reply = 40, .body = 8000 };
static const struct talk large = { .turns = 3, .request = 30, .reply = 40, .body = 200000 };
static const struct talk lines = { .turns = 7, .request = 30, .reply = 40, .body = 14000,
                                   .line = 70 };
static const struct talk both = { .turns = 200, .request = 1000, .reply = 1000,
                                  .is_at_once = true };
static const struct talk narrow = { .turns = 5, .request = 30, .reply = 40, .body = 20000,
                                    .window = 1 };
static const struct talk wide = { .turns = 3, .request = 30, .reply = 40, .body = 200000,
                                  .window = 32 };
static const struct talk slow = { .turns = 3, .request = 30, .reply = 3000, .body = 60000,
                                  .window = 4, .sip = 500, .sip_ms = 40 };

static const struct {
    const char *name;
    const struct weather *weather;
    const struct talk *talk;
    unsigned seeds, complete; /* of 1,000 seeds so many must be complete */
} rows[] = {
    { "fair, mail", &fair, &mail, 20, 1000 },
    { "fair, large", &fair, &large, 4, 1000 },
    { "fair, both", &fair, &both, 4, 1000 },
    { "far, narrow", &far, &narrow, 4, 1000 },
    { "far, wide", &far, &wide, 4, 1000 },
    { "far, slow", &far, &slow, 4, 1000 },
    { "steady, large", &steady, &large, 100, 1000 },
    { "light, mail", &light, &mail, 400, 1000 },
    { "light, large", &light, &large, 200, 1000 },
    { "light, lines", &light, &lines, 200, 1000 },
    { "light, both", &light, &both, 100, 1000 },
    { "light, narrow", &light, &narrow, 100, 1000 },
    { "light, slow", &light, &slow, 100, 1000 },
    { "rough, mail", &rough, &mail, 400, 995 },
    { "rough, large", &rough, &large, 200, 975 },
    { "rough, lines", &rough, &lines, 200, 975 },
    { "rough, both", &rough, &both, 100, 975 },
    { "rough, narrow", &rough, &narrow, 100, 975 },
    { "rough, wide", &rough, &wide, 40, 975 },
    { "rough, slow", &rough, &slow, 100, 975 },
    { "storm, mail", &storm, &mail, 400, 950 },
    { "storm, large", &storm, &large, 100, 850 },
    { "storm, lines", &storm, &lines, 100, 850 },
    { "storm, both", &storm, &both, 60, 850 },
    { "storm, narrow", &storm, &narrow, 100, 900 },
    { "storm, slow", &storm, &slow, 100, 900 },
    { "hopeless, mail", &hopeless, &mail, 400, 0 },
    { "hopeless, large", &hopeless, &large, 40, 0 },
    { "hopeless, both", &hopeless, &both, 40, 0 },
};

enum { ROWS = sizeof rows / sizeof rows[0] };

/* It ends, nothing was altered, and if it is not complete its client knows that. */
static bool ends_well(unsigned row, uint64_t seed)
{
    const struct party *client = &world.parties[DATAGRAM_CLIENT];
    const struct party *server = &world.parties[DATAGRAM_SERVER];

    if (world_run(rows[row].weather, rows[row].talk, seed) && world_is_honest())
        return true;
    fprintf(stderr, "%s, seed %llu: client end %d, %zu of %zu, server end %d, %zu of %zu\n",
            rows[row].name, (unsigned long long)seed, (int)client->end.end, client->taken,
            replies_to(rows[row].talk->turns), (int)server->end.end, server->taken,
            requests_to(rows[row].talk->turns));
    return false;
}

static void check_row(unsigned row)
{
    unsigned complete = 0;
    uint64_t seed;

    for (seed = 0; seed < rows[row].seeds; seed++) {
        CHECK(ends_well(row, seed));
        complete += world_is_complete();
    }
    if (complete * 1000 < rows[row].complete * rows[row].seeds)
        fprintf(stderr, "%s: %u of %u\n", rows[row].name, complete, rows[row].seeds);
    CHECK(complete * 1000 >= rows[row].complete * rows[row].seeds);
}

int main(void)
{
    unsigned row;

    for (row = 0; row < ROWS; row++)
        check_row(row);
    return check_status();
}
