/* See server.h. */
#include "core/server.h"

#include <stddef.h>
#include <unistd.h>

#include "net/socket.h"

/*
 * Which of them are closed in this process, a bit each. The server itself is not written to: its
 * page stays the master's so, instead of being 4 KiB of each session.
 */
static unsigned gone;

enum { LISTENER = 1 }; /* its place among them */

void server_keep(const struct server *server, const int *kept, int count)
{
    const int all[] = { server->parent,    server->listener,    server->datagrams,
                        server->hellos[0], server->hellos[1],   server->wake[0],
                        server->wake[1],   server->lifeline[0], server->lifeline[1],
                        server->monitors[0], server->monitors[1] };
    size_t i;

    for (i = 0; i < sizeof all / sizeof all[0]; i++) {
        bool is_kept = all[i] < 0 || (gone & 1U << i) != 0;
        int k;

        for (k = 0; k < count; k++)
            is_kept = is_kept || all[i] == kept[k];
        if (!is_kept) {
            close(all[i]);
            gone |= 1U << i;
        }
    }
}

void server_stop_listening(const struct server *server)
{
    if (server->listener >= 0 && (gone & 1U << LISTENER) == 0)
        socket_stop_listening(server->listener);
}

bool server_is_orphaned(const struct server *server)
{
    return getppid() != server->master;
}
