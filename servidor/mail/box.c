/* See box.h. */
#include "mail/box.h"

#include <string.h>

static bool is_kept(char c, bool leads)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c == '.' && !leads) ||
           (c != '\0' && strchr("_-+=", c) != NULL);
}

void box_name(char name[BOX_NAME_ROOM], const char *local, size_t length)
{
    static const char digits[] = "0123456789ABCDEF";
    char *to = name;
    size_t i;

    if (length == 0)
        *to++ = '%';
    for (i = 0; i < length && i < BOX_LOCAL_LIMIT; i++) {
        unsigned char c = (unsigned char)local[i];

        if (c >= 'A' && c <= 'Z')
            c = (unsigned char)(c - 'A' + 'a');
        if (is_kept((char)c, i == 0)) {
            *to++ = (char)c;
        } else {
            *to++ = '%';
            *to++ = digits[c >> 4];
            *to++ = digits[c & 15];
        }
    }
    *to = '\0';
}

size_t box_untagged(const char *local, size_t length)
{
    const char *plus = memchr(local, '+', length);

    return plus == NULL || plus == local ? length : (size_t)(plus - local);
}
