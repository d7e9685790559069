/* See replies.h. Texts are ASCII but for a mailbox that a client named so (RFC 6531 3.7.4). */
#include "smtp/replies.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    bool needs_hello;
} dialects[DIALECTS] = {
    [DIALECT_USAL] = { "usal", true },
    [DIALECT_ITBA] = { "itba", false },
};

#define BAD "500 Error de sintaxis"
#define EHLO                                                                                       \
    "250-%N\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-CHUNKING\r\n"

static const char *const texts[REPLIES][DIALECTS] = {
    /* clang-format off */
    [REPLY_GREETING]      = { "220 Servicio de transferencia simple de correo preparado", "220 %N SMTP" },
    [REPLY_HELO]          = { "250 OK", "250 %N" },
    [REPLY_EHLO]          = { EHLO "250 SIZE %S", EHLO "250-ENHANCEDSTATUSCODES\r\n250 SIZE %S" },
    [REPLY_MAIL]          = { "250 OK", "250 2.1.0 Ok" },
    [REPLY_RCPT]          = { "250 OK", "250 2.1.0 Ok" },
    [REPLY_OK]            = { "250 OK", "250 2.0.0 Ok" },
    [REPLY_DATA]          = { "354 Comenzando con el texto del correo, finalice con .",
                              "354 End data with <CR><LF>.<CR><LF>" },
    [REPLY_CHUNK]         = { "250 OK", "250 2.0.0 Ok" },
    [REPLY_QUEUED]        = { "250 OK", "250 2.0.0 Ok: queued as %I" },
    [REPLY_QUIT]          = { "221 Cerrando el servicio", "221 2.0.0 Bye" },
    [REPLY_HELP]          = { "214 Ordenes:%V", "214 2.0.0 Commands:%V" },
    [REPLY_VRFY]          = { "252 No se puede verificar el buzon, envie el correo",
                              "252 2.0.0 Cannot verify the mailbox, send the mail" },
    [REPLY_VERIFIED]      = { "250 <%M>", "250 2.1.5 <%M>" },
    [REPLY_SYNTAX]        = { BAD, "500 5.5.2 Error: bad syntax" },
    [REPLY_UNKNOWN]       = { BAD, "502 5.5.2 Error: command not recognized" },
    [REPLY_NOT_OFFERED]   = { "502 Orden no disponible", "502 5.5.1 Error: command not offered" },
    [REPLY_ARGUMENT]      = { BAD, "501 5.5.4 Error: bad argument" },
    [REPLY_PARAMETER]     = { BAD, "555 5.5.4 Error: parameter not recognized" },
    [REPLY_LINE_TOO_LONG] = { "500 Linea demasiado larga", "500 5.5.2 Error: line too long" },
    [REPLY_BAD_SENDER]    = { BAD, "501 5.1.7 Bad sender address syntax" },
    [REPLY_BAD_RECIPIENT] = { BAD, "501 5.1.3 Bad recipient address syntax" },
    [REPLY_NEED_HELO]     = { BAD, "503 5.5.1 Error: need HELO command" },
    [REPLY_NEED_MAIL]     = { BAD, "503 5.5.1 Error: need MAIL command" },
    [REPLY_NEED_RCPT]     = { BAD, "503 5.5.1 Error: need RCPT command" },
    [REPLY_NESTED_MAIL]   = { BAD, "503 5.5.1 Error: nested MAIL command" },
    [REPLY_AFTER_CHUNK]   = { BAD, "503 5.5.1 Error: not after BDAT" },
    [REPLY_UTF8_SENDER]   = { "550 Direccion no ASCII sin SMTPUTF8",
                              "550 5.6.7 Error: non-ASCII address without SMTPUTF8" },
    [REPLY_UTF8_RECIPIENT] = { "553 Direccion no ASCII sin SMTPUTF8",
                               "553 5.6.7 Error: non-ASCII address without SMTPUTF8" },
    [REPLY_BAD_UTF8]      = { "553 Direccion que no es UTF-8",
                              "553 5.6.7 Error: address is not UTF-8" },
    [REPLY_FOREIGN]       = { "550 Dominio ajeno", "550 5.7.1 Error: not a domain of this host" },
    [REPLY_NO_MAILBOX]    = { "550 Buzon desconocido", "550 5.1.1 Error: no such mailbox" },
    [REPLY_TOO_MANY_RECIPIENTS] = { "452 Demasiados destinatarios",
                                    "452 4.5.3 Error: too many recipients" },
    [REPLY_TOO_BIG]             = { "552 Mensaje demasiado grande",
                                    "552 5.3.4 Error: message too big" },
    [REPLY_BARE]                = { "550 CR o LF sueltos en el mensaje",
                                    "550 5.6.0 Error: bare CR or LF in the message" },
    [REPLY_LOOPS]               = { "554 Demasiados saltos, posible bucle",
                                    "554 5.4.6 Error: too many hops" },
    [REPLY_FILTERED]            = { "554 Mensaje rechazado por el filtro",
                                    "554 5.7.1 Error: message refused by the filter" },
    [REPLY_NO_ROOM]             = { "452 Espacio insuficiente, intente mas tarde",
                                    "452 4.3.1 Error: insufficient storage, try later" },
    [REPLY_FAILED]              = { "451 No se puede guardar ahora, intente mas tarde",
                                    "451 4.3.0 Error: cannot be kept now, try later" },
    [REPLY_TOO_MANY_ERRORS]     = { "421 Demasiados errores, cerrando el servicio",
                                    "421 4.7.0 %N Error: too many errors" },
    [REPLY_TIMEOUT]             = { "421 Tiempo de espera agotado, cerrando el servicio",
                                    "421 4.4.2 %N Error: timeout exceeded" },
    [REPLY_SHUTTING_DOWN]       = { "421 Servidor en parada, cerrando el servicio",
                                    "421 4.3.2 %N Error: shutting down" },
    [REPLY_TOO_MANY_SESSIONS]   = { "421 Demasiadas sesiones, intente mas tarde",
                                    "421 4.3.2 %N Error: too many sessions, try later" },
    [REPLY_TOO_MANY_OF_YOURS]   = { "421 Demasiadas sesiones desde su direccion",
                                    "421 4.7.0 %N Error: too many sessions from your address" },
    /* clang-format on */
};

#undef BAD
#undef EHLO

bool dialect_find(const char *name, enum dialect *dialect)
{
    int i;

    for (i = 0; i < DIALECTS; i++)
        if (strcmp(name, dialects[i].name) == 0) {
            *dialect = (enum dialect)i;
            return true;
        }
    return false;
}

bool dialect_needs_hello(enum dialect dialect)
{
    return dialects[dialect].needs_hello;
}

/* Writes what stands for the placeholder `letter`; `number` is room for a number. */
static const char *value_of(char letter, const struct reply_values *values, char number[24])
{
    switch (letter) {
    case 'N':
        return values->name;
    case 'I':
        return values->id;
    case 'V':
        return values->verbs;
    case 'M':
        return values->mailbox;
    case 'S':
        snprintf(number, 24, "%" PRIu64, values->message_size);
        return number;
    default:
        return "%";
    }
}

size_t reply_write(enum reply reply, enum dialect dialect, const struct reply_values *values,
                   char out[REPLY_ROOM])
{
    const char *from = texts[reply][dialect], *line_end = "\r\n";
    const size_t room = REPLY_ROOM - strlen(line_end);
    char number[24];
    size_t used = 0, length;

    for (; *from != '\0' && used < room; from++) {
        if (*from != '%') {
            out[used++] = *from;
            continue;
        }
        from++;
        length = strlen(value_of(*from, values, number));
        if (length > room - used)
            length = room - used;
        memcpy(out + used, value_of(*from, values, number), length);
        used += length;
    }
    memcpy(out + used, line_end, strlen(line_end));
    return used + strlen(line_end);
}

unsigned reply_class(enum reply reply, enum dialect dialect)
{
    return (unsigned)(texts[reply][dialect][0] - '0');
}

bool reply_is_refusal(enum reply reply, enum dialect dialect)
{
    return reply_class(reply, dialect) >= 4;
}
