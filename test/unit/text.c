/* What a stranger's octets look like to a person, and how words and numbers are read. */
#include "net/text.h"

#include <string.h>

#include "check.h"

enum { ROOM = 256 };

/* Is `in` shown as `shown`, given `room`? */
static bool shows(const char *in, size_t length, size_t room, const char *shown)
{
    char out[ROOM + 1];
    size_t used;

    memset(out, '#', sizeof out);
    used = text_escape(out, room, in, length);
    return used == strlen(shown) && memcmp(out, shown, used) == 0 && out[used] == '#';
}

#define SHOWS(in, shown) shows(in, sizeof(in) - 1, ROOM, shown)

static void what_acts_is_shown_as_an_escape(void)
{
    CHECK(SHOWS("", ""));
    CHECK(SHOWS("MAIL FROM:<a@b> ~", "MAIL FROM:<a@b> ~"));
    CHECK(SHOWS("a\r\nb\tc", "a\\r\\nb\\tc"));
    CHECK(SHOWS("\033[2J", "\\033[2J"));
    CHECK(SHOWS("a\0b\001\037\177", "a\\000b\\001\\037\\177"));
    CHECK(SHOWS("\a\b\v\f", "\\007\\010\\013\\014"));
    /* or an escape of ours could not be told from a backslash of theirs */
    CHECK(SHOWS("a\\rb", "a\\\\rb"));
}

static void readable_utf8_stays(void)
{
    CHECK(SHOWS("ma\303\261ana", "ma\303\261ana"));
    CHECK(SHOWS("\302\240", "\302\240"));                         /* U+00A0, the first behind C1 */
    CHECK(SHOWS("\337\277", "\337\277"));                         /* U+07FF */
    CHECK(SHOWS("\340\240\200", "\340\240\200"));                 /* U+0800 */
    CHECK(SHOWS("\355\237\277", "\355\237\277"));                 /* U+D7FF */
    CHECK(SHOWS("\356\200\200", "\356\200\200"));                 /* U+E000 */
    CHECK(SHOWS("\360\220\200\200", "\360\220\200\200"));         /* U+10000 */
    CHECK(SHOWS("\364\217\277\277", "\364\217\277\277"));         /* U+10FFFF, the last */
    CHECK(SHOWS("\342\202\254\360\237\230\200", "\342\202\254\360\237\230\200"));
}

static void characters_that_move_others_are_shown(void)
{
    CHECK(SHOWS("\302\200", "\\302\\200"));         /* C1: U+0080 to U+009F */
    CHECK(SHOWS("\302\233m", "\\302\\233m"));
    CHECK(SHOWS("\302\237", "\\302\\237"));
    CHECK(SHOWS("\330\233\330\235", "\330\233\330\235")); /* U+061B and U+061D are seen */
    CHECK(SHOWS("\330\234", "\\330\\234"));         /* U+061C, a mark of direction */
    CHECK(SHOWS("\331\234", "\331\234"));           /* U+065C is another's accent */
    CHECK(SHOWS("\342\200\215", "\342\200\215"));   /* U+200D joins letters */
    CHECK(SHOWS("\342\200\216", "\\342\\200\\216")); /* U+200E and U+200F, marks of direction */
    CHECK(SHOWS("\342\200\217", "\\342\\200\\217"));
    CHECK(SHOWS("\342\200\220", "\342\200\220"));   /* U+2010 is a hyphen */
    CHECK(SHOWS("\342\200\247", "\342\200\247"));   /* U+2027 is a dot */
    CHECK(SHOWS("\342\200\250", "\\342\\200\\250")); /* U+2028 ends a line */
    CHECK(SHOWS("\342\200\256", "\\342\\200\\256")); /* U+202E turns it round */
    CHECK(SHOWS("\342\200\257", "\342\200\257"));   /* U+202F is a blank */
    CHECK(SHOWS("\342\201\245", "\342\201\245"));
    CHECK(SHOWS("\342\201\246", "\\342\\201\\246")); /* U+2066 */
    CHECK(SHOWS("\342\201\251", "\\342\\201\\251")); /* U+2069 */
    CHECK(SHOWS("\342\201\252", "\342\201\252"));
}

static void what_is_no_utf8_is_shown_octet_by_octet(void)
{
    CHECK(SHOWS("a\361o", "a\\361o"));                       /* ISO 8859-1 */
    CHECK(SHOWS("\200", "\\200"));                           /* a continuation of nothing */
    CHECK(SHOWS("\300\200", "\\300\\200"));                  /* NUL in two octets */
    CHECK(SHOWS("\301\277", "\\301\\277"));
    CHECK(SHOWS("\340\237\277", "\\340\\237\\277"));         /* three where two do */
    CHECK(SHOWS("\360\217\277\277", "\\360\\217\\277\\277"));
    CHECK(SHOWS("\355\240\200", "\\355\\240\\200"));         /* half of a surrogate pair */
    CHECK(SHOWS("\364\220\200\200", "\\364\\220\\200\\200")); /* above U+10FFFF */
    CHECK(SHOWS("\365\200\200\200", "\\365\\200\\200\\200"));
    CHECK(SHOWS("\377\376", "\\377\\376"));
    CHECK(SHOWS("\342\202", "\\342\\202"));                  /* cut off */
    CHECK(SHOWS("\360\237\230", "\\360\\237\\230"));
    CHECK(SHOWS("\342\202x", "\\342\\202x"));
    CHECK(SHOWS("\303\033", "\\303\\033"));                  /* a control is not swallowed */
}

static void no_octet_gets_through_that_acts(void)
{
    char in, out[TEXT_ESCAPE_GROWTH];
    int octet;
    size_t used, i;

    for (octet = 0; octet < 256; octet++) {
        in = (char)octet;
        used = text_escape(out, sizeof out, &in, 1);
        CHECK(used >= 1 && used <= TEXT_ESCAPE_GROWTH);
        CHECK(used == 1 ? out[0] == in && in != '\\' : out[0] == '\\');
        for (i = 0; i < used; i++)
            CHECK(out[i] >= ' ' && out[i] <= '~');
    }
}

static void an_escape_is_whole_or_not_there(void)
{
    static const size_t used[] = { 0, 1, 1, 1, 1, 5, 6, 6 };
    char out[ROOM];
    size_t room;

    for (room = 0; room < sizeof used / sizeof used[0]; room++)
        CHECK(text_escape(out, room, "a\033b", 3) == used[room]);
    CHECK(shows("x\342\202\254", 4, 3, "x"));
    CHECK(shows("x\342\202\254", 4, 4, "x\342\202\254"));
    CHECK(shows("x\ry", 3, 2, "x"));
    CHECK(shows("x\ry", 3, 3, "x\\r"));
}

static void words_know_no_case(void)
{
    CHECK(text_is_word("HELO", 4, "helo"));
    CHECK(text_is_word("hElO", 4, "HELO"));
    CHECK(!text_is_word("HELO ", 5, "HELO"));
    CHECK(!text_is_word("HEL", 3, "HELO"));
    CHECK(!text_is_word("HELO", 4, ""));
    CHECK(text_is_word("", 0, ""));
    CHECK(!text_is_word("HEL\0", 4, "HELO"));
    /* '@' and '`', '[' and '{' differ by the bit that tells the cases of a letter apart */
    CHECK(!text_is_word("@[", 2, "`{"));
    CHECK(!text_is_word("\311", 1, "\351"));
}

static void beginnings_know_no_case(void)
{
    CHECK(text_begins("From:<a@b>", 10, "FROM:"));
    CHECK(text_begins("FROM:", 5, "FROM:"));
    CHECK(!text_begins("FROM", 4, "FROM:"));
    CHECK(!text_begins("FROM:", 4, "FROM:"));
    CHECK(text_begins("", 0, ""));
    CHECK(text_begins("x", 1, ""));
}

static const struct {
    const char *text;
    uint64_t limit, number;
} numbers[] = {
    { "0", 0, 0 },
    { "0", UINT64_MAX, 0 },
    { "7", 7, 7 },
    { "007", 7, 7 },
    { "65535", 65535, 65535 },
    { "10", 10, 10 },
    { "00000000000000000000000000000000000000001", 1, 1 },
    { "18446744073709551615", UINT64_MAX, UINT64_MAX },
};

static const struct {
    const char *text;
    uint64_t limit;
} no_numbers[] = {
    { "", UINT64_MAX },
    { "1", 0 },
    { "8", 7 },
    { "65536", 65535 },
    { "11", 10 },
    { "99", 10 },
    { "18446744073709551616", UINT64_MAX },
    { "18446744073709551620", UINT64_MAX },
    { "99999999999999999999999999", UINT64_MAX },
    { " 1", UINT64_MAX },
    { "1 ", UINT64_MAX },
    { "+1", UINT64_MAX },
    { "-1", UINT64_MAX },
    { "1e3", UINT64_MAX },
    { "0x10", UINT64_MAX },
    { "1/", UINT64_MAX },
    { "1:", UINT64_MAX },
};

static void numbers_keep_their_limit(void)
{
    uint64_t number;
    size_t i;

    for (i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        number = 4711;
        CHECK(text_number(numbers[i].text, strlen(numbers[i].text), numbers[i].limit, &number));
        CHECK(number == numbers[i].number);
    }
}

static void what_is_no_number_leaves_the_number(void)
{
    uint64_t number = 4711;
    size_t i;

    for (i = 0; i < sizeof no_numbers / sizeof no_numbers[0]; i++)
        CHECK(!text_number(no_numbers[i].text, strlen(no_numbers[i].text), no_numbers[i].limit,
                           &number));
    CHECK(!text_number("1\0", 2, UINT64_MAX, &number));
    CHECK(number == 4711);
    CHECK(text_number("123", 2, UINT64_MAX, &number) && number == 12);
}

int main(void)
{
    what_acts_is_shown_as_an_escape();
    readable_utf8_stays();
    characters_that_move_others_are_shown();
    what_is_no_utf8_is_shown_octet_by_octet();
    no_octet_gets_through_that_acts();
    an_escape_is_whole_or_not_there();
    words_know_no_case();
    beginnings_know_no_case();
    numbers_keep_their_limit();
    what_is_no_number_leaves_the_number();
    return check_status();
}
