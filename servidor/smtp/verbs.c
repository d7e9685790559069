/*
 * See verbs.h. A command is refused by its row of the table or by its function, which
 * changes nothing before the last check has passed; the reply goes back to session.c.
 */
#include "smtp/verbs.h"

#include <string.h>

#include "net/text.h"
#include "smtp/paths.h"

/* What must have come before a verb. */
enum need { NEEDS_NOTHING, NEEDS_HELLO_ONLY, NEEDS_MAIL, NEEDS_RECIPIENT };

/* Which octets may stand in its line. */
enum charset { ASCII, UTF_8 };

/* What may follow it on its line. */
enum argument { TAKES_NOTHING, TAKES_ANYTHING, TAKES_SOMETHING };

struct verb {
    const char *name;
    enum need need;
    enum argument argument;
    enum charset charset;
    enum reply reply; /* when all is well */
    /* Carries it out: REPLY_OK, or a refusal. NULL: there is nothing to do. */
    enum reply (*act)(struct session *session, const char *argument, size_t length);
};

void transaction_start(struct session *session)
{
    session->mail = &session->storage;
    session->mail->has_chunks = false;
}

void transaction_drop(struct session *session)
{
    if (session->mail != NULL) {
        delivery_drop(&session->mail->delivery);
        envelope_forget(&session->mail->envelope);
    }
    session->mail = NULL;
}

enum reply transaction_reply(enum delivery_verdict verdict, enum reply kept)
{
    switch (verdict) {
    case DELIVERY_KEPT:
    case DELIVERY_DROPPED:
        return kept;
    case DELIVERY_NO_ROOM:
        return REPLY_NO_ROOM;
    case DELIVERY_LOOPS:
        return REPLY_LOOPS;
    case DELIVERY_FILTERED:
        return REPLY_FILTERED;
    case DELIVERY_FAILED:
        break;
    }
    return REPLY_FAILED;
}

/* The name need not be true, nor a domain (RFC 5321 4.1.4), but is one word. */
static enum reply greet(struct session *session, const char *name, size_t length,
                        bool is_extended)
{
    size_t i;

    for (i = 0; i < length; i++)
        if (name[i] <= ' ')
            return REPLY_ARGUMENT;
    if (length > ADDRESS_DOMAIN_LIMIT)
        return REPLY_ARGUMENT;
    transaction_drop(session);
    memcpy(session->hello, name, length);
    session->hello[length] = '\0';
    session->has_hello = true;
    session->is_extended = is_extended;
    return REPLY_OK;
}

static enum reply do_helo(struct session *session, const char *name, size_t length)
{
    return greet(session, name, length, false);
}

static enum reply do_ehlo(struct session *session, const char *name, size_t length)
{
    return greet(session, name, length, true);
}

/* How the mail came, for its trace field (RFC 5321 4.4, RFC 6531 3.7.3). */
static const char *protocol_of(const struct session *session)
{
    if (session->channel->protocol != NULL)
        return session->channel->protocol;
    if (session->mail->is_utf8)
        return "UTF8SMTP";
    return session->is_extended ? "ESMTP" : "SMTP";
}

/* Begins to keep the open transaction's mail: REPLY_OK, or why that cannot be. */
static enum reply start_text(struct session *session, enum data_framing framing)
{
    const struct session_config *config = session->config;
    struct transaction *mail = session->mail;
    struct message_trace trace = { .hello = session->hello,
                                   .client_name = session->client->name,
                                   .client = session->client->peer,
                                   .server = config->name,
                                   .protocol = protocol_of(session) };

    data_start(&mail->text, framing, config->rejects_bare != 0);
    return transaction_reply(
        delivery_start(&mail->delivery, config->mail, &mail->envelope, &trace), REPLY_OK);
}

static enum reply do_data(struct session *session, const char *argument, size_t length)
{
    enum reply reply = start_text(session, DATA_BY_DOT);

    (void)argument;
    (void)length;
    if (reply == REPLY_OK)
        session->state = STATE_TEXT;
    return reply;
}

/* What BDAT's argument, "SIZE" or "SIZE LAST", says. */
static bool parse_chunk(const char *argument, size_t length, struct chunk *chunk)
{
    const char *blank = memchr(argument, ' ', length);
    size_t digits = blank == NULL ? length : (size_t)(blank - argument), behind = digits;

    while (behind < length && argument[behind] == ' ')
        behind++;
    chunk->is_last = text_is_word(argument + behind, length - behind, "LAST");
    return (blank == NULL || chunk->is_last) &&
           text_number(argument, digits, INT64_MAX, &chunk->left);
}

/* What is against a chunk of the open transaction, if anything. Begins its text. */
static enum reply judge_chunk(struct session *session)
{
    struct transaction *mail = session->mail;
    enum reply reply = REPLY_OK;

    session->chunk.ends_mail = false;
    if (mail == NULL)
        return REPLY_NEED_MAIL;
    if (mail->envelope.recipients.count == 0)
        return REPLY_NEED_RCPT;
    if (!mail->has_chunks)
        reply = start_text(session, DATA_BY_LENGTH);
    mail->has_chunks = true;
    if (reply == REPLY_OK && session->chunk.left > session->config->message_size - mail->text.size)
        reply = REPLY_TOO_BIG;
    if (reply != REPLY_OK) {
        session->chunk.ends_mail = true;
        session->chunk.mail_size = mail->text.size + session->chunk.left;
        transaction_drop(session);
    }
    return reply;
}

static enum reply do_bdat(struct session *session, const char *argument, size_t length)
{
    if (!parse_chunk(argument, length, &session->chunk))
        return REPLY_ARGUMENT;
    session->state = STATE_CHUNK;
    session->chunk.refusal = judge_chunk(session);
    return REPLY_OK;
}

static enum reply do_rset(struct session *session, const char *argument, size_t length)
{
    (void)argument;
    (void)length;
    transaction_drop(session);
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
    /* clang-format off */
    { "HELO", NEEDS_NOTHING, TAKES_SOMETHING, ASCII, REPLY_HELO, do_helo },
    { "EHLO", NEEDS_NOTHING, TAKES_SOMETHING, ASCII, REPLY_EHLO, do_ehlo },
    { "MAIL", NEEDS_HELLO_ONLY, TAKES_ANYTHING, UTF_8, REPLY_MAIL, paths_mail },
    { "RCPT", NEEDS_MAIL, TAKES_ANYTHING, UTF_8, REPLY_RCPT, paths_rcpt },
    { "DATA", NEEDS_RECIPIENT, TAKES_NOTHING, ASCII, REPLY_DATA, do_data },
    /* its octets follow even where it is out of order, so it sees to the order itself */
    { "BDAT", NEEDS_NOTHING, TAKES_ANYTHING, ASCII, REPLY_CHUNK, do_bdat },
    { "RSET", NEEDS_NOTHING, TAKES_NOTHING, ASCII, REPLY_OK, do_rset },
    { "NOOP", NEEDS_NOTHING, TAKES_ANYTHING, ASCII, REPLY_OK, NULL },
    { "QUIT", NEEDS_NOTHING, TAKES_NOTHING, ASCII, REPLY_QUIT, do_quit },
    { "HELP", NEEDS_NOTHING, TAKES_ANYTHING, ASCII, REPLY_HELP, NULL },
    { "VRFY", NEEDS_NOTHING, TAKES_SOMETHING, UTF_8, REPLY_VRFY, paths_vrfy },
    { "EXPN", NEEDS_NOTHING, TAKES_ANYTHING, ASCII, REPLY_NOT_OFFERED, NULL },
    { "TURN", NEEDS_NOTHING, TAKES_ANYTHING, ASCII, REPLY_NOT_OFFERED, NULL },
    { "SEND", NEEDS_NOTHING, TAKES_ANYTHING, ASCII, REPLY_NOT_OFFERED, NULL },
    { "SOML", NEEDS_NOTHING, TAKES_ANYTHING, ASCII, REPLY_NOT_OFFERED, NULL },
    { "SAML", NEEDS_NOTHING, TAKES_ANYTHING, ASCII, REPLY_NOT_OFFERED, NULL },
    /* clang-format on */
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
        if (session->mail == NULL)
            return REPLY_NEED_MAIL;
        return session->mail->has_chunks ? REPLY_AFTER_CHUNK : REPLY_OK;
    case NEEDS_RECIPIENT:
        if (session->mail == NULL || session->mail->envelope.recipients.count == 0)
            return REPLY_NEED_RCPT;
        return session->mail->has_chunks ? REPLY_AFTER_CHUNK : REPLY_OK;
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

/* Controls, which no command may hold (RFC 5321 4.1.2). */
static bool has_controls(const char *line, size_t length)
{
    size_t i;

    for (i = 0; i < length; i++)
        if (((unsigned char)line[i] < ' ' && line[i] != '\t') || line[i] == 0x7f)
            return true;
    return false;
}

static size_t trimmed(const char *line, size_t length)
{
    while (length > 0 && (line[length - 1] == ' ' || line[length - 1] == '\t'))
        length--;
    return length;
}

bool verbs_announces_octets(const char *line, size_t length)
{
    static const char verb[] = "BDAT";

    return text_begins(line, length, verb) &&
           (length == strlen(verb) || (unsigned char)line[strlen(verb)] <= ' ');
}

enum reply verbs_execute(struct session *session, const char *line, size_t length)
{
    const struct verb *verb;
    enum reply reply;
    size_t name = 0, argument;

    if (has_controls(line, length))
        return REPLY_SYNTAX;
    length = trimmed(line, length);
    while (name < length && line[name] != ' ')
        name++;
    for (argument = name; argument < length && line[argument] == ' '; argument++)
        continue;
    verb = find_verb(line, name);
    if (verb == NULL)
        return name == 0 || !text_is_ascii(line, name) ? REPLY_SYNTAX : REPLY_UNKNOWN;
    if (verb->charset == ASCII && !text_is_ascii(line, length))
        return REPLY_SYNTAX;
    reply = check_order(session, verb);
    if (reply == REPLY_OK)
        reply = check_argument(verb, length - argument);
    if (reply == REPLY_OK && verb->act != NULL)
        reply = verb->act(session, line + argument, length - argument);
    return reply == REPLY_OK ? verb->reply : reply;
}
