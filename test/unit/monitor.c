/* The answers of the monitor: what is checked before what, and what each command tells. */
#include "watch/monitor.h"

#include <string.h>
#include <unistd.h>

#include "check.h"
#include "watch/slots.h"
#include "watch/steer.h"
#include "watch/totals.h"

/* A moment within a step of the clock. */
#define NOW INT64_C(1719330347)

static struct monitor_config config = {
    .secret = "mipass2", .takes_plain = 1, .has_filter = true,
    .configured = { [STEER_MESSAGE_SIZE] = 10240000, [STEER_ADDRESS_LIMIT] = 50 },
};

static unsigned char answer[MONITOR_LENGTH];

/* Asks with these octets; the length of what is now in `answer`. */
static size_t ask(const void *octets, size_t length)
{
    struct monitor_question question = { octets, length, NOW };

    return monitor_answer(&config, &question, answer);
}

/* The status that 14 octets with this version, this command and the right secret get. */
static int status_of(uint8_t version, uint8_t command)
{
    struct monitor_request request = { .version = version, .id = 0x1234, .command = command };
    unsigned char question[MONITOR_LENGTH];

    memcpy(request.token, config.secret, MONITOR_SECRET);
    monitor_write_request(question, &request);
    memset(answer, 0xaa, sizeof answer);
    CHECK(ask(question, sizeof question) == MONITOR_LENGTH);
    CHECK(memcmp(answer, "\xff\xfe\0\x12\x34", 5) == 0 || version == MONITOR_HASHED);
    return answer[5];
}

/* Is the answer's data, the 8 octets behind the status, this? */
static bool told(const char *data)
{
    return memcmp(answer + 6, data, 8) == 0;
}

static uint64_t quantity(enum monitor_command command)
{
    struct monitor_reply reply;

    CHECK(status_of(0, (uint8_t)command) == MONITOR_OK);
    CHECK(monitor_read_reply(answer, sizeof answer, MONITOR_QUANTITY, &reply));
    return reply.value;
}

static void the_first_fault_is_told(void)
{
    unsigned char question[MONITOR_LENGTH + 1] = "\xff\xfe\1\x12\x34" "zzzzzzzz\xf0";

    CHECK(ask("\xff", 1) == 0);
    CHECK(ask("", 0) == 0);
    CHECK(ask("\xfe\xff\0\0\0\0\0\0\0\0\0\0\0\0", 14) == 0);
    CHECK(ask("\xff\xfe", 2) == MONITOR_LENGTH);
    CHECK(memcmp(answer, "\xff\xfe\0\0\0\4\0\0\0\0\0\0\0\0", MONITOR_LENGTH) == 0);
    CHECK(ask(question, 15) == MONITOR_LENGTH);
    CHECK(memcmp(answer, "\xff\xfe\1\x12\x34\4\0\0\0\0\0\0\0\0", MONITOR_LENGTH) == 0);
    CHECK(ask(question, 14) == MONITOR_LENGTH);
    CHECK(answer[2] == 1 && answer[5] == MONITOR_BAD_SECRET);
    question[2] = 2;
    CHECK(ask(question, 14) == MONITOR_LENGTH);
    CHECK(answer[2] == 0 && answer[5] == MONITOR_BAD_VERSION && told("\0\0\0\0\0\0\0"));
    question[2] = 0;
    CHECK(ask(question, 14) == MONITOR_LENGTH);
    CHECK(answer[5] == MONITOR_BAD_SECRET);
    CHECK(status_of(0, MONITOR_COMMANDS) == MONITOR_BAD_COMMAND);
    CHECK(status_of(0, 0xff) == MONITOR_BAD_COMMAND);
}

static void plain_questions_can_be_refused(void)
{
    config.takes_plain = 0;
    CHECK(status_of(0, MONITOR_MAILS) == MONITOR_BAD_VERSION);
    config.takes_plain = 1;
    CHECK(status_of(0, MONITOR_MAILS) == MONITOR_OK);
}

/* What a question in version 1 gets whose hash is of the time `made_s`. */
static int status_at(int64_t made_s)
{
    struct monitor_request request = { .version = 1, .id = 7, .command = MONITOR_MAILS };
    unsigned char question[MONITOR_LENGTH];

    monitor_hash(&request, config.secret, (uint64_t)made_s / MONITOR_STEP_S, request.token);
    monitor_write_request(question, &request);
    CHECK(ask(question, sizeof question) == MONITOR_LENGTH);
    CHECK(answer[2] == 1);
    return answer[5];
}

static void a_hash_is_good_for_three_steps(void)
{
    CHECK(status_at(NOW) == MONITOR_OK);
    CHECK(status_at(NOW - MONITOR_STEP_S) == MONITOR_OK);
    CHECK(status_at(NOW + MONITOR_STEP_S) == MONITOR_OK);
    CHECK(status_at(NOW - INT64_C(2) * MONITOR_STEP_S) == MONITOR_BAD_SECRET);
    CHECK(status_at(NOW + INT64_C(2) * MONITOR_STEP_S) == MONITOR_BAD_SECRET);
    CHECK(status_of(1, MONITOR_MAILS) == MONITOR_BAD_SECRET); /* the secret itself is no hash */
}

static void totals_are_told_whole(void)
{
    totals_serve(TRANSPORT_TCP);
    totals_add(TOTAL_SENT, UINT64_C(0x500000000));
    totals_add(TOTAL_RECEIVED, 2);
    totals_serve(TRANSPORT_UDP);
    totals_add(TOTAL_RECEIVED, 0x102);
    CHECK(status_of(0, MONITOR_OCTETS) == MONITOR_OK);
    CHECK(told("\0\0\1\4\0\0\0\5")); /* the low half, then the high one */
    CHECK(quantity(MONITOR_TCP_RECEIVED) == 2);
    CHECK(quantity(MONITOR_UDP_RECEIVED) == 0x102);
    CHECK(quantity(MONITOR_TCP_SENT) == UINT64_C(0x500000000));
    CHECK(quantity(MONITOR_UDP_SENT) == 0);
    totals_add(TOTAL_FILTER_RUNS, 9);
    CHECK(quantity(MONITOR_FILTER_RUNS) == 9);
}

static void workers_are_told(void)
{
    struct peer peer = { .address = { 192, 0, 2, 1 }, .port = 7, .version = 4 };
    int tcp = slot_take(TRANSPORT_TCP), udp = slot_take(TRANSPORT_UDP);
    unsigned sessions;

    slot_begin(tcp, getpid());
    slot_begin(udp, getpid());
    slot_idle(tcp);
    slot_idle(udp);
    CHECK(quantity(MONITOR_WORKERS_IDLE) == 2 && quantity(MONITOR_CONCURRENT) == 0);
    slot_busy(udp, &peer, &sessions);
    CHECK(quantity(MONITOR_WORKERS_IDLE) == 1 && quantity(MONITOR_CONCURRENT) == 1);
    slot_free(udp); /* it was killed */
    CHECK(quantity(MONITOR_CONCURRENT) == 0);
    slot_free(tcp);
}

static void the_filter_is_switched(void)
{
    CHECK(status_of(0, MONITOR_FILTER) == MONITOR_OK && told("\1\0\0\0\0\0\0"));
    CHECK(status_of(0, MONITOR_FILTER_OFF) == MONITOR_OK && told("\0\0\0\0\0\0\0"));
    CHECK(totals_filter_is_off());
    CHECK(status_of(0, MONITOR_FILTER) == MONITOR_OK && told("\0\0\0\0\0\0\0"));
    CHECK(status_of(0, MONITOR_FILTER_ON) == MONITOR_OK && told("\0\0\0\0\0\0\0"));
    CHECK(!totals_filter_is_off());
    config.has_filter = false;
    CHECK(status_of(0, MONITOR_FILTER) == MONITOR_NO_FILTER && told("\0\0\0\0\0\0\0"));
    CHECK(status_of(0, MONITOR_FILTER_OFF) == MONITOR_NO_FILTER);
    CHECK(!totals_filter_is_off());
    config.has_filter = true;
}

static void settings_are_set_and_told(void)
{
    CHECK(quantity(MONITOR_MESSAGE_SIZE) == 10240000);
    CHECK(status_of(0, MONITOR_SET_MESSAGE_SIZE + 4) == MONITOR_OK);
    CHECK(quantity(MONITOR_MESSAGE_SIZE) == 1048576);
    CHECK(status_of(0, MONITOR_SET_ADDRESS_LIMIT) == MONITOR_OK);
    CHECK(quantity(MONITOR_ADDRESS_LIMIT) == 1);
    CHECK(status_of(0, MONITOR_SET_LOG_TEXT + 1) == MONITOR_OK);
    CHECK(status_of(0, MONITOR_LOG_TEXT) == MONITOR_OK && told("\1\0\0\0\0\0\0"));
    CHECK(status_of(0, MONITOR_SET_LOG_TEXT + 2) == MONITOR_BAD_COMMAND);
    CHECK(status_of(0, MONITOR_SET_MESSAGE_SIZE + 15) == MONITOR_BAD_COMMAND);
    steer_reset();
    CHECK(quantity(MONITOR_MESSAGE_SIZE) == 10240000 && quantity(MONITOR_ADDRESS_LIMIT) == 50);
    CHECK(status_of(0, MONITOR_LOG_TEXT) == MONITOR_OK && told("\0\0\0\0\0\0\0"));
}

int main(void)
{
    CHECK(counters_start(4) == 0 && totals_start(NULL) == 0);
    the_first_fault_is_told();
    plain_questions_can_be_refused();
    a_hash_is_good_for_three_steps();
    totals_are_told_whole();
    workers_are_told();
    the_filter_is_switched();
    settings_are_set_and_told();
    return check_status();
}
