/* Addresses as they come from a socket, go back to one, and who counts as a neighbour. */
#include "net/peer.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "check.h"

/* Any socket address, as the functions take it. */
union any {
    struct sockaddr head;
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
    struct sockaddr_storage storage;
};

/* The peer that a socket would show for `text`, an address of either family. */
static struct peer peer_at(const char *text, uint16_t port, uint32_t scope)
{
    union any any;
    struct peer peer;

    memset(&any, 0, sizeof any);
    if (inet_pton(AF_INET, text, &any.in.sin_addr) == 1) {
        any.in.sin_family = AF_INET;
        any.in.sin_port = htons(port);
    } else {
        CHECK(inet_pton(AF_INET6, text, &any.in6.sin6_addr) == 1);
        any.in6.sin6_family = AF_INET6;
        any.in6.sin6_port = htons(port);
        any.in6.sin6_scope_id = scope;
    }
    memset(&peer, 0x5a, sizeof peer);
    peer_from_sockaddr(&peer, &any.head);
    return peer;
}

/* Is the address `text` shown as `shown`? */
static bool shows(const char *text, uint32_t scope, const char *shown)
{
    struct peer peer = peer_at(text, 25, scope);
    char out[PEER_TEXT_ROOM];

    return peer_text(&peer, out) == out && strcmp(out, shown) == 0;
}

static void addresses_are_shown_as_people_write_them(void)
{
    CHECK(shows("127.0.0.1", 0, "127.0.0.1"));
    CHECK(shows("255.255.255.255", 0, "255.255.255.255"));
    CHECK(shows("::1", 0, "::1"));
    CHECK(shows("2001:db8:1:2:3:4:5:6", 0, "2001:db8:1:2:3:4:5:6"));
    CHECK(shows("fe80::1", 3, "fe80::1%3"));
    CHECK(shows("fe80:1111:2222:3333:4444:5555:6666:7777", UINT32_MAX,
                "fe80:1111:2222:3333:4444:5555:6666:7777%4294967295"));
}

static void a_mapped_address_is_the_ipv4_one(void)
{
    struct peer mapped = peer_at("::ffff:192.0.2.7", 4711, 0);
    struct peer plain = peer_at("192.0.2.7", 4711, 0);

    CHECK(mapped.version == 4);
    CHECK(peer_is_same(&mapped, &plain));
    CHECK(memcmp(&mapped, &plain, sizeof plain) == 0); /* it is compared as octets elsewhere */
    CHECK(shows("::ffff:192.0.2.7", 0, "192.0.2.7"));
    CHECK(peer_at("::192.0.2.7", 0, 0).version == 6); /* the old "compatible" form is not mapped */
    CHECK(peer_at("::fffe:192.0.2.7", 0, 0).version == 6);
}

static void only_link_local_addresses_have_a_scope(void)
{
    struct peer one = peer_at("fe80::1", 25, 1), two = peer_at("fe80::1", 25, 2);

    CHECK(one.scope == 1);
    CHECK(!peer_is_same_address(&one, &two));
    CHECK(peer_at("2001:db8::1", 25, 7).scope == 0);
    CHECK(peer_at("::ffff:192.0.2.7", 25, 7).scope == 0);
}

static void another_family_is_this_host(void)
{
    union any any;
    struct peer peer;

    memset(&any, 0xff, sizeof any);
    any.head.sa_family = AF_UNIX;
    peer_from_sockaddr(&peer, &any.head);
    CHECK(peer.version == 4 && peer.port == 0 && peer.scope == 0);
    CHECK(peer_is_loopback(&peer));
}

/* From a peer to a socket address of `family` and back is where we were. */
static bool comes_back(const char *text, uint32_t scope, int family)
{
    struct peer peer = peer_at(text, 51214, scope), again;
    union any any;
    socklen_t length = peer_to_sockaddr(&peer, family, &any.storage);

    if (length != (family == AF_INET ? sizeof any.in : sizeof any.in6) ||
        any.head.sa_family != family)
        return false;
    peer_from_sockaddr(&again, &any.head);
    return memcmp(&peer, &again, sizeof peer) == 0;
}

static void a_peer_can_be_reached_again(void)
{
    struct peer six = peer_at("2001:db8::1", 25, 0);
    union any any;

    CHECK(comes_back("192.0.2.7", 0, AF_INET));
    CHECK(comes_back("192.0.2.7", 0, AF_INET6));
    CHECK(comes_back("::ffff:192.0.2.7", 0, AF_INET));
    CHECK(comes_back("2001:db8::1", 0, AF_INET6));
    CHECK(comes_back("fe80::1", 4, AF_INET6));
    CHECK(peer_to_sockaddr(&six, AF_INET, &any.storage) == 0);
}

static void ports_tell_peers_of_one_address_apart(void)
{
    struct peer a = peer_at("192.0.2.7", 1, 0), b = peer_at("192.0.2.7", 2, 0);
    struct peer c = peer_at("192.0.2.8", 1, 0), d = peer_at("c000:207::", 1, 0);

    CHECK(peer_is_same_address(&a, &b) && !peer_is_same(&a, &b));
    CHECK(!peer_is_same_address(&a, &c) && !peer_is_same(&a, &c));
    /* the same octets, but of the other family */
    CHECK(memcmp(a.address, d.address, sizeof a.address) == 0 && !peer_is_same_address(&a, &d));
    CHECK(peer_is_same(&a, &a));
}

/* Each range with its ends and what lies just outside. */
static const struct {
    const char *address;
    bool is_neighbour, is_loopback;
} places[] = {
    { "0.0.0.0", false, false },         { "9.255.255.255", false, false },
    { "10.0.0.0", true, false },         { "10.255.255.255", true, false },
    { "11.0.0.0", false, false },        { "126.255.255.255", false, false },
    { "127.0.0.0", true, true },         { "127.0.0.1", true, true },
    { "127.255.255.255", true, true },   { "128.0.0.0", false, false },
    { "169.253.255.255", false, false }, { "169.254.0.0", true, false },
    { "169.254.255.255", true, false },  { "169.255.0.0", false, false },
    { "172.15.255.255", false, false },  { "172.16.0.0", true, false },
    { "172.31.255.255", true, false },   { "172.32.0.0", false, false },
    { "192.167.255.255", false, false }, { "192.168.0.0", true, false },
    { "192.168.255.255", true, false },  { "192.169.0.0", false, false },
    { "193.168.0.1", false, false },     { "255.255.255.255", false, false },
    { "::", false, false },              { "::1", true, true },
    { "::2", false, false },             { "1::1", false, false },
    { "fbff:ffff::1", false, false },    { "fc00::", true, false },
    { "fdff:ffff::1", true, false },     { "fe00::1", false, false },
    { "fe7f:ffff::1", false, false },    { "fe80::", true, false },
    { "febf:ffff::1", true, false },     { "fec0::1", false, false },
    { "ff02::1", false, false },         { "2001:db8::1", false, false },
    { "::ffff:10.1.2.3", true, false },  { "::ffff:127.0.0.9", true, true },
    { "::ffff:8.8.8.8", false, false },  { "::10.1.2.3", false, false },
};

static void neighbours_are_those_of_the_list(void)
{
    size_t i;

    for (i = 0; i < sizeof places / sizeof places[0]; i++) {
        struct peer peer = peer_at(places[i].address, 25, 0);

        if (peer_is_neighbour(&peer) != places[i].is_neighbour ||
            peer_is_loopback(&peer) != places[i].is_loopback)
            fprintf(stderr, "%s\n", places[i].address);
        CHECK(peer_is_neighbour(&peer) == places[i].is_neighbour);
        CHECK(peer_is_loopback(&peer) == places[i].is_loopback);
    }
}

static void nobody_is_no_neighbour(void)
{
    struct peer nobody;

    memset(&nobody, 0, sizeof nobody);
    CHECK(!peer_is_loopback(&nobody) && !peer_is_neighbour(&nobody));
}

int main(void)
{
    addresses_are_shown_as_people_write_them();
    a_mapped_address_is_the_ipv4_one();
    only_link_local_addresses_have_a_scope();
    another_family_is_this_host();
    a_peer_can_be_reached_again();
    ports_tell_peers_of_one_address_apart();
    neighbours_are_those_of_the_list();
    nobody_is_no_neighbour();
    return check_status();
}
