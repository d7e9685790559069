/* MAIL's parameters: RFC 1870, 6152, 6531, and checklist rows 52, 53, 77, 81 and 83. */
#include "smtp/parameters.h"

#include <string.h>

#include "check.h"

static struct mail_parameters parameters;

static enum parameters_result parse(const char *text)
{
    return parameters_parse(text, strlen(text), &parameters);
}

static void none_is_fine(void)
{
    CHECK(parse("") == PARAMETERS_GOOD);
    CHECK(parse("   ") == PARAMETERS_GOOD);
    CHECK(!parameters.has_size && !parameters.has_body && !parameters.is_utf8);
}

static void each_is_taken_in_any_order_and_case(void)
{
    CHECK(parse(" SIZE=1000") == PARAMETERS_GOOD && parameters.has_size);
    CHECK(parameters.size == 1000 && !parameters.has_body && !parameters.is_utf8);
    CHECK(parse(" body=8bitMIME  size=0 smtputf8") == PARAMETERS_GOOD);
    CHECK(parameters.has_size && parameters.size == 0);
    CHECK(parameters.has_body && parameters.is_utf8);
    CHECK(parse(" BODY=7BIT") == PARAMETERS_GOOD && parameters.has_body);
}

static void a_size_may_be_larger_than_any(void)
{
    CHECK(parse(" SIZE=18446744073709551615") == PARAMETERS_GOOD && parameters.size == UINT64_MAX);
    CHECK(parse(" SIZE=18446744073709551617") == PARAMETERS_GOOD && parameters.size == UINT64_MAX);
    CHECK(parse(" SIZE=123456789012345678901") == PARAMETERS_GOOD && parameters.size == UINT64_MAX);
    CHECK(parse(" SIZE=007") == PARAMETERS_GOOD && parameters.size == 7);
}

static void a_value_that_is_none_is_bad(void)
{
    static const char *const bad[] = {
        " SIZE", " SIZE=", " SIZE=abc", " SIZE=-1", " SIZE=1x", " SIZE=1=2", " BODY", " BODY=",
        " BODY=X", " BODY=BINARYMIME", " SMTPUTF8=", " SMTPUTF8=x",
    };
    size_t i;

    for (i = 0; i < sizeof bad / sizeof bad[0]; i++)
        CHECK(parse(bad[i]) == PARAMETERS_BAD);
}

static void one_twice_is_bad(void)
{
    CHECK(parse(" SIZE=1 SIZE=1") == PARAMETERS_BAD);
    CHECK(parse(" BODY=7BIT SIZE=1 BODY=7BIT") == PARAMETERS_BAD);
    CHECK(parse(" SMTPUTF8 SMTPUTF8") == PARAMETERS_BAD);
}

static void what_is_not_offered_is_unknown(void)
{
    CHECK(parse(" FOO") == PARAMETERS_UNKNOWN);
    CHECK(parse(" AUTH=<>") == PARAMETERS_UNKNOWN);
    CHECK(parse(" SIZES=1") == PARAMETERS_UNKNOWN);
    CHECK(parse(" =1") == PARAMETERS_UNKNOWN);
    CHECK(parse(" SIZE=1 RET=FULL") == PARAMETERS_UNKNOWN);
}

int main(void)
{
    none_is_fine();
    each_is_taken_in_any_order_and_case();
    a_size_may_be_larger_than_any();
    a_value_that_is_none_is_bad();
    one_twice_is_bad();
    what_is_not_offered_is_unknown();
    return check_status();
}
