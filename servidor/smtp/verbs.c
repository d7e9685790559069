/*
 * See verbs.h. A command is refused by its row of the table or by its function, which
 * changes nothing before the last check has passed; the reply goes back to session.c.
 */
#include "smtp/verbs.h"

#include <string.h>

#include "net/text.h"
#include "smtp/address.h"

/* What must have come before a verb. */
enum need { NEEDS_NOTHING, NEEDS_HELLO_ONLY, NEEDS_MAIL, NEEDS_RECIPIENT };

/* What may follow it on its line. */
enum argument { TAKES_NOTHING, TAKES_ANYTHING, TAKES_SOMETHING };

struct verb {
    const char *name;
    enum need need;
    enum argument argument;
    enum reply reply; /* when all is well */
    /* Carries it out: REPLY_OK, or a refusal. NULL: there is nothing to do. */
    enum reply (*act)(struct session *session, const char *argument, size_t length);
};

/* HELO and EHLO: the name need not be true, nor a domain (RFC 5321 4.1.4), but is one word. */
static enum reply do_hello(struct session *session, const char *name, size_t length)
{
    if (memchr(name, ' ', length) != NULL || length > ADDRESS_DOMAIN_LIMIT)
        return REPLY_ARGUMENT;
    session->has_hello = true;
    session->mail = NULL;
    return REPLY_OK;
}

/*
 * Skips `prefix` ("FROM:") and blanks behind it. Returns what follows, its length in
 * `*length`; NULL when the argument does not begin with the prefix.
 */
static const char *skip_prefix(const char *argument, size_t *length, const char *prefix)
{
    size_t n = strlen(prefix);

    if (!text_begins(argument, *length, prefix))
        return NULL;
    while (n < *length && argument[n] == ' ')
        n++;
    *length -= n;
    return argument + n;
}

static bool are_digits(const char *text, size_t length)
{
    while (length > 0 && *text >= '0' && *text <= '9') {
        text++;
        length--;
    }
    return length == 0;
}

/* The value of SIZE= (RFC 1870): REPLY_OK if such a message may come. */
static enum reply check_size(const struct session *session, const char *digits, size_t length)
{
    uint64_t size;

    if (length == 0 || !are_digits(digits, length))
        return REPLY_ARGUMENT;
    return text_number(digits, length, session->config->message_size, &size) ? REPLY_OK
                                                                             : REPLY_TOO_BIG;
}

/* One parameter of MAIL, as in SIZE=1000. */
static enum reply check_mail_parameter(const struct session *session, const char *text,
                                       size_t length)
{
    static const char size[] = "SIZE=";

    if (text_begins(text, length, size))
        return check_size(session, text + strlen(size), length - strlen(size));
    return text_is_word(text, length, "SIZE") ? REPLY_ARGUMENT : REPLY_PARAMETER;
}

/* What stands behind MAIL's path, each parameter with a blank before it and none twice. */
static enum reply check_mail_parameters(const struct session *session, const char *text,
                                        size_t length)
{
    enum reply reply = REPLY_OK;
    size_t count = 0, n;

    while (length > 0 && reply == REPLY_OK) {
        for (; *text == ' '; length--)
            text++;
        for (n = 0; n < length && text[n] != ' '; n++)
            continue;
        reply = check_mail_parameter(session, text, n);
        /* There is but one parameter so far: a second one repeats it. */
        if (reply == REPLY_OK && ++count > 1)
            reply = REPLY_ARGUMENT;
        text += n;
        length -= n;
    }
    return reply;
}

static enum reply do_mail(struct session *session, const char *argument, size_t length)
{
    static const char null_path[] = "<>";
    const char *path = skip_prefix(argument, &length, "FROM:");
    struct address sender;
    enum reply reply;
    size_t n;

    if (path == NULL)
        return REPLY_SYNTAX;
    n = text_begins(path, length, null_path) ? strlen(null_path)
                                             : address_parse(path, length, &sender);
    if (n == 0 || (n < length && path[n] != ' '))
        return REPLY_BAD_SENDER;
    reply = check_mail_parameters(session, path + n, length - n);
    if (reply != REPLY_OK)
        return reply;
    session->storage.recipients = 0;
    session->mail = &session->storage;
    return REPLY_OK;
}

static enum reply do_rcpt(struct session *session, const char *argument, size_t length)
{
    const char *path = skip_prefix(argument, &length, "TO:");
    struct address recipient;
    size_t n;

    if (path == NULL)
        return REPLY_SYNTAX;
    n = address_parse(path, length, &recipient);
    if (n == 0 || (n < length && path[n] != ' '))
        return REPLY_BAD_RECIPIENT;
    if (n < length)
        return REPLY_PARAMETER;
    if (session->mail->recipients == session->config->recipients)
        return REPLY_TOO_MANY_RECIPIENTS;
    session->mail->recipients++;
    return REPLY_OK;
}

static enum reply do_data(struct session *session, const char *argument, size_t length)
{
    (void)argument;
    (void)length;
    data_start(&session->mail->text);
    session->is_in_text = true;
    return REPLY_OK;
}

static enum reply do_rset(struct session *session, const char *argument, size_t length)
{
    (void)argument;
    (void)length;
    session->mail = NULL;
    return REPLY_OK;
}

static enum reply do_quit(struct session *session, const char *argument, size_t length)
{
    (void)argument;
    (void)length;
    session->is_over = true;
    return REPLY_OK;
}

static const struct verb verbs[] = {
    { "HELO", NEEDS_NOTHING, TAKES_SOMETHING, REPLY_HELO, do_hello },
    { "EHLO", NEEDS_NOTHING, TAKES_SOMETHING, REPLY_EHLO, do_hello },
    { "MAIL", NEEDS_HELLO_ONLY, TAKES_ANYTHING, REPLY_MAIL, do_mail },
    { "RCPT", NEEDS_MAIL, TAKES_ANYTHING, REPLY_RCPT, do_rcpt },
    { "DATA", NEEDS_RECIPIENT, TAKES_NOTHING, REPLY_DATA, do_data },
    { "RSET", NEEDS_NOTHING, TAKES_NOTHING, REPLY_OK, do_rset },
    { "NOOP", NEEDS_NOTHING, TAKES_ANYTHING, REPLY_OK, NULL },
    { "QUIT", NEEDS_NOTHING, TAKES_NOTHING, REPLY_QUIT, do_quit },
    { "HELP", NEEDS_NOTHING, TAKES_ANYTHING, REPLY_HELP, NULL },
    { "VRFY", NEEDS_NOTHING, TAKES_SOMETHING, REPLY_VRFY, NULL },
    { "EXPN", NEEDS_NOTHING, TAKES_ANYTHING, REPLY_NOT_OFFERED, NULL },
    { "TURN", NEEDS_NOTHING, TAKES_ANYTHING, REPLY_NOT_OFFERED, NULL },
    { "SEND", NEEDS_NOTHING, TAKES_ANYTHING, REPLY_NOT_OFFERED, NULL },
    { "SOML", NEEDS_NOTHING, TAKES_ANYTHING, REPLY_NOT_OFFERED, NULL },
    { "SAML", NEEDS_NOTHING, TAKES_ANYTHING, REPLY_NOT_OFFERED, NULL },
};

enum { VERBS = sizeof verbs / sizeof verbs[0] };

const char *verbs_list(void)
{
    static char list[VERBS * 8];
    size_t i, used = 0;

    for (i = 0; i < VERBS; i++)
        if (verbs[i].reply != REPLY_NOT_OFFERED) {
            list[used++] = ' ';
            memcpy(list + used, verbs[i].name, strlen(verbs[i].name));
            used += strlen(verbs[i].name);
        }
    list[used] = '\0';
    return list;
}

/* REPLY_OK if the session stands where the verb needs it. */
static enum reply check_order(const struct session *session, const struct verb *verb)
{
    bool has_hello = session->has_hello || !dialect_needs_hello(session->config->dialect);

    switch (verb->need) {
    case NEEDS_NOTHING:
        break;
    case NEEDS_HELLO_ONLY:
        if (!has_hello)
            return REPLY_NEED_HELO;
        return session->mail == NULL ? REPLY_OK : REPLY_NESTED_MAIL;
    case NEEDS_MAIL:
        return session->mail == NULL ? REPLY_NEED_MAIL : REPLY_OK;
    case NEEDS_RECIPIENT:
        return session->mail == NULL || session->mail->recipients == 0 ? REPLY_NEED_RCPT : REPLY_OK;
    }
    return REPLY_OK;
}

static enum reply check_argument(const struct verb *verb, size_t length)
{
    if ((verb->argument == TAKES_NOTHING && length > 0) ||
        (verb->argument == TAKES_SOMETHING && length == 0))
        return REPLY_ARGUMENT;
    return REPLY_OK;
}

static const struct verb *find_verb(const char *name, size_t length)
{
    size_t i;

    for (i = 0; i < VERBS; i++)
        if (text_is_word(name, length, verbs[i].name))
            return &verbs[i];
    return NULL;
}

/* Octets that no command may hold: controls, and what is not ASCII (RFC 5321 2.4, 4.1.2). */
static bool has_strange_octet(const char *line, size_t length)
{
    size_t i;

    for (i = 0; i < length; i++)
        if ((line[i] < ' ' || line[i] > '~') && line[i] != '\t')
            return true;
    return false;
}

static size_t trimmed(const char *line, size_t length)
{
    while (length > 0 && (line[length - 1] == ' ' || line[length - 1] == '\t'))
        length--;
    return length;
}

enum reply verbs_execute(struct session *session, const char *line, size_t length)
{
    const struct verb *verb;
    enum reply reply;
    size_t name = 0, argument;

    if (has_strange_octet(line, length))
        return REPLY_SYNTAX;
    length = trimmed(line, length);
    while (name < length && line[name] != ' ')
        name++;
    for (argument = name; argument < length && line[argument] == ' '; argument++)
        continue;
    verb = find_verb(line, name);
    if (verb == NULL)
        return name == 0 ? REPLY_SYNTAX : REPLY_UNKNOWN;
    reply = check_order(session, verb);
    if (reply == REPLY_OK)
        reply = check_argument(verb, length - argument);
    if (reply == REPLY_OK && verb->act != NULL)
        reply = verb->act(session, line + argument, length - argument);
    return reply == REPLY_OK ? verb->reply : reply;
}
