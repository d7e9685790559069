/* Every reply of every dialect: its form, and the texts that the two sources fix. */
#include "smtp/replies.h"

#include <string.h>

#include "check.h"
#include "net/channel.h"

enum { LINE_LIMIT = 512, NAME_LONGEST = 255 }; /* RFC 5321 4.5.3.1.5 */

static const struct reply_values values = { "localhost", 10240000, "SVDI56NhS", " HELO QUIT",
                                            "theo@x.es" };

/* A reply as a string, for values that stay. */
static const char *text_of(enum reply reply, enum dialect dialect, const struct reply_values *with)
{
    static char text[REPLY_ROOM + 1];
    size_t length = reply_write(reply, dialect, with, text);

    CHECK(length < REPLY_ROOM);
    text[length] = '\0';
    return text;
}

/* What the two sources say, row by row. */
static const struct {
    enum reply reply;
    const char *texts[DIALECTS];
} fixed[] = {
    { REPLY_GREETING,
      { "220 Servicio de transferencia simple de correo preparado\r\n",
        "220 localhost SMTP\r\n" } },
    { REPLY_HELO, { "250 OK\r\n", "250 localhost\r\n" } },
    { REPLY_MAIL, { "250 OK\r\n", "250 2.1.0 Ok\r\n" } },
    { REPLY_RCPT, { "250 OK\r\n", "250 2.1.0 Ok\r\n" } },
    { REPLY_OK, { "250 OK\r\n", "250 2.0.0 Ok\r\n" } },
    { REPLY_DATA,
      { "354 Comenzando con el texto del correo, finalice con .\r\n",
        "354 End data with <CR><LF>.<CR><LF>\r\n" } },
    { REPLY_QUEUED, { "250 OK\r\n", "250 2.0.0 Ok: queued as SVDI56NhS\r\n" } },
    { REPLY_QUIT, { "221 Cerrando el servicio\r\n", "221 2.0.0 Bye\r\n" } },
    { REPLY_SYNTAX, { "500 Error de sintaxis\r\n", "500 5.5.2 Error: bad syntax\r\n" } },
    { REPLY_UNKNOWN,
      { "500 Error de sintaxis\r\n", "502 5.5.2 Error: command not recognized\r\n" } },
    { REPLY_BAD_SENDER,
      { "500 Error de sintaxis\r\n", "501 5.1.7 Bad sender address syntax\r\n" } },
    { REPLY_BAD_RECIPIENT,
      { "500 Error de sintaxis\r\n", "501 5.1.3 Bad recipient address syntax\r\n" } },
    { REPLY_NEED_MAIL, { "500 Error de sintaxis\r\n", "503 5.5.1 Error: need MAIL command\r\n" } },
    { REPLY_NEED_RCPT, { "500 Error de sintaxis\r\n", "503 5.5.1 Error: need RCPT command\r\n" } },
    { REPLY_NESTED_MAIL,
      { "500 Error de sintaxis\r\n", "503 5.5.1 Error: nested MAIL command\r\n" } },
};

/* The codes of the rest, usal and itba with its status: checklist section 0 and RFC 5321 4.2.3. */
static const struct {
    enum reply reply;
    const char *codes[DIALECTS];
} coded[] = {
    { REPLY_EHLO, { "250-", "250-" } },
    { REPLY_HELP, { "214 ", "214 2.0.0 " } },
    { REPLY_VRFY, { "252 ", "252 2." } },
    { REPLY_NOT_OFFERED, { "502 ", "502 5.5.1 " } },
    { REPLY_ARGUMENT, { "500 Error de sintaxis\r\n", "501 5.5.4 " } },
    { REPLY_PARAMETER, { "500 Error de sintaxis\r\n", "555 5.5.4 " } },
    { REPLY_LINE_TOO_LONG, { "500 ", "500 5.5.2 " } },
    { REPLY_NEED_HELO, { "500 Error de sintaxis\r\n", "503 5.5.1 " } },
    { REPLY_TOO_MANY_RECIPIENTS, { "452 ", "452 4.5.3 " } },
    { REPLY_CHUNK, { "250 OK\r\n", "250 2.0.0 " } },
    { REPLY_VERIFIED, { "250 <theo@x.es>\r\n", "250 2.1.5 <theo@x.es>\r\n" } },
    { REPLY_AFTER_CHUNK, { "500 Error de sintaxis\r\n", "503 5.5.1 " } },
    { REPLY_UTF8_SENDER, { "550 ", "550 5.6.7 " } },
    { REPLY_UTF8_RECIPIENT, { "553 ", "553 5.6.7 " } },
    { REPLY_BAD_UTF8, { "553 ", "553 5.6.7 " } },
    { REPLY_FOREIGN, { "550 ", "550 5.7.1 " } },
    { REPLY_NO_MAILBOX, { "550 ", "550 5.1.1 " } },
    { REPLY_BARE, { "550 ", "550 5.6.0 " } },
    { REPLY_LOOPS, { "554 ", "554 5.4.6 " } },
    { REPLY_NO_ROOM, { "452 ", "452 4.3.1 " } },
    { REPLY_FAILED, { "451 ", "451 4.3.0 " } },
    { REPLY_TOO_BIG, { "552 ", "552 5.3.4 " } },
    { REPLY_FILTERED, { "554 ", "554 5.7.1 " } },
    { REPLY_TOO_MANY_ERRORS, { "421 ", "421 4.7.0 " } },
    { REPLY_TIMEOUT, { "421 ", "421 4.4.2 " } },
    { REPLY_SHUTTING_DOWN, { "421 ", "421 4.3.2 " } },
    { REPLY_TOO_MANY_SESSIONS, { "421 ", "421 4.3.2 " } },
    { REPLY_TOO_MANY_OF_YOURS, { "421 ", "421 4.7.0 " } },
};

static void the_texts_of_the_two_sources_are_kept(void)
{
    enum dialect dialect;
    size_t i;

    for (i = 0; i < sizeof fixed / sizeof fixed[0]; i++)
        for (dialect = 0; dialect < DIALECTS; dialect++)
            CHECK(strcmp(text_of(fixed[i].reply, dialect, &values), fixed[i].texts[dialect]) == 0);
}

static void the_others_have_the_codes_of_the_rfcs(void)
{
    enum dialect dialect;
    size_t i;

    for (i = 0; i < sizeof coded / sizeof coded[0]; i++)
        for (dialect = 0; dialect < DIALECTS; dialect++)
            CHECK(strncmp(text_of(coded[i].reply, dialect, &values), coded[i].codes[dialect],
                          strlen(coded[i].codes[dialect])) == 0);
    /* or a reply that was added has no test */
    CHECK(sizeof fixed / sizeof fixed[0] + sizeof coded / sizeof coded[0] == REPLIES);
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* One line with its CRLF: code, mark, then printable ASCII (RFC 5321 4.2), at most 512 octets. */
static void check_line(const char *line, size_t length, bool is_last)
{
    size_t i;

    CHECK(length >= 6 && length <= LINE_LIMIT);
    CHECK(line[0] >= '2' && line[0] <= '5' && line[1] >= '0' && line[1] <= '5' &&
          is_digit(line[2]));
    CHECK(line[3] == (is_last ? ' ' : '-'));
    for (i = 0; i < length - 2; i++)
        CHECK(line[i] >= ' ' && line[i] <= '~');
    CHECK(line[length - 3] != ' ');
}

static void check_form(const char *text)
{
    const char *line = text, *line_end;
    char code[3];

    memcpy(code, text, sizeof code);
    while ((line_end = strstr(line, "\r\n")) != NULL) {
        check_line(line, (size_t)(line_end - line) + 2, line_end[2] == '\0');
        CHECK(memcmp(line, code, sizeof code) == 0);
        line = line_end + 2;
    }
    CHECK(line > text && *line == '\0');
}

static void every_reply_has_its_form_in_every_dialect(void)
{
    enum dialect dialect;
    enum reply reply;

    for (reply = 0; reply < REPLIES; reply++)
        for (dialect = 0; dialect < DIALECTS; dialect++) {
            check_form(text_of(reply, dialect, &values));
            CHECK(strchr(text_of(reply, dialect, &values), '%') == NULL);
        }
}

static void the_longest_values_fit_a_line(void)
{
    char name[NAME_LONGEST + 1];
    struct reply_values longest = { name, UINT64_MAX, "SVDI56NhS", NULL, name };
    enum dialect dialect;
    enum reply reply;

    memset(name, 'n', NAME_LONGEST);
    name[NAME_LONGEST] = '\0';
    longest.verbs = " HELO EHLO MAIL RCPT DATA RSET NOOP QUIT HELP VRFY EXPN TURN BDAT STARTTLS";
    for (reply = 0; reply < REPLIES; reply++)
        for (dialect = 0; dialect < DIALECTS; dialect++)
            check_form(text_of(reply, dialect, &longest));
}

/* RFC 2034 4: status codes on all 2yz, 4yz and 5yz but the greeting and those to HELO and EHLO. */
static bool has_status(enum reply reply, enum dialect dialect)
{
    return dialect == DIALECT_ITBA && reply != REPLY_GREETING && reply != REPLY_HELO &&
           reply != REPLY_EHLO && text_of(reply, dialect, &values)[0] != '3';
}

static void a_status_is_of_its_code_s_class(void)
{
    enum dialect dialect;
    enum reply reply;
    bool is_status;

    for (reply = 0; reply < REPLIES; reply++)
        for (dialect = 0; dialect < DIALECTS; dialect++) {
            const char *text = text_of(reply, dialect, &values), *status = text + 4;

            is_status = is_digit(status[0]) && status[1] == '.' && is_digit(status[2]) &&
                        status[3] == '.' && is_digit(status[4]) && status[5] == ' ';
            CHECK(is_status == has_status(reply, dialect));
            CHECK(!is_status || status[0] == text[0]);
        }
}

static void ehlo_says_what_is_offered_and_size_last(void)
{
    static const char last[] = "\r\n250 SIZE 10240000\r\n";
    enum dialect dialect;
    const char *text;

    for (dialect = 0; dialect < DIALECTS; dialect++) {
        text = text_of(REPLY_EHLO, dialect, &values);
        CHECK(strncmp(text, "250-localhost\r\n", 15) == 0);
        CHECK(strstr(text, "\r\n250-PIPELINING\r\n") != NULL);
        CHECK(strstr(text, "\r\n250-8BITMIME\r\n") != NULL);
        CHECK(strstr(text, "\r\n250-SMTPUTF8\r\n") != NULL);
        CHECK(strstr(text, "\r\n250-CHUNKING\r\n") != NULL);
        /* RFC 2034: not where replies have no status */
        CHECK((strstr(text, "\r\n250-ENHANCEDSTATUSCODES\r\n") != NULL) ==
              (dialect == DIALECT_ITBA));
        CHECK(strcmp(text + strlen(text) - strlen(last), last) == 0);
    }
}

static void help_names_the_verbs(void)
{
    CHECK(strstr(text_of(REPLY_HELP, DIALECT_USAL, &values), " HELO QUIT\r\n") != NULL);
    CHECK(strstr(text_of(REPLY_HELP, DIALECT_ITBA, &values), " HELO QUIT\r\n") != NULL);
}

static void refusals_are_those_of_4yz_and_5yz(void)
{
    enum dialect dialect;
    enum reply reply;

    for (reply = 0; reply < REPLIES; reply++)
        for (dialect = 0; dialect < DIALECTS; dialect++) {
            char first = text_of(reply, dialect, &values)[0];

            CHECK(reply_is_refusal(reply, dialect) == (first == '4' || first == '5'));
        }
}

static void a_name_without_end_cuts_the_text_but_not_the_line_end(void)
{
    static char name[2 * REPLY_ROOM], out[REPLY_ROOM + 1];
    struct reply_values long_name = { name, 1, "", "", "" };

    memset(name, 'n', sizeof name - 1);
    out[REPLY_ROOM] = '#';
    CHECK(reply_write(REPLY_GREETING, DIALECT_ITBA, &long_name, out) == REPLY_ROOM);
    CHECK(memcmp(out, "220 nnn", 7) == 0);
    CHECK(memcmp(out + REPLY_ROOM - 3, "n\r\n#", 4) == 0);
}

static void dialects_are_found_by_their_names(void)
{
    enum dialect dialect = DIALECT_ITBA;

    CHECK(dialect_find("usal", &dialect) && dialect == DIALECT_USAL);
    CHECK(dialect_find("itba", &dialect) && dialect == DIALECT_ITBA);
    CHECK(!dialect_find("", &dialect) && !dialect_find("usa", &dialect));
    CHECK(!dialect_find("usalx", &dialect) && !dialect_find("USAL", &dialect));
    CHECK(dialect == DIALECT_ITBA);
    CHECK(dialect_needs_hello(DIALECT_USAL) && !dialect_needs_hello(DIALECT_ITBA));
}

int main(void)
{
    the_texts_of_the_two_sources_are_kept();
    the_others_have_the_codes_of_the_rfcs();
    every_reply_has_its_form_in_every_dialect();
    the_longest_values_fit_a_line();
    a_status_is_of_its_code_s_class();
    ehlo_says_what_is_offered_and_size_last();
    help_names_the_verbs();
    refusals_are_those_of_4yz_and_5yz();
    a_name_without_end_cuts_the_text_but_not_the_line_end();
    dialects_are_found_by_their_names();
    return check_status();
}
