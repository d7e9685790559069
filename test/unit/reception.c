/* The owner of the well-known port: who is answered, who is believed, who is forgotten. */
#include "net/reception.h"

#include <string.h>

#include "check.h"

#define SID "7c1f0a9be2d45566"

static const uint64_t nonce = UINT64_C(0x00d1e8a94f3b7a21);
static const int64_t second = 1000;

static struct reception reception;
static struct reception_caller caller;
static struct reception_result result;
static char octets[SEGMENT_LIMIT + 1];

static void begin(void)
{
    memset(&reception, 0, sizeof reception);
    memcpy(reception.key, "a key of 16 octe", SIPHASH_KEY);
    memset(&caller, 0, sizeof caller);
    caller.peer = (struct peer){ .address = { 192, 0, 2, 7 }, .port = 40000, .version = 4 };
    caller.now_ms = 5000 * second;
}

static enum reception_verdict judge(size_t length)
{
    enum reception_verdict verdict;

    caller.octets = octets;
    caller.length = length;
    memset(&result, 0x55, sizeof result);
    verdict = reception_judge(&reception, &caller, &result);
    if (verdict == RECEPTION_ANSWER)
        CHECK(result.length > 0 && result.length <= length && result.length <= SEGMENT_ANSWER);
    return verdict;
}

static enum reception_verdict judge_text(const char *text)
{
    memcpy(octets, text, strlen(text));
    return judge(strlen(text));
}

/* A hello with that nonce, and with a cookie if there is one. */
static enum reception_verdict hello(uint64_t cn, const struct cookie *cookie)
{
    struct segment segment = { .kind = SEGMENT_H, .id = cn, .window = 7 };

    if (cookie != NULL) {
        segment.has_cookie = true;
        segment.cookie = *cookie;
    }
    return judge(segment_write(&segment, octets));
}

/* What the caller is given for a hello without a cookie. */
static struct cookie cookie_for(uint64_t cn)
{
    struct segment answer = { .kind = SEGMENT_R };

    CHECK(hello(cn, NULL) == RECEPTION_ANSWER);
    CHECK(segment_parse(&answer, result.answer, result.length));
    CHECK(answer.kind == SEGMENT_C && answer.id == cn && result.length == 48);
    return answer.cookie;
}

/* With a cookie of now. */
static enum reception_verdict believed_hello(uint64_t cn)
{
    struct cookie cookie = cookie_for(cn);

    return hello(cn, &cookie);
}

static void others_are_not_ours(void)
{
    begin();
    CHECK(judge_text("") == RECEPTION_NOT_OURS);
    CHECK(judge_text("\r\n") == RECEPTION_NOT_OURS);
    CHECK(judge_text("HELO usal.es\r\n") == RECEPTION_NOT_OURS);
    CHECK(judge_text("S1") == RECEPTION_NOT_OURS);
    CHECK(judge_text("s1 H") == RECEPTION_NOT_OURS);
}

static void what_only_looks_like_ours_is_counted(void)
{
    struct segment segment = { .kind = SEGMENT_H, .id = nonce, .window = 7 };

    begin();
    CHECK(judge_text("S1 ") == RECEPTION_WRONG);
    CHECK(judge_text("S1 H\n") == RECEPTION_WRONG);
    CHECK(judge_text("S1 X " SID " 1 0 0 0 0 -\nx") == RECEPTION_WRONG);
    CHECK(judge_text("S1 D " SID " 0 0 0 0 0 -\n") == RECEPTION_WRONG);
    memset(octets, '.', sizeof octets);
    segment_write(&segment, octets);
    CHECK(judge(SEGMENT_HELLO - 1) == RECEPTION_WRONG); /* else an answer could be longer */
    CHECK(judge(SEGMENT_HELLO) == RECEPTION_ANSWER);
    CHECK(judge(SEGMENT_LIMIT) == RECEPTION_ANSWER);
    CHECK(judge(SEGMENT_LIMIT + 1) == RECEPTION_WRONG);
}

static void a_hello_is_given_a_cookie(void)
{
    struct cookie_owner owner = { &caller.peer, nonce };
    struct cookie cookie;

    begin();
    cookie = cookie_for(nonce);
    CHECK(cookie_is_good(&cookie, reception.key, &owner, 5000));
}

static void who_brings_it_back_is_believed(void)
{
    struct cookie cookie;

    begin();
    cookie = cookie_for(nonce);
    CHECK(hello(nonce, &cookie) == RECEPTION_HELLO);
    CHECK(result.cn == nonce && result.window == 7);
    CHECK(hello(nonce, &cookie) == RECEPTION_HELLO); /* nobody said that it was handed over */
    caller.now_ms += 30 * second;
    CHECK(hello(nonce, &cookie) == RECEPTION_HELLO);
    caller.now_ms += second;
    CHECK(hello(nonce, &cookie) == RECEPTION_ANSWER);
}

/* One that is wrong or old is as none: the answer is a cookie, a fresh one. */
static void a_wrong_cookie_is_none(void)
{
    struct cookie cookie, wrong;
    struct segment answer;

    begin();
    cookie = wrong = cookie_for(nonce);
    wrong.mac ^= 1;
    CHECK(hello(nonce, &wrong) == RECEPTION_ANSWER);
    CHECK(hello(nonce + 1, &cookie) == RECEPTION_ANSWER);
    caller.now_ms += 31 * second;
    CHECK(hello(nonce, &cookie) == RECEPTION_ANSWER);
    CHECK(segment_parse(&answer, result.answer, result.length) && answer.kind == SEGMENT_C);
    CHECK(answer.id == nonce && hello(nonce, &answer.cookie) == RECEPTION_HELLO);
    caller.peer.port++;
    CHECK(hello(nonce, &answer.cookie) == RECEPTION_ANSWER);
    caller.peer.port--;
    caller.peer.address[0] = 10;
    CHECK(hello(nonce, &answer.cookie) == RECEPTION_ANSWER);
}

static void a_cookie_of_no_form_is_none(void)
{
    begin();
    memset(octets, '.', sizeof octets);
    memcpy(octets, "S1 H 00d1e8a94f3b7a21 w=7 k=abc\n", 32);
    CHECK(judge(64) == RECEPTION_ANSWER && result.answer[3] == 'C');
}

/* However often the network doubles it: one hello, one session. */
static void a_repetition_is_dropped_while_a_worker_waits(void)
{
    struct cookie cookie;
    int64_t begun_ms;

    begin();
    cookie = cookie_for(nonce);
    begun_ms = caller.now_ms;
    CHECK(hello(nonce, &cookie) == RECEPTION_HELLO);
    reception_remember(&reception, &caller.peer, nonce, begun_ms);
    for (; caller.now_ms <= begun_ms + RECEPTION_MEMORY_MS; caller.now_ms += 10)
        CHECK(hello(nonce, &cookie) == RECEPTION_DROP);
    CHECK(RECEPTION_MEMORY_MS > 15 * 1250); /* that long four waits of a W are */
    /* Whatever became of that worker: the client is there, and says it with the same cookie. */
    CHECK(hello(nonce, &cookie) == RECEPTION_HELLO);
}

static void nobody_else_is_dropped(void)
{
    begin();
    CHECK(believed_hello(nonce) == RECEPTION_HELLO);
    reception_remember(&reception, &caller.peer, nonce, caller.now_ms);
    CHECK(believed_hello(nonce + 1) == RECEPTION_HELLO);
    caller.peer.port++;
    CHECK(believed_hello(nonce) == RECEPTION_HELLO);
    caller.peer.port--;
    caller.peer.address[3]++;
    CHECK(believed_hello(nonce) == RECEPTION_HELLO);
}

static void a_nonce_can_come_back(void)
{
    begin();
    CHECK(believed_hello(nonce) == RECEPTION_HELLO);
    reception_remember(&reception, &caller.peer, nonce, caller.now_ms);
    caller.now_ms += 32 * second;
    CHECK(believed_hello(nonce) == RECEPTION_HELLO);
}

static void so_many_are_remembered(void)
{
    struct cookie first;
    uint64_t cn;

    begin();
    first = cookie_for(1);
    for (cn = 1; cn <= 4096; cn++)
        reception_remember(&reception, &caller.peer, cn, caller.now_ms);
    CHECK(hello(1, &first) == RECEPTION_DROP);
    for (cn = 1; cn <= 4096; cn += 13) {
        struct cookie cookie = cookie_make(
            reception.key, &(struct cookie_owner){ &caller.peer, cn }, 5000);

        CHECK(hello(cn, &cookie) == RECEPTION_DROP);
    }
    reception_remember(&reception, &caller.peer, cn, caller.now_ms);
    CHECK(hello(1, &first) == RECEPTION_HELLO); /* the oldest made room */
    CHECK(believed_hello(4097) == RECEPTION_HELLO);
    first = cookie_make(reception.key, &(struct cookie_owner){ &caller.peer, 2 }, 5000);
    CHECK(hello(2, &first) == RECEPTION_DROP);
}

static void check_stray(const char *text)
{
    CHECK(judge_text(text) == RECEPTION_ANSWER);
    CHECK(result.length == 26 && memcmp(result.answer, "S1 R " SID " 503\n", 26) == 0);
}

static void a_stray_segment_is_told_so(void)
{
    begin();
    check_stray("S1 D " SID " 1 0 0 0 0 -\nx");
    check_stray("S1 D " SID " 400 77 ff 32 12345678 12345678\nQUIT\r\n");
    check_stray("S1 F " SID " 9 0 0 0 0 -\n");
    check_stray("S1 F " SID " 9 0 0 0 0 -\n221 bye\r\n");
    check_stray("S1 P " SID " 0 0 0 0 0 -\n");
}

static void the_rest_is_not_answered(void)
{
    begin();
    CHECK(judge_text("S1 A " SID " 0 0 0 0 0 -\n") == RECEPTION_DROP);
    CHECK(judge_text("S1 R " SID " 503\n") == RECEPTION_DROP);
    CHECK(judge_text("S1 C " SID " 67403b5e.9b1c44d07ae2f310\n") == RECEPTION_DROP);
    CHECK(judge_text("S1 W " SID " 1 0 0 0 0 - 00d1e8a94f3b7a21\nx") == RECEPTION_DROP);
}

static void a_hello_can_be_refused(void)
{
    begin();
    CHECK(believed_hello(nonce) == RECEPTION_HELLO);
    reception_refuse(&result);
    CHECK(result.length == 26);
    CHECK(memcmp(result.answer, "S1 R 00d1e8a94f3b7a21 450\n", 26) == 0);
    CHECK(believed_hello(nonce) == RECEPTION_HELLO); /* it may come back */
}

/* With a cookie or without: a server that closes has room for nobody. */
static void a_closing_server_says_so(void)
{
    struct cookie cookie;

    begin();
    cookie = cookie_for(nonce);
    caller.is_closing = true;
    CHECK(hello(nonce, &cookie) == RECEPTION_ANSWER && result.length == 26);
    CHECK(memcmp(result.answer, "S1 R 00d1e8a94f3b7a21 421\n", 26) == 0);
    CHECK(hello(nonce, NULL) == RECEPTION_ANSWER && result.length == 26);
    CHECK(memcmp(result.answer, "S1 R 00d1e8a94f3b7a21 421\n", 26) == 0);
    check_stray("S1 D " SID " 1 0 0 0 0 -\nx");
    CHECK(judge_text("HELO usal.es\r\n") == RECEPTION_NOT_OURS);
}

/* Who could foretell it could speak in the name of another. */
static void each_session_has_an_id_of_its_own(void)
{
    struct cookie cookie;
    uint64_t sid;

    begin();
    cookie = cookie_for(nonce);
    CHECK(hello(nonce, &cookie) == RECEPTION_HELLO);
    sid = result.sid;
    CHECK(sid != cookie.mac && sid != nonce);
    CHECK(believed_hello(nonce + 1) == RECEPTION_HELLO && result.sid != sid);
    caller.now_ms += second;
    CHECK(believed_hello(nonce) == RECEPTION_HELLO && result.sid != sid);
    caller.now_ms -= second;
    reception.key[0] ^= 1;
    CHECK(believed_hello(nonce) == RECEPTION_HELLO && result.sid != sid);
    reception.key[0] ^= 1;
    caller.peer.port++;
    CHECK(believed_hello(nonce) == RECEPTION_HELLO && result.sid != sid);
}

int main(void)
{
    others_are_not_ours();
    what_only_looks_like_ours_is_counted();
    a_hello_is_given_a_cookie();
    who_brings_it_back_is_believed();
    a_wrong_cookie_is_none();
    a_cookie_of_no_form_is_none();
    a_repetition_is_dropped_while_a_worker_waits();
    nobody_else_is_dropped();
    a_nonce_can_come_back();
    so_many_are_remembered();
    a_stray_segment_is_told_so();
    the_rest_is_not_answered();
    a_hello_can_be_refused();
    a_closing_server_says_so();
    each_session_has_an_id_of_its_own();
    return check_status();
}
