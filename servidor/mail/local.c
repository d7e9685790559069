/* See local.h. */
#include "mail/local.h"

#include <string.h>

#include "mail/maildir.h"
#include "net/text.h"

/* Is `domain` one of the words of `domains`? */
static bool is_listed(const char *domains, const char *domain, size_t length)
{
    const char *blank;

    while ((blank = strchr(domains, ' ')) != NULL) {
        size_t word = (size_t)(blank - domains);

        if (word == length && text_is_same(domains, domain, length))
            return true;
        domains = blank + 1;
    }
    return false;
}

static bool is_our_domain(const struct mail_config *config, const struct local_mailbox *mailbox)
{
    return config->domains[0] == '\0' || mailbox->domain_length == 0 || mailbox->is_here ||
           is_listed(config->domains, mailbox->domain, mailbox->domain_length);
}

enum local_verdict local_find(const struct mail_config *config,
                              const struct local_mailbox *mailbox, char box[BOX_NAME_ROOM])
{
    size_t length = mailbox->local_length;
    int has_box;

    if (!is_our_domain(config, mailbox))
        return LOCAL_FOREIGN;
    if (config->has_tags)
        length = box_untagged(mailbox->local, length);
    box_name(box, mailbox->local, length);
    /* Every domain has its postmaster (RFC 5321 4.5.1). */
    if (!config->knows_mailboxes || text_is_word(mailbox->local, length, "postmaster"))
        return LOCAL_OURS;
    has_box = maildir_has_box(config->folder, box);
    if (has_box < 0)
        return LOCAL_UNSURE;
    return has_box == 1 ? LOCAL_OURS : LOCAL_UNKNOWN;
}
