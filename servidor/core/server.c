/* See server.h. */
#include "core/server.h"

#include <stddef.h>
#include <unistd.h>

void server_keep(struct server *server, const int *kept, int count)
{
    int *all[] = { &server->parent,    &server->listener, &server->datagrams,
                   &server->hellos[0], &server->hellos[1], &server->wake[0],
                   &server->wake[1],   &server->lifeline[0], &server->lifeline[1],
                   &server->monitors[0], &server->monitors[1] };
    size_t i;

    for (i = 0; i < sizeof all / sizeof all[0]; i++) {
        bool is_kept = *all[i] < 0;
        int k;

        for (k = 0; k < count; k++)
            is_kept = is_kept || *all[i] == kept[k];
        if (!is_kept) {
            close(*all[i]);
            *all[i] = -1;
        }
    }
}

bool server_is_orphaned(const struct server *server)
{
    return getppid() != server->master;
}
