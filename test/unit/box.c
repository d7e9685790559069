/* Whatever the local part, its box is one harmless component of a path (checklist row 44). */
#include "mail/box.h"

#include <string.h>

#include "check.h"

static const struct {
    const char *local, *name;
} boxes[] = {
    { "theo", "theo" },
    { "Theo", "theo" },
    { "a.b_c-d+e=f9", "a.b_c-d+e=f9" },
    { "", "%" },
    { ".", "%2E" },
    { "..", "%2E." },
    { ".new", "%2Enew" },
    { "a..b", "a..b" },
    { "../x", "%2E.%2Fx" },
    { "/etc/x", "%2Fetc%2Fx" },
    { "|cmd", "%7Ccmd" },
    { "a b", "a%20b" },
    { "100%", "100%25" },
    { "%2f", "%252f" },
    { "a\"b\\c", "a%22b%5Cc" },
    { "\303\221", "%C3%91" }, /* only ASCII has cases here */
    { "a\377\001", "a%FF%01" },
};

static void each_name_is_the_one_of_the_plan(void)
{
    char name[BOX_NAME_ROOM];
    size_t i;

    for (i = 0; i < sizeof boxes / sizeof boxes[0]; i++) {
        box_name(name, boxes[i].local, strlen(boxes[i].local));
        if (strcmp(name, boxes[i].name) != 0)
            fprintf(stderr, "%s: %s\n", boxes[i].local, name);
        CHECK(strcmp(name, boxes[i].name) == 0);
    }
}

static bool is_harmless(const char *name)
{
    return name[0] != '\0' && name[0] != '.' && strlen(name) < BOX_NAME_ROOM &&
           name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-+=.%ABCDEF")] == '\0';
}

static void every_octet_is_harmless_anywhere(void)
{
    char local[BOX_LOCAL_LIMIT], name[BOX_NAME_ROOM];
    int octet;
    size_t length;

    for (octet = 0; octet < 256; octet++)
        for (length = 1; length <= BOX_LOCAL_LIMIT; length += 9) {
            memset(local, octet, length);
            box_name(name, local, length);
            CHECK(is_harmless(name));
        }
}

/* But for the case of ASCII letters two local parts never share a box. */
static void two_octets_never_share_a_name(void)
{
    char names[256][BOX_NAME_ROOM];
    char octet;
    int i, j;

    for (i = 0; i < 256; i++) {
        octet = (char)i;
        box_name(names[i], &octet, 1);
        for (j = 0; j < i; j++)
            CHECK((strcmp(names[i], names[j]) == 0) == (i >= 'a' && i <= 'z' && j == i - 32));
    }
}

static void a_tag_stands_behind_a_name(void)
{
    CHECK(box_untagged("user+tag", 8) == 4);
    CHECK(box_untagged("user+a+b", 8) == 4);
    CHECK(box_untagged("user+", 5) == 4);
    CHECK(box_untagged("user", 4) == 4);
    CHECK(box_untagged("+tag", 4) == 4);
    CHECK(box_untagged("", 0) == 0);
}

int main(void)
{
    each_name_is_the_one_of_the_plan();
    every_octet_is_harmless_anywhere();
    two_octets_never_share_a_name();
    a_tag_stands_behind_a_name();
    return check_status();
}
