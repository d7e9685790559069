/*
 * The owner of the well-known port: only who shows a good cookie is believed, no answer is
 * longer than what came, and a hello that was handed over is not taken again while it is
 * remembered. The first octets say how the clock runs and who calls; the rest is the datagram.
 */
#include "net/reception.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CALLERS = 3, NONCE = 8, BEGIN_S = 1000 };

static struct reception reception;

static void check_answer(const struct reception_caller *caller,
                         const struct reception_result *result)
{
    struct segment answer, heard;

    assert(result->length > 0 && result->length <= caller->length);
    assert(segment_parse(&answer, result->answer, result->length));
    assert(segment_parse(&heard, caller->octets, caller->length));
    assert(answer.id == heard.id);
    if (heard.kind == SEGMENT_H)
        assert(answer.kind == SEGMENT_C);
    else
        assert(answer.kind == SEGMENT_R && answer.code == 503);
}

static void check_hello(const struct reception_caller *caller,
                        const struct reception_result *result)
{
    struct cookie_owner owner = { &caller->peer, result->cn };
    struct segment hello;

    assert(segment_parse(&hello, caller->octets, caller->length));
    assert(hello.kind == SEGMENT_H && hello.has_cookie && hello.id == result->cn);
    assert(hello.window == result->window);
    assert(cookie_is_good(&hello.cookie, reception.key, &owner,
                          (uint32_t)(caller->now_ms / 1000)));
}

/* The same datagram, `later_ms` later. */
static enum reception_verdict judge(struct reception_caller caller, int64_t later_ms)
{
    struct reception_result result;
    struct segment heard;
    enum reception_verdict verdict;

    caller.now_ms += later_ms;
    verdict = reception_judge(&reception, &caller, &result);
    assert((verdict == RECEPTION_NOT_OURS) == !segment_is_ours(caller.octets, caller.length));
    assert((verdict == RECEPTION_WRONG) ==
           (segment_is_ours(caller.octets, caller.length) &&
            !segment_parse(&heard, caller.octets, caller.length)));
    if (verdict == RECEPTION_ANSWER)
        check_answer(&caller, &result);
    if (verdict == RECEPTION_HELLO)
        check_hello(&caller, &result);
    return verdict;
}

/* While it is remembered there is no second session of one hello. */
static void check_repetitions(const struct reception_caller *caller, unsigned step_ms)
{
    struct segment hello;
    int64_t later_ms;

    if (judge(*caller, 0) != RECEPTION_HELLO)
        return;
    assert(segment_parse(&hello, caller->octets, caller->length));
    reception_remember(&reception, &caller->peer, hello.id, caller->now_ms);
    for (later_ms = 0; later_ms <= RECEPTION_MEMORY_MS; later_ms += step_ms) {
        enum reception_verdict again = judge(*caller, later_ms);

        assert(again != RECEPTION_HELLO);
    }
}

/* A hello with a good cookie, some octets of which are other than they should be. */
static void try_hello(struct reception_caller caller, const uint8_t *data, size_t size)
{
    struct segment hello = { .kind = SEGMENT_H, .id = NONCE, .window = 1, .has_cookie = true };
    struct cookie_owner owner = { &caller.peer, NONCE };
    char out[SEGMENT_LIMIT];
    size_t i;

    hello.cookie = cookie_make(reception.key, &owner, BEGIN_S);
    caller.length = segment_write(&hello, out);
    caller.octets = out;
    for (i = 0; i + 1 < size; i += 2)
        out[data[i] % caller.length] = (char)data[i + 1];
    check_repetitions(&caller, size > 0 ? 100 + data[0] : 100);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reception_caller caller = { .now_ms = BEGIN_S * INT64_C(1000) };
    char *octets;

    if (size < 4)
        return 0;
    memset(&reception, 0, sizeof reception);
    memcpy(reception.key, "a key of 16 octe", SIPHASH_KEY);
    caller.peer = (struct peer){ .address = { 127, 0, 0, 1 }, .version = 4 };
    caller.peer.port = data[0] % CALLERS;
    caller.now_ms += data[1] * 256 + data[2];
    octets = malloc(size - 3);
    assert(octets != NULL);
    memcpy(octets, data + 3, size - 3);
    caller.octets = octets;
    caller.length = size - 3;
    judge(caller, 0);
    try_hello(caller, data + 3, size - 3);
    free(octets);
    return 0;
}
