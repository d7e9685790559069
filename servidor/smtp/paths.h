/*
 * The commands that name a mailbox: MAIL, RCPT and VRFY (RFC 5321 3.3, 3.5), from the path
 * and the parameters behind it to what it means for the mail. Called from the table in
 * verbs.c, which has checked the order of commands.
 */
#ifndef SMTP_PATHS_H
#define SMTP_PATHS_H

#include <stddef.h>

#include "smtp/verbs.h"

/* Each carries out its command and changes nothing before the last check has passed. */
enum reply paths_mail(struct session *session, const char *argument, size_t length);
enum reply paths_rcpt(struct session *session, const char *argument, size_t length);
enum reply paths_vrfy(struct session *session, const char *argument, size_t length);

#endif
