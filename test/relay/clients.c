/* See clients.h. */
#include "clients.h"

#include <string.h>
#include <unistd.h>

#include "net/socket.h"

/* Makes a client in a free place. */
static struct client *admit(struct clients *clients, struct client *free_place,
                            const struct peer *peer)
{
    int up;

    if (free_place == NULL && clients->end < CLIENTS_LIMIT)
        free_place = &clients->list[clients->end];
    if (free_place == NULL || (up = socket_datagram(0, SOCKET_ALONE)) == -1)
        return NULL;
    if (free_place == &clients->list[clients->end])
        clients->end++;
    memset(free_place, 0, sizeof *free_place);
    free_place->peer = *peer;
    free_place->up = up;
    return free_place;
}

struct client *clients_find(struct clients *clients, const struct peer *peer, int64_t now_ms)
{
    struct client *client, *free_place = NULL, *found = NULL;

    for (client = clients->list; client < clients->list + clients->end; client++)
        if (client->peer.version == 0)
            free_place = client;
        else if (peer_is_same(&client->peer, peer))
            found = client;
    if (found == NULL)
        found = admit(clients, free_place, peer);
    if (found != NULL)
        found->used_ms = now_ms;
    return found;
}

struct branch *clients_branch(struct client *client, uint16_t server_port, int64_t now_ms)
{
    struct branch *oldest = client->branches, *branch;
    int socket;

    for (branch = client->branches; branch < client->branches + CLIENTS_BRANCHES; branch++) {
        if (branch->server_port == server_port) {
            branch->used_ms = now_ms;
            return branch;
        }
        if (branch->used_ms < oldest->used_ms)
            oldest = branch;
    }
    socket = socket_for_peer(&client->peer, 0, 0, SOCKET_ALONE);
    if (socket == -1)
        return NULL;
    if (oldest->server_port != 0)
        close(oldest->socket);
    *oldest = (struct branch){ .socket = socket, .server_port = server_port, .used_ms = now_ms };
    return oldest;
}

static void forget(struct client *client)
{
    struct branch *branch;

    close(client->up);
    for (branch = client->branches; branch < client->branches + CLIENTS_BRANCHES; branch++)
        if (branch->server_port != 0)
            close(branch->socket);
    client->peer.version = 0;
}

void clients_forget(struct clients *clients, int64_t now_ms)
{
    struct client *client;

    for (client = clients->list; client < clients->list + clients->end; client++)
        if (client->peer.version != 0 && now_ms - client->used_ms > CLIENTS_IDLE_MS)
            forget(client);
}
