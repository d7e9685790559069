/* The totals: added to by several processes, found again by the next server, never believed when damaged. */
#include "watch/totals.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "core/signals.h"

static char folder[] = "/tmp/unit-totals.XXXXXX";
static char path[64], aside[80];

static bool exists(const char *name)
{
    return access(name, F_OK) == 0;
}

/* What the next server finds. */
static uint64_t found(enum total total, enum transport transport)
{
    CHECK(totals_start(path) == 0);
    return totals_read(total, transport);
}

static void begin_anew(void)
{
    unlink(path);
    unlink(aside);
    CHECK(totals_start(path) == 0);
    totals_serve(TRANSPORT_TCP);
}

static void each_transport_has_its_own(void)
{
    begin_anew();
    totals_add(TOTAL_MAILS, 2);
    totals_serve(TRANSPORT_UDP);
    totals_add(TOTAL_MAILS, 5);
    totals_add(TOTAL_WORKERS_BORN, 7);
    totals_serve(TRANSPORT_TCP);
    totals_add(TOTAL_WORKERS_BORN, 1);
    CHECK(totals_read(TOTAL_MAILS, TRANSPORT_TCP) == 2);
    CHECK(totals_read(TOTAL_MAILS, TRANSPORT_UDP) == 5);
    CHECK(totals_read(TOTAL_WORKERS_BORN, TRANSPORT_TCP) == 8);
}

static void a_clean_end_keeps_them(void)
{
    begin_anew();
    totals_add(TOTAL_RECEIVED, UINT64_C(0x500000007));
    totals_switch_filter(true);
    totals_end();
    CHECK(found(TOTAL_RECEIVED, TRANSPORT_TCP) == UINT64_C(0x500000007));
    CHECK(totals_filter_is_off());
    totals_switch_filter(false);
    CHECK(found(TOTAL_RECEIVED, TRANSPORT_TCP) == UINT64_C(0x500000007));
    CHECK(!totals_filter_is_off());
    CHECK(!exists(aside));
}

static void a_process_that_is_killed_loses_nothing(void)
{
    pid_t child;
    int status;

    begin_anew();
    totals_add(TOTAL_SESSIONS, 1);
    child = fork();
    if (child == 0) {
        totals_add(TOTAL_SESSIONS, 10);
        raise(SIGKILL);
    }
    CHECK(waitpid(child, &status, 0) == child && WIFSIGNALED(status));
    CHECK(totals_read(TOTAL_SESSIONS, TRANSPORT_TCP) == 11);
    CHECK(found(TOTAL_SESSIONS, TRANSPORT_TCP) == 11);
}

/* A worker of a server that was killed goes on counting when the next one has ended cleanly. */
static void counting_after_the_end_is_no_damage(void)
{
    begin_anew();
    totals_end();
    totals_add(TOTAL_MAILS, 3);
    CHECK(found(TOTAL_MAILS, TRANSPORT_TCP) == 3);
    CHECK(!exists(aside));
}

/* Writes `octet` at `at` of the file, counted from its end where that is negative. */
static void spoil(off_t at, char octet)
{
    int file = open(path, O_RDWR);

    CHECK(file >= 0 && lseek(file, at, at < 0 ? SEEK_END : SEEK_SET) >= 0);
    CHECK(write(file, &octet, 1) == 1);
    close(file);
}

static void begin_with_a_sealed_mail(void)
{
    begin_anew();
    totals_add(TOTAL_MAILS, 1);
    totals_end();
}

static void damage_is_set_aside(void)
{
    static const off_t places[] = { 0, 8, 12, 16, COUNTERS_LINE, (off_t)2 * COUNTERS_LINE, -COUNTERS_LINE };
    size_t i;

    for (i = 0; i < sizeof places / sizeof places[0]; i++) {
        begin_with_a_sealed_mail();
        spoil(places[i], 'x');
        CHECK(found(TOTAL_MAILS, TRANSPORT_TCP) == 0);
        CHECK(exists(aside) && exists(path));
        /* And the new one is good. */
        totals_add(TOTAL_MAILS, 4);
        CHECK(found(TOTAL_MAILS, TRANSPORT_TCP) == 4);
    }
}

static void a_file_of_another_length_is_set_aside(void)
{
    static const off_t lengths[] = { 1, 8, 100, 3000, 100000 };
    size_t i;

    for (i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        begin_with_a_sealed_mail();
        CHECK(truncate(path, lengths[i]) == 0);
        CHECK(found(TOTAL_MAILS, TRANSPORT_TCP) == 0);
        CHECK(exists(aside) && exists(path));
    }
}

/* A full disk, or a kill while it was made, may leave it so: there is nothing to set aside. */
static void an_empty_file_is_a_new_one(void)
{
    begin_with_a_sealed_mail();
    CHECK(truncate(path, 0) == 0);
    CHECK(found(TOTAL_MAILS, TRANSPORT_TCP) == 0);
    CHECK(!exists(aside));
}

/* Adds to what a child has cut; who touches it then would be killed by SIGBUS. */
static void a_file_that_is_cut_under_it_is_mended(void)
{
    signals_mend_memory(totals_mend);
    begin_with_a_sealed_mail();
    CHECK(truncate(path, 0) == 0);
    totals_add(TOTAL_MAILS, 5);
    totals_add(TOTAL_WORKERS_DIED, 1);
    CHECK(totals_read(TOTAL_WORKERS_DIED, TRANSPORT_TCP) == 1);
    CHECK(totals_read(TOTAL_MAILS, TRANSPORT_TCP) == 5);
    CHECK(found(TOTAL_WORKERS_DIED, TRANSPORT_TCP) == 1);
    CHECK(totals_read(TOTAL_MAILS, TRANSPORT_TCP) == 5);
    CHECK(!exists(aside));
}

/* Nothing can be written to the file, as on a full disk: who touches it then would be killed by SIGBUS. */
static void a_file_that_cannot_be_mended_is_left(void)
{
    struct rlimit before, none;
    pid_t child;
    int status;

    begin_with_a_sealed_mail();
    CHECK(!totals_give_up());
    CHECK(getrlimit(RLIMIT_FSIZE, &before) == 0);
    none = before;
    none.rlim_cur = 0;
    CHECK(setrlimit(RLIMIT_FSIZE, &none) == 0 && truncate(path, 0) == 0);
    child = fork();
    if (child == 0) {
        totals_add(TOTAL_MAILS, 5);
        _exit(totals_read(TOTAL_MAILS, TRANSPORT_TCP) == 5 ? 0 : 1);
    }
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    CHECK(totals_give_up() && !totals_give_up());
    CHECK(totals_read(TOTAL_MAILS, TRANSPORT_TCP) == 5);
    totals_add(TOTAL_MAILS, 1);
    CHECK(totals_read(TOTAL_MAILS, TRANSPORT_TCP) == 6);
    totals_end();
    CHECK(setrlimit(RLIMIT_FSIZE, &before) == 0);
    CHECK(found(TOTAL_MAILS, TRANSPORT_TCP) == 0);
    CHECK(!exists(aside));
}

/* However often it is cut, it is mended. */
static void a_file_is_mended_again_and_again(void)
{
    int times;

    begin_anew();
    for (times = 0; times < 1000; times++) {
        CHECK(truncate(path, 0) == 0);
        totals_add(TOTAL_MAILS, 1);
    }
    CHECK(totals_read(TOTAL_MAILS, TRANSPORT_TCP) == 1);
    CHECK(found(TOTAL_MAILS, TRANSPORT_TCP) == 1);
}

static void the_dead_of_a_server_before_are_counted(void)
{
    begin_anew();
    totals_add(TOTAL_WORKERS_BORN, 9);
    totals_add(TOTAL_WORKERS_DIED, 2);
    totals_bury();
    CHECK(totals_read(TOTAL_WORKERS_DIED, TRANSPORT_TCP) == 9);
}

static void without_a_file_they_count_all_the_same(void)
{
    CHECK(totals_start(NULL) == 0);
    totals_add(TOTAL_MAILS, 1);
    CHECK(totals_read(TOTAL_MAILS, TRANSPORT_TCP) == 1);
    CHECK(totals_start("/nowhere/at/all") == 0);
    CHECK(totals_read(TOTAL_MAILS, TRANSPORT_TCP) == 0);
    totals_add(TOTAL_MAILS, 1);
    totals_end();
}

int main(void)
{
    CHECK(counters_start(1) == 0 && mkdtemp(folder) != NULL);
    signals_spare();
    snprintf(path, sizeof path, "%s/contadores", folder);
    snprintf(aside, sizeof aside, "%s.old", path);
    each_transport_has_its_own();
    a_clean_end_keeps_them();
    a_process_that_is_killed_loses_nothing();
    counting_after_the_end_is_no_damage();
    damage_is_set_aside();
    a_file_of_another_length_is_set_aside();
    an_empty_file_is_a_new_one();
    a_file_that_is_cut_under_it_is_mended();
    a_file_is_mended_again_and_again();
    a_file_that_cannot_be_mended_is_left();
    the_dead_of_a_server_before_are_counted();
    without_a_file_they_count_all_the_same();
    unlink(path);
    unlink(aside);
    CHECK(rmdir(folder) == 0);
    return check_status();
}
