/*
 * The name of the folder that keeps a mailbox's mail. Whatever stands in the address, it is
 * one component of a path, harmless to shells and terminals. Two local parts have one name
 * only if they differ in nothing but the case of ASCII letters. Pure.
 */
#ifndef MAIL_BOX_H
#define MAIL_BOX_H

#include <stdbool.h>
#include <stddef.h>

/* Room for the name of a local part of BOX_LOCAL_LIMIT octets (RFC 5321 4.5.3.1.1), and a NUL. */
enum { BOX_LOCAL_LIMIT = 64, BOX_NAME_ROOM = 3 * BOX_LOCAL_LIMIT + 1 };

/*
 * Writes the name for the local part `local`, without quotes and of at most BOX_LOCAL_LIMIT
 * octets. a-z 0-9 _ - + = are kept, as is a dot that does not lead; A-Z become a-z; all else
 * becomes %XX. A local part without octets gives "%".
 */
void box_name(char name[BOX_NAME_ROOM], const char *local, size_t length);

/*
 * The octets of `local` before its tag, as in user+tag: all of them where there is no tag, or
 * nothing before it.
 */
size_t box_untagged(const char *local, size_t length);

#endif
