/* See reception.h. */
#include "net/reception.h"

#include <string.h>

static uint64_t hash_of(const struct reception *reception, const struct peer *peer, uint64_t cn)
{
    const struct cookie_owner owner = { peer, cn };

    return cookie_make(reception->key, &owner, 0).mac;
}

static bool is_recent(const struct reception *reception, const struct peer *peer, uint64_t cn,
                      int64_t now_ms)
{
    uint64_t hash = hash_of(reception, peer, cn);
    size_t i;

    for (i = 0; i < RECEPTION_RECENT; i++)
        if (reception->recent[i].hash == hash &&
            now_ms - reception->recent[i].at_ms <= RECEPTION_MEMORY_MS)
            return true;
    return false;
}

static enum reception_verdict answer(struct reception_result *result,
                                     const struct segment *segment)
{
    char out[SEGMENT_LIMIT];

    result->length = segment_write(segment, out);
    memcpy(result->answer, out, result->length);
    return RECEPTION_ANSWER;
}

static enum reception_verdict refuse(struct reception_result *result, uint64_t id, unsigned code)
{
    const struct segment refusal = { .kind = SEGMENT_R, .id = id, .code = code };

    return answer(result, &refusal);
}

/* Nobody can foretell it: it is the hash for a time that no cookie has. */
static uint64_t sid_for(const struct reception *reception, const struct cookie_owner *owner,
                        uint32_t now_s)
{
    return cookie_make(reception->key, owner, ~now_s).mac;
}

static enum reception_verdict judge_hello(const struct reception *reception,
                                          const struct reception_caller *caller,
                                          const struct segment *hello,
                                          struct reception_result *result)
{
    const struct cookie_owner owner = { &caller->peer, hello->id };
    uint32_t now_s = (uint32_t)(caller->now_ms / 1000);
    struct segment given = { .kind = SEGMENT_C, .id = hello->id };

    if (caller->is_closing)
        return refuse(result, hello->id, SEGMENT_LEAVING);
    if (!hello->has_cookie || !cookie_is_good(&hello->cookie, reception->key, &owner, now_s)) {
        given.cookie = cookie_make(reception->key, &owner, now_s);
        return answer(result, &given);
    }
    if (is_recent(reception, &caller->peer, hello->id, caller->now_ms))
        return RECEPTION_DROP;
    result->cn = hello->id;
    result->sid = sid_for(reception, &owner, now_s);
    result->window = hello->window;
    return RECEPTION_HELLO;
}

enum reception_verdict reception_judge(const struct reception *reception,
                                       const struct reception_caller *caller,
                                       struct reception_result *result)
{
    struct segment segment;

    if (!segment_is_ours(caller->octets, caller->length))
        return RECEPTION_NOT_OURS;
    if (!segment_parse(&segment, caller->octets, caller->length))
        return RECEPTION_WRONG;
    switch (segment.kind) {
    case SEGMENT_H:
        return judge_hello(reception, caller, &segment, result);
    case SEGMENT_D:
    case SEGMENT_F:
    case SEGMENT_P:
        return refuse(result, segment.id, SEGMENT_NO_SESSION);
    default:
        return RECEPTION_DROP;
    }
}

void reception_remember(struct reception *reception, const struct peer *peer, uint64_t cn,
                        int64_t now_ms)
{
    reception->recent[reception->next].hash = hash_of(reception, peer, cn);
    reception->recent[reception->next].at_ms = now_ms;
    reception->next = (reception->next + 1) % RECEPTION_RECENT;
}

void reception_refuse(struct reception_result *result)
{
    refuse(result, result->cn, SEGMENT_TOO_MANY);
}
