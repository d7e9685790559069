/* The paths of RFC 5321 4.1.2, and what only looks like one (checklist rows 29 to 41). */
#include "smtp/address.h"

#include <stdbool.h>
#include <string.h>

#include "check.h"
#include "net/peer.h"

/* What address_parse() makes of `path`: its local part and domain, where all of it was taken. */
static const struct {
    const char *path, *local, *domain;
} good[] = {
    { "<a@b>", "a", "b" },
    { "<ana.lopez@usal.es>", "ana.lopez", "usal.es" },
    { "<a+tag@x-y.z>", "a+tag", "x-y.z" },
    { "<!#$%&'*+-/=?^_`{|}~@x>", "!#$%&'*+-/=?^_`{|}~", "x" },
    { "<1@2.3>", "1", "2.3" },
    { "<u@LOCAL.Example>", "u", "LOCAL.Example" }, /* row 36: kept as it came */
    { "<U.u@x>", "U.u", "x" },
    { "</etc/x@local>", "/etc/x", "local" }, /* row 44: valid here, made harmless as a box */
    { "<|cmd@local>", "|cmd", "local" },
    /* row 31: postmaster needs no domain, in any case */
    { "<postmaster>", "postmaster", "" },
    { "<Postmaster>", "Postmaster", "" },
    { "<POSTMASTER>", "POSTMASTER", "" },
    { "<postmaster@any.local.dom>", "postmaster", "any.local.dom" },
    /* row 32: a route means nothing any more */
    { "<@a.ex,@b.ex:u@local>", "u", "local" },
    { "<@a.ex:u@local>", "u", "local" },
    { "<@[127.0.0.1],@x:u@local>", "u", "local" },
    { "<@a:postmaster>", "postmaster", "" },
    /* rows 33 and 34: quoted strings */
    { "<\"joe smith\"@local>", "\"joe smith\"", "local" },
    { "<\"a>b\"@local>", "\"a>b\"", "local" },
    { "<\"a\\\"b\"@local>", "\"a\\\"b\"", "local" },
    { "<\"a\\\\\"@local>", "\"a\\\\\"", "local" },
    { "<\"bob\"@local>", "\"bob\"", "local" },
    { "<\"../x\"@local>", "\"../x\"", "local" },
    { "<\"a@b\"@local>", "\"a@b\"", "local" },
    { "<\"\"@local>", "\"\"", "local" },
    { "<\"..\"@local>", "\"..\"", "local" },
    { "<\"\\ \\~\"@local>", "\"\\ \\~\"", "local" },
    /* row 35: address literals */
    { "<u@[127.0.0.1]>", "u", "[127.0.0.1]" },
    { "<u@[255.255.255.255]>", "u", "[255.255.255.255]" },
    { "<u@[IPv6:::1]>", "u", "[IPv6:::1]" },
    { "<u@[ipv6:2001:db8::a]>", "u", "[ipv6:2001:db8::a]" },
    { "<u@[IPv6:::ffff:192.0.2.1]>", "u", "[IPv6:::ffff:192.0.2.1]" },
    { "<u@[IPv6:1:2:3:4:5:6:7:8]>", "u", "[IPv6:1:2:3:4:5:6:7:8]" },
    /* RFC 6531 3.3: UTF-8, wherever there is more than ASCII's punctuation */
    { "<a\303\261o@x>", "a\303\261o", "x" },
    { "<a@x\303\261.es>", "a", "x\303\261.es" },
    { "<\"\303\261 \"@x>", "\"\303\261 \"", "x" },
    /* row 37: without brackets, as people type it */
    { "a@x", "a", "x" },
    { "\"joe smith\"@local", "\"joe smith\"", "local" },
    { "u@[127.0.0.1]", "u", "[127.0.0.1]" },
    { "postmaster", "postmaster", "" },
};

static const struct {
    const char *path;
    size_t length;
} bad[] = {
#define PATH(text) { text, sizeof(text) - 1 }
    PATH(""), PATH("<>"), PATH("<"), PATH(">"), PATH("@"), PATH("<@>"), PATH(" <a@b>"),
    /* row 37 */
    PATH("<a@"), PATH("<a@>"), PATH("<a b@x>"), PATH("<a@-x>"), PATH("<a@x->"), PATH("<a@x..y>"),
    PATH("<a@.x>"), PATH("<a@x.>"), PATH("<a@x-.y>"), PATH("<a@x.-y>"), PATH("<a@x_y>"),
    PATH("<a@x y>"), PATH("<a@b@c>"), PATH("<@x>"), PATH("<a>"), PATH("<ana.lopez>"),
    PATH("<postmaster@>"), PATH("<postmasterx>"), PATH("<\"postmaster\">"), PATH("<post master>"),
    PATH("<a@x"), PATH("<<a@x>>"), PATH("<a@x\">"), PATH("< a@x>"), PATH("<a@x >"), PATH("<a @x>"),
    PATH("<a@ x>"), PATH("a"), PATH("a@"), PATH("a@-x"),
    /* dots of a dot-string stand between atoms (row 44) */
    PATH("<.a@x>"), PATH("<a.@x>"), PATH("<a..b@x>"), PATH("<.@x>"), PATH("<../x@x>"),
    PATH("<a,b@x>"), PATH("<a:b@x>"), PATH("<a;b@x>"), PATH("<a(b)@x>"), PATH("<a[b]@x>"),
    PATH("<a\\b@x>"),
    /* quotes */
    PATH("<\"a@x>"), PATH("<\"a\"b@x>"), PATH("<a\"b\"@x>"), PATH("<\"a\".\"b\"@x>"),
    PATH("<\"a\"b\"@x>"), PATH("<\"a\\\"@x>"), PATH("<\"@x>"), PATH("<\""), PATH("<\"\\"),
    PATH("<\"a\nb\"@x>"), PATH("<\"a\\\rb\"@x>"), PATH("<\"\t\"@x>"),
    /* literals */
    PATH("<u@[]>"), PATH("<u@[127.0.0.1>"), PATH("<u@[127.0.0]>"), PATH("<u@[127.0.0.256]>"),
    PATH("<u@[ 127.0.0.1]>"), PATH("<u@[IPv6:]>"), PATH("<u@[IPv6:1]>"), PATH("<u@[IPv6:::1::]>"),
    PATH("<u@[::1]>"), PATH("<u@[IPv6:127.0.0.1]>"), PATH("<u@[IPv6:fe80::1%eth0]>"),
    PATH("<u@[127.0.0.1]x>"), PATH("<u@[127.0.0.1].x>"), PATH("<u@x[127.0.0.1]>"),
    PATH("<u@[x-tag:anything]>"), PATH("<u@[127.0.0.1\0]>"), PATH("<u@[\0]>"),
    PATH("<u@[0000000000000000000000000000000000000000000000000000000000000000001]>"),
    /* routes */
    PATH("<@a.ex>"), PATH("<@a.ex:>"), PATH("<@a.ex,:u@x>"), PATH("<@:u@x>"), PATH("<@a.ex,b:u@x>"),
    PATH("<@a.ex,@b.ex,u@x>"), PATH("<@a.ex u@x>"), PATH("<a@b:u@x>"), PATH("@a.ex:u@x"),
    PATH("<@a..ex:u@x>"), PATH("<@a"), PATH("<@a,"), PATH("<@a:"),
    /* rows 39 and 40: controls, NUL */
    PATH("<a\001@x>"), PATH("<a\177@x>"), PATH("<\"\177\"@x>"), PATH("<a@x\r>"), PATH("<a\0@x>"),
    PATH("<a@x\0>"), PATH("<\"a\0b\"@x>"), PATH("<a@\0>"), PATH("<\0@x>"),
#undef PATH
};

static bool is_text(const char *octets, size_t length, const char *text)
{
    return length == strlen(text) && memcmp(octets, text, length) == 0;
}

static void what_the_grammar_allows_is_taken_apart(void)
{
    struct address address;
    size_t i, length, taken;

    for (i = 0; i < sizeof good / sizeof good[0]; i++) {
        length = strlen(good[i].path);
        taken = address_parse(good[i].path, length, &address);
        CHECK(taken == length);
        if (taken != length) {
            fprintf(stderr, "refused: %s\n", good[i].path);
            continue;
        }
        CHECK(is_text(address.local, address.local_length, good[i].local));
        CHECK(is_text(address.domain, address.domain_length, good[i].domain));
    }
}

static void what_it_does_not_allow_is_refused(void)
{
    struct address address;
    size_t i;

    for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        size_t n = address_parse(bad[i].path, bad[i].length, &address);

        if (n != 0)
            fprintf(stderr, "accepted: %s\n", bad[i].path);
        CHECK(n == 0);
    }
}

static void every_beginning_of_a_good_path_in_brackets_is_none(void)
{
    struct address address;
    size_t i, length;

    for (i = 0; i < sizeof good / sizeof good[0]; i++)
        if (good[i].path[0] == '<')
            for (length = 0; length < strlen(good[i].path); length++)
                CHECK(address_parse(good[i].path, length, &address) == 0);
}

static void what_follows_the_path_is_left(void)
{
    struct address address;

    CHECK(address_parse("<a@b> SIZE=1", 12, &address) == 5);
    CHECK(address_parse("<a@b>x", 6, &address) == 5);
    CHECK(address_parse("a@b SIZE=1", 10, &address) == 3);
    CHECK(address_parse("a@b>", 4, &address) == 3);
    CHECK(address_parse("postmaster SIZE=1", 17, &address) == 10);
}

/* A path out of a local part and a domain of these lengths; labels have at most 63 octets. */
static size_t make_path(char path[512], size_t local, size_t domain)
{
    size_t i;

    memset(path, 'l', local + 1);
    path[0] = '<';
    path[local + 1] = '@';
    for (i = 0; i < domain; i++)
        path[local + 2 + i] = i % 64 == 63 && i + 1 < domain ? '.' : 'd';
    path[local + 2 + domain] = '>';
    return local + domain + 3;
}

static bool accepts(size_t local, size_t domain)
{
    char path[512];
    struct address address;
    size_t length = make_path(path, local, domain);
    bool is_accepted = address_parse(path, length, &address) == length;

    /* and the same without brackets, which count all the same */
    CHECK((address_parse(path + 1, length - 2, &address) == length - 2) == is_accepted);
    return is_accepted;
}

/* Row 41; RFC 5321 4.5.3.1.1 to 4.5.3.1.3. */
static void lengths_have_their_limits(void)
{
    CHECK(accepts(1, 1));
    CHECK(accepts(63, 10));
    CHECK(accepts(64, 10));
    CHECK(!accepts(65, 10));
    CHECK(accepts(1, 251));
    CHECK(accepts(1, 252)); /* a path of 255 and of 256 octets, brackets included */
    CHECK(!accepts(1, 253));
    CHECK(accepts(64, 189));
    CHECK(!accepts(64, 190));
    CHECK(!accepts(1, 256));
    CHECK(!accepts(100, 300));
}

static void quotes_count_in_a_local_part(void)
{
    char path[512];
    struct address address;
    size_t length = make_path(path, 64, 10);

    path[1] = path[64] = '"';
    CHECK(address_parse(path, length, &address) == length && address.local_length == 64);
    length = make_path(path, 65, 10);
    path[1] = path[65] = '"';
    CHECK(address_parse(path, length, &address) == 0);
}

/* RFC 5321 4.5.3.1.3 speaks of the path, but nobody keeps the route. */
static void a_route_does_not_take_from_the_path(void)
{
    char text[1024] = "<@", path[512];
    struct address address;
    size_t length = make_path(path, 64, 189), route = 2 + 200;

    memset(text + 2, 'r', 200);
    text[52] = text[102] = text[152] = '.';
    text[route] = ':';
    memcpy(text + route + 1, path + 1, length - 1);
    CHECK(address_parse(text, route + length, &address) == route + length);
    CHECK(address.local_length == 64 && address.domain_length == 189);
}

/* Is `text` taken as the whole domain of an address, and alone as the same? */
static bool is_domain(const char *text, size_t length)
{
    char path[512] = "<a@";
    struct address address;
    bool is_taken;

    memcpy(path + 3, text, length);
    path[3 + length] = '>';
    is_taken = address_parse(path, length + 4, &address) == length + 4 &&
               address.domain_length == length;
    CHECK(address_is_domain(text, length) == is_taken);
    return is_taken;
}

static void a_label_has_at_most_63_octets(void)
{
    char domain[80];

    memset(domain, 'd', sizeof domain);
    CHECK(is_domain(domain, 63));
    CHECK(!is_domain(domain, 64));
    domain[63] = '.';
    CHECK(is_domain(domain, 79));
}

static void domains_are_names_or_literals(void)
{
    CHECK(is_domain("x", 1));
    CHECK(is_domain("1.2.3.4", 7));
    CHECK(is_domain("xn--espaa-rta.es", 16));
    CHECK(is_domain("[127.0.0.1]", 11));
    CHECK(is_domain("[IPv6:::1]", 10));
    CHECK(!is_domain("", 0));
    CHECK(!is_domain("x ", 2));
    CHECK(!is_domain(".x", 2));
    CHECK(!is_domain("x.", 2));
    CHECK(!is_domain("a b", 3));
    CHECK(!is_domain("[127.0.0.1", 10));
    CHECK(!is_domain("[127.0.0.1]]", 12));
}

/* The local part of `path` without its quotes. */
static bool is_unquoted(const char *path, const char *wanted)
{
    struct address address;
    char local[ADDRESS_LOCAL_LIMIT];

    return address_parse(path, strlen(path), &address) > 0 &&
           is_text(local, address_unquote(&address, local), wanted);
}

/* Row 34: a quoted string is the mailbox that it spells. */
static void quotes_are_no_part_of_a_name(void)
{
    CHECK(is_unquoted("<bob@x>", "bob"));
    CHECK(is_unquoted("<\"bob\"@x>", "bob"));
    CHECK(is_unquoted("<\"\"@x>", ""));
    CHECK(is_unquoted("<\"a b\"@x>", "a b"));
    CHECK(is_unquoted("<\"a\\\"b\"@x>", "a\"b"));
    CHECK(is_unquoted("<\"\\\\\"@x>", "\\"));
    CHECK(is_unquoted("<\"\\b\\o\\b\"@x>", "bob"));
}

/* The literal of <u@`domain`>; version 0 if it is none. */
static struct peer literal_of(const char *domain)
{
    char path[100];
    struct address address;
    struct peer literal = { .version = 0 };

    snprintf(path, sizeof path, "<u@%s>", domain);
    CHECK(address_parse(path, strlen(path), &address) == strlen(path));
    if (!address_is_literal(&address, &literal))
        literal.version = 0;
    return literal;
}

static void literals_are_addresses(void)
{
    static const uint8_t ipv4[16] = { 192, 0, 2, 1 }, ipv6[16] = { [15] = 1 };
    struct peer literal = literal_of("[192.0.2.1]");

    CHECK(literal.version == 4 && memcmp(literal.address, ipv4, 16) == 0 && literal.port == 0);
    literal = literal_of("[IPv6:0:0::1]");
    CHECK(literal.version == 6 && memcmp(literal.address, ipv6, 16) == 0 && literal.scope == 0);
    CHECK(literal_of("192.0.2.1").version == 0);
    CHECK(literal_of("x").version == 0);
}

static void a_domain_alone_is_told_from_what_is_none(void)
{
    CHECK(address_is_domain("usal.es", 7) && address_is_domain("[127.0.0.1]", 11));
    CHECK(!address_is_domain("usal.es ", 8) && !address_is_domain("usal..es", 8));
    CHECK(!address_is_domain("a@b", 3) && !address_is_domain("[127.0.0.1", 10));
}

static void a_local_part_alone_is_read_for_vrfy(void)
{
    struct address address;

    CHECK(address_parse_local("bob", 3, &address) == 3 && address.domain_length == 0);
    CHECK(address_parse_local("\"joe smith\" x", 13, &address) == 11);
    CHECK(address_parse_local("@", 1, &address) == 0);
    CHECK(address_parse_local("", 0, &address) == 0);
}

int main(void)
{
    what_the_grammar_allows_is_taken_apart();
    what_it_does_not_allow_is_refused();
    every_beginning_of_a_good_path_in_brackets_is_none();
    what_follows_the_path_is_left();
    lengths_have_their_limits();
    quotes_count_in_a_local_part();
    a_route_does_not_take_from_the_path();
    a_label_has_at_most_63_octets();
    domains_are_names_or_literals();
    quotes_are_no_part_of_a_name();
    literals_are_addresses();
    a_domain_alone_is_told_from_what_is_none();
    a_local_part_alone_is_read_for_vrfy();
    return check_status();
}
