/* See paths.h. */
#include "smtp/paths.h"

#include <string.h>

#include "mail/local.h"
#include "net/text.h"
#include "smtp/address.h"
#include "smtp/parameters.h"

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

/* Reads a path that nothing, or a blank, follows. Returns its length; 0: there is none. */
static size_t parse_path(const char *text, size_t length, struct address *address)
{
    size_t n = address_parse(text, length, address);

    return n < length && text[n] != ' ' ? 0 : n;
}

/* The mailbox of an address, from its first octet to its last, without brackets and route. */
static size_t text_length(const struct address *address)
{
    return address->domain_length == 0
               ? address->local_length
               : (size_t)(address->domain + address->domain_length - address->local);
}

/* What MAIL's parameters say against the mail, if anything. */
static enum reply judge_parameters(const struct session *session,
                                   const struct mail_parameters *parameters)
{
    if (!parameters->has_size)
        return REPLY_OK;
    if (parameters->size > session->config->message_size)
        return REPLY_TOO_BIG;
    return delivery_has_room(session->config->mail, parameters->size) ? REPLY_OK : REPLY_NO_ROOM;
}

/* The path and the parameters of MAIL. */
static enum reply parse_mail(const char *path, size_t length, struct address *sender,
                             struct mail_parameters *parameters)
{
    static const char null_path[] = "<>";
    size_t n = parse_path(path, length, sender);

    if (!text_is_utf8(path, length))
        return REPLY_BAD_UTF8;
    if (text_begins(path, length, null_path) && (length == 2 || path[2] == ' ')) {
        *sender = (struct address){ .local = path };
        n = strlen(null_path);
    }
    if (n == 0)
        return REPLY_BAD_SENDER;
    switch (parameters_parse(path + n, length - n, parameters)) {
    case PARAMETERS_BAD:
        return REPLY_ARGUMENT;
    case PARAMETERS_UNKNOWN:
        return REPLY_PARAMETER;
    case PARAMETERS_GOOD:
        break;
    }
    return text_is_ascii(path, length) || parameters->is_utf8 ? REPLY_OK : REPLY_UTF8_SENDER;
}

enum reply paths_mail(struct session *session, const char *argument, size_t length)
{
    const char *path = skip_prefix(argument, &length, "FROM:");
    struct mail_parameters parameters;
    struct address sender;
    enum reply reply;

    if (path == NULL)
        return REPLY_SYNTAX;
    reply = parse_mail(path, length, &sender, &parameters);
    if (reply == REPLY_OK)
        reply = judge_parameters(session, &parameters);
    if (reply != REPLY_OK)
        return reply;
    transaction_start(session);
    session->mail->is_utf8 = parameters.is_utf8;
    envelope_start(&session->mail->envelope, sender.local, text_length(&sender));
    return REPLY_OK;
}

/* Where the mail of an address goes: REPLY_OK and the box, or why it goes nowhere. */
static enum reply find_box(const struct session *session, const struct address *address,
                           char box[BOX_NAME_ROOM])
{
    struct local_mailbox mailbox = { .domain = address->domain,
                                     .domain_length = address->domain_length };
    struct peer literal;

    _Static_assert((int)ADDRESS_LOCAL_LIMIT <= (int)BOX_LOCAL_LIMIT, "a local part has a box");
    _Static_assert((int)ADDRESS_PATH_LIMIT <= (int)ENVELOPE_ADDRESS_ROOM, "an address fits");
    mailbox.local_length = address_unquote(address, mailbox.local);
    mailbox.is_here = address_is_literal(address, &literal) &&
                      peer_is_same_address(&literal, &session->client->own);
    switch (local_find(session->config->mail, &mailbox, box)) {
    case LOCAL_FOREIGN:
        return REPLY_FOREIGN;
    case LOCAL_UNKNOWN:
        return REPLY_NO_MAILBOX;
    case LOCAL_UNSURE:
        return REPLY_FAILED;
    case LOCAL_OURS:
        break;
    }
    return REPLY_OK;
}

enum reply paths_rcpt(struct session *session, const char *argument, size_t length)
{
    const char *path = skip_prefix(argument, &length, "TO:");
    struct envelope *envelope = &session->mail->envelope;
    struct address recipient;
    char box[BOX_NAME_ROOM];
    enum reply reply;
    size_t n;

    if (path == NULL)
        return REPLY_SYNTAX;
    if (!text_is_utf8(path, length))
        return REPLY_BAD_UTF8;
    n = parse_path(path, length, &recipient);
    if (n == 0)
        return REPLY_BAD_RECIPIENT;
    if (n < length)
        return REPLY_PARAMETER;
    if (!session->mail->is_utf8 && !text_is_ascii(path, length))
        return REPLY_UTF8_RECIPIENT;
    reply = find_box(session, &recipient, box);
    if (reply != REPLY_OK)
        return reply;
    if (envelope->recipients.count == session->config->recipients)
        return REPLY_TOO_MANY_RECIPIENTS;
    return envelope_add(envelope, recipient.local, text_length(&recipient), box) == 0
               ? REPLY_OK
               : REPLY_FAILED;
}

/* VRFY also takes a local part alone, and SMTPUTF8 behind it (RFC 6531 3.7.4). */
static bool parse_user(const char *text, size_t length, struct address *address, bool *is_utf8)
{
    size_t n = parse_path(text, length, address);

    if (n == 0)
        n = address_parse_local(text, length, address);
    while (n > 0 && n < length && text[n] == ' ')
        n++;
    *is_utf8 = n > 0 && text_is_word(text + n, length - n, "SMTPUTF8");
    return n > 0 && (n == length || *is_utf8);
}

enum reply paths_vrfy(struct session *session, const char *argument, size_t length)
{
    struct address address;
    char box[BOX_NAME_ROOM];
    bool is_utf8, is_user = parse_user(argument, length, &address, &is_utf8);
    enum reply reply;

    if (!text_is_utf8(argument, length))
        return REPLY_BAD_UTF8;
    if (!is_utf8 && !text_is_ascii(argument, length))
        return REPLY_UTF8_RECIPIENT;
    if (!session->config->mail->knows_mailboxes)
        return REPLY_OK;
    reply = is_user ? find_box(session, &address, box) : REPLY_NO_MAILBOX;
    if (reply != REPLY_OK)
        return reply;
    memcpy(session->verified, address.local, text_length(&address));
    session->verified[text_length(&address)] = '\0';
    return REPLY_VERIFIED;
}
