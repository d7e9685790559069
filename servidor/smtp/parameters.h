/*
 * The parameters that may follow a path in MAIL (RFC 5321 4.1.2): SIZE (RFC 1870), BODY
 * (RFC 6152) and SMTPUTF8 (RFC 6531). Pure.
 */
#ifndef SMTP_PARAMETERS_H
#define SMTP_PARAMETERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mail_parameters {
    bool has_size, has_body, is_utf8;
    uint64_t size; /* UINT64_MAX if more was said */
};

enum parameters_result {
    PARAMETERS_GOOD,
    PARAMETERS_BAD,     /* a value that is none, or one parameter twice */
    PARAMETERS_UNKNOWN, /* one that is not offered */
};

/* Reads `text`, what stands behind the path: each parameter with a blank before it. */
enum parameters_result parameters_parse(const char *text, size_t length,
                                        struct mail_parameters *parameters);

#endif
