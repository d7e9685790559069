/* See privileges.h. */
#define _DEFAULT_SOURCE /* NOLINT(*-reserved-identifier,cert-dcl*): feature_test_macros(7) */
#include "core/privileges.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Ports that root alone can bind, and that root shall not keep. */
enum { PORT_PRIVILEGED = 1024, HOME_ROOM = 1024 };

/* Who the server becomes. */
static struct {
    bool is_other; /* than who started it */
    uid_t user;
    gid_t group;
    char home[HOME_ROOM];
} target;

static bool is_root(void)
{
    return geteuid() == 0;
}

static int refuse(const char *setting, const char *value, const char *why)
{
    fprintf(stderr, "servidor: %s=%s: %s\n", setting, value, why);
    return -1;
}

static int refuse_port(char option, unsigned port)
{
    fprintf(stderr, "servidor: -%c %u: root shall not serve a port below %d: "
                    "-o user=NAME makes the server another user\n",
            option, port, (int)PORT_PRIVILEGED);
    return -1;
}

static bool is_privileged(unsigned port)
{
    return port != 0 && port < PORT_PRIVILEGED;
}

/* Root stays root: on a port of everybody's, which it is warned of later. */
static int find_nobody(const struct config *config)
{
    if (!is_root() || config->is_single)
        return 0;
    if (is_privileged(config->port))
        return refuse_port('p', config->port);
    if (is_privileged(config->monitor_port))
        return refuse_port('P', config->monitor_port);
    return 0;
}

static int find_user(const char *name)
{
    const struct passwd *user;

    errno = 0;
    user = getpwnam(name);
    if (user == NULL)
        return refuse("user", name, errno == 0 ? "no such user" : strerror(errno));
    if (user->pw_uid == 0)
        return refuse("user", name, "name a user with fewer rights");
    if (!is_root() && user->pw_uid != geteuid())
        return refuse("user", name, "only root can become another user");
    if (strlen(user->pw_dir) >= sizeof target.home)
        return refuse("user", name, "its home folder has a name that is too long");
    memcpy(target.home, user->pw_dir, strlen(user->pw_dir) + 1);
    target.user = user->pw_uid;
    target.group = user->pw_gid;
    target.is_other = is_root();
    return 0;
}

int privileges_find(const struct config *config)
{
    if (config->chroot[0] != '\0' && !is_root())
        return refuse("chroot", config->chroot, "only root can change the root folder");
    if (config->chroot[0] != '\0' && config->user[0] == '\0')
        return refuse("chroot", config->chroot, "root can leave it: user=NAME is wanted too");
    return config->user[0] == '\0' ? find_nobody(config) : find_user(config->user);
}

bool privileges_stay_roots(void)
{
    return is_root() && !target.is_other;
}

static int confine(const char *folder)
{
    if (folder[0] == '\0' || (chroot(folder) == 0 && chdir("/") == 0))
        return 0;
    return refuse("chroot", folder, strerror(errno));
}

/* Nothing of what root was is left, and there is no way back. */
static bool is_irrevocable(void)
{
    return getuid() == target.user && geteuid() == target.user && getgid() == target.group &&
           getegid() == target.group && setuid(0) != 0 && seteuid(0) != 0;
}

static int become(const char *name)
{
    if (setuid(target.user) != 0)
        return refuse("user", name, strerror(errno));
    if (!is_irrevocable())
        return refuse("user", name, "the system lets the rights of root come back");
    if (setenv("HOME", target.home, 1) != 0 || setenv("USER", name, 1) != 0 ||
        setenv("LOGNAME", name, 1) != 0)
        return refuse("user", name, strerror(errno));
    return 0;
}

int privileges_drop(const struct config *config)
{
    if (config->user[0] == '\0')
        return 0;
    umask(S_IRWXG | S_IRWXO);
    if (!target.is_other)
        return 0;
    /* The groups first: only root may set them, and their file is outside of the folder. */
    if (initgroups(config->user, target.group) != 0 || setgid(target.group) != 0)
        return refuse("user", config->user, strerror(errno));
    return confine(config->chroot) == 0 ? become(config->user) : -1;
}
