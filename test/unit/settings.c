/* The settings: defaults, ranges to their ends, and what a user is told who is wrong. */
#include "settings.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"

static struct config config;
static char why[SETTINGS_WHY_ROOM];

static bool takes(const char *assignment)
{
    why[0] = '\0';
    return settings_take(&config, assignment, why);
}

/* Is `assignment` refused with a `reason` that names it first? */
static bool refuses(const char *assignment, const char *reason)
{
    size_t name = strcspn(assignment, "=");

    return !takes(assignment) && strncmp(why, assignment, name) == 0 && strstr(why, reason) != NULL;
}

static void defaults_are_those_of_the_design(void)
{
    CHECK(config.sessions_per_worker == 100);
    CHECK(config.workers_max == 12000);
    CHECK(config.session.message_size == 10240000);
    CHECK(config.session.recipients == 1000);
    CHECK(config.session.errors == 20);
    CHECK(config.session.command_line == 2048);
    CHECK(config.session.read_timeout_s == 300);
    CHECK(config.sessions_per_address == 50);
    CHECK(config.asks_dns == 0);
    CHECK(config.journal.has_text == 1 && config.monitor.takes_plain == 1);
    CHECK(config.secret_file[0] == '\0');
    CHECK(config.user[0] == '\0' && config.chroot[0] == '\0');
    CHECK(config.mail.filter == NULL && config.mail.filter_timeout_s == 30);
    CHECK(config.udp_plain == UDP_PLAIN_TRUSTED);
    CHECK(!config.udp_ports.is_same && config.udp_ports.low == 0 && config.udp_ports.high == 0);
    CHECK(config.workers_min >= 1 && config.session.session_timeout_s > 0);
}

/* The first and the last value of each range are taken, those outside are not. */
static const struct {
    const char *name, *low, *high, *below, *above;
} ranges[] = {
    { "sessions-per-worker", "1", "1073741824", "0", "1073741825" },
    { "workers-min", "1", "1000000", "0", "1000001" },
    { "workers-max", "1", "1000000", "0", "1000001" },
    { "udp-workers-max", "4", "1000000", "3", "1000001" },
    { "message-size", "65536", "1073741824", "65535", "1073741825" }, /* RFC 5321 4.5.3.1.7 */
    { "recipients", "1", "1000000", "0", "1000001" },
    { "errors", "1", "1000000", "0", "1000001" },
    { "command-line", "512", "16384", "511", "16385" }, /* RFC 5321 4.5.3.1.4 */
    { "read-timeout", "1", "1000000", "0", "1000001" },
    { "session-timeout", "1", "1000000", "0", "1000001" },
    { "sessions-per-address", "1", "1000000", "0", "1000001" },
    { "filter-timeout", "1", "3600", "0", "3601" },
    { "drain-timeout", "0", "1000000", "-1", "1000001" },
};

static bool takes_value(const char *name, const char *value)
{
    char assignment[128];

    snprintf(assignment, sizeof assignment, "%s=%s", name, value);
    return takes(assignment);
}

static void ranges_hold_to_their_ends(void)
{
    size_t i;

    for (i = 0; i < sizeof ranges / sizeof ranges[0]; i++) {
        CHECK(takes_value(ranges[i].name, ranges[i].low));
        CHECK(takes_value(ranges[i].name, ranges[i].high));
        CHECK(!takes_value(ranges[i].name, ranges[i].below));
        CHECK(strstr(why, ranges[i].low) != NULL && strstr(why, ranges[i].high) != NULL);
        CHECK(!takes_value(ranges[i].name, ranges[i].above));
        CHECK(!takes_value(ranges[i].name, ""));
        CHECK(!takes_value(ranges[i].name, "x"));
        CHECK(!takes_value(ranges[i].name, "100x"));
        CHECK(!takes_value(ranges[i].name, "18446744073709551716")); /* 100 modulo 2^64 */
    }
}

static void what_is_refused_changes_nothing(void)
{
    CHECK(takes("errors=7") && takes("udp-plain=any") && takes("udp-port=3-5"));
    CHECK(!takes("errors=0") && !takes("udp-plain=maybe") && !takes("udp-port=9-1"));
    CHECK(config.session.errors == 7 && config.udp_plain == UDP_PLAIN_ANY);
    CHECK(!config.udp_ports.is_same && config.udp_ports.low == 3 && config.udp_ports.high == 5);
}

static void choices_are_words(void)
{
    CHECK(takes("resolve=yes") && config.asks_dns == 1);
    CHECK(takes("resolve=no") && config.asks_dns == 0);
    CHECK(takes("udp-plain=any") && config.udp_plain == UDP_PLAIN_ANY);
    CHECK(takes("udp-plain=off") && config.udp_plain == UDP_PLAIN_OFF);
    CHECK(takes("udp-plain=trusted") && config.udp_plain == UDP_PLAIN_TRUSTED);
    CHECK(!takes("resolve=") && !takes("resolve=y") && !takes("resolve=yes ") &&
          !takes("resolve=YES") && !takes("resolve=1") && !takes("udp-plain=any off"));
}

static void udp_ports_are_one_of_three_forms(void)
{
    CHECK(takes("udp-port=same") && config.udp_ports.is_same);
    CHECK(takes("udp-port=1-65535") && !config.udp_ports.is_same && config.udp_ports.low == 1 &&
          config.udp_ports.high == 65535);
    CHECK(takes("udp-port=4000-4000") && config.udp_ports.low == 4000);
    CHECK(takes("udp-port=ephemeral") && config.udp_ports.low == 0);
    CHECK(!takes("udp-port=0-10") && !takes("udp-port=10-9") && !takes("udp-port=1-65536"));
    CHECK(!takes("udp-port=10") && !takes("udp-port=-10") && !takes("udp-port=10-"));
    CHECK(!takes("udp-port=1-2-3") && !takes("udp-port=") && !takes("udp-port=1 - 2"));
}

static void a_user_is_told_what_is_wrong(void)
{
    CHECK(refuses("error=5", "no such setting"));
    CHECK(refuses("errorss=5", "no such setting"));
    CHECK(refuses("Errors=5", "no such setting"));
    CHECK(refuses("=5", "NAME=VALUE"));
    CHECK(refuses("errors=many", "a number from 1 to 1000000"));
    CHECK(refuses("resolve=maybe", "no or yes"));
    CHECK(refuses("errors", "NAME=VALUE"));
}

static void a_long_mistake_is_cut_not_copied(void)
{
    char assignment[4096];

    memset(assignment, 'x', sizeof assignment);
    assignment[sizeof assignment - 1] = '\0';
    CHECK(!takes(assignment));
    assignment[2000] = '=';
    CHECK(!takes(assignment));
    memcpy(assignment, "errors=", 7);
    CHECK(!takes(assignment));
}

/* Reads `text` as a settings file. */
static bool reads(const char *text)
{
    char path[] = "/tmp/unit-settings-XXXXXX";
    int descriptor = mkstemp(path);
    bool is_good;

    CHECK(descriptor >= 0 && write(descriptor, text, strlen(text)) == (ssize_t)strlen(text));
    close(descriptor);
    why[0] = '\0';
    is_good = settings_read(&config, path, why);
    CHECK(is_good || strncmp(why, path, strlen(path)) == 0);
    unlink(path);
    return is_good;
}

static void a_file_is_lines_of_settings(void)
{
    CHECK(reads("") && reads("\n\n") && reads("# nothing\n   # at all"));
    CHECK(reads("errors=3\nrecipients=7\n") && config.session.errors == 3 &&
          config.session.recipients == 7);
    CHECK(reads("  errors \t=\t 4  # few\r\n") && config.session.errors == 4);
    CHECK(reads("errors=5") && config.session.errors == 5); /* without a line end */
    CHECK(reads("errors=6\nerrors=7\n") && config.session.errors == 7);
}

static void a_wrong_line_is_named_by_its_number(void)
{
    CHECK(!reads("errors=3\n# well\n\nerrors=no\n") && strstr(why, "line 4: errors=no") != NULL);
    CHECK(!reads("errors\n") && strstr(why, "line 1: ") != NULL);
    CHECK(!reads("=\n") && strstr(why, "line 1: ") != NULL);
    CHECK(!settings_read(&config, "/nowhere/at/all", why));
    CHECK(strstr(why, "/nowhere/at/all") != NULL);
}

/* What settings_change() says on standard error. */
static const char *said_at_change(const struct config *fresh)
{
    static char said[256];
    FILE *file = tmpfile();
    int kept = dup(STDERR_FILENO);
    size_t length;

    CHECK(file != NULL && kept >= 0 && dup2(fileno(file), STDERR_FILENO) >= 0);
    settings_change(&config, fresh);
    dup2(kept, STDERR_FILENO);
    close(kept);
    rewind(file);
    length = fread(said, 1, sizeof said - 1, file);
    said[length] = '\0';
    fclose(file);
    return said;
}

/* What is no setting, such as the port, stays; what only a start can change stays and is said. */
static void only_live_settings_change_in_a_running_server(void)
{
    struct config fresh = config;

    CHECK(strcmp(said_at_change(&fresh), "") == 0);
    fresh.session.errors = config.session.errors + 1;
    fresh.udp_plain = UDP_PLAIN_OFF;
    fresh.port = (uint16_t)(config.port + 1);
    CHECK(strcmp(said_at_change(&fresh), "") == 0);
    CHECK(config.session.errors == fresh.session.errors && config.udp_plain == UDP_PLAIN_OFF);
    CHECK(config.port != fresh.port);
    fresh.workers_min = config.workers_min + 1;
    CHECK(strncmp(said_at_change(&fresh), "servidor: workers-min: ", 23) == 0);
    CHECK(config.workers_min != fresh.workers_min);
}

/* Each adds to the ones before; nothing at all begins anew. */
static void domains_add_up(void)
{
    char many[SETTINGS_WHY_ROOM];
    unsigned taken;

    CHECK(config.mail.domains[0] == '\0');
    CHECK(takes("domain=usal.es") && takes("domain=Beta.ARPA"));
    CHECK(strcmp(config.mail.domains, "usal.es Beta.ARPA ") == 0);
    CHECK(takes("domain=") && config.mail.domains[0] == '\0');
    CHECK(refuses("domain=usal..es", "domain") && refuses("domain=a b", "domain"));
    CHECK(refuses("domain=a@b", "domain") && config.mail.domains[0] == '\0');
    memset(many, 'd', sizeof many);
    memcpy(many, "domain=", 7);
    many[7 + 63] = '\0';
    for (taken = 0; takes(many); taken++)
        continue;
    CHECK(taken == MAIL_DOMAINS_ROOM / 64 - 1 || taken == MAIL_DOMAINS_ROOM / 64);
    CHECK(takes("domain="));
}

static void mail_is_safe_and_for_all_by_default(void)
{
    CHECK(config.mail.is_synced == 1 && config.mail.knows_mailboxes == 0);
    CHECK(config.mail.has_tags == 0 && config.session.rejects_bare == 0);
    CHECK(takes("sync=no") && config.mail.is_synced == 0);
    CHECK(takes("bare-lf=reject") && config.session.rejects_bare == 1);
    CHECK(takes("known-mailboxes=yes") && config.mail.knows_mailboxes == 1);
    CHECK(takes("plus-tag=yes") && config.mail.has_tags == 1);
    CHECK(refuses("sync=maybe", "yes or no") && refuses("bare-lf=yes", "normalize"));
}

int main(void)
{
    static void (*const stories[])(void) = {
        defaults_are_those_of_the_design,
        mail_is_safe_and_for_all_by_default,
        domains_add_up,
        ranges_hold_to_their_ends,
        what_is_refused_changes_nothing,
        choices_are_words,
        udp_ports_are_one_of_three_forms,
        a_user_is_told_what_is_wrong,
        a_long_mistake_is_cut_not_copied,
        a_file_is_lines_of_settings,
        a_wrong_line_is_named_by_its_number,
        only_live_settings_change_in_a_running_server,
    };
    size_t i;

    for (i = 0; i < sizeof stories / sizeof stories[0]; i++) {
        memset(&config, 0, sizeof config);
        settings_defaults(&config);
        stories[i]();
    }
    return check_status();
}
