/* See ferry.h. */
#include "net/ferry.h"

#include <errno.h>
#include <sys/socket.h>

/*
 * ECONNREFUSED tells of an earlier datagram, and nothing was sent: the same goes once more.
 * Any other failure is as good as a datagram that was lost.
 */
static void send_datagram(struct ferry *ferry, const char *octets, size_t length)
{
    int tries;

    for (tries = 0; tries < 2; tries++) {
        if (send(ferry->socket, octets, length, MSG_NOSIGNAL) >= 0 || errno != ECONNREFUSED)
            return;
        datagram_refuse(&ferry->datagram);
    }
}

void ferry_out(struct ferry *ferry, int64_t now_ms)
{
    char octets[SEGMENT_LIMIT];
    size_t length;

    while ((length = datagram_next(&ferry->datagram, octets, now_ms)) > 0)
        send_datagram(ferry, octets, length);
}

void ferry_in(struct ferry *ferry, int64_t now_ms)
{
    char octets[SEGMENT_LIMIT + 1];
    ssize_t got;
    int left;

    for (left = SEGMENT_WINDOW; left > 0; left--) {
        got = recv(ferry->socket, octets, sizeof octets, MSG_DONTWAIT);
        if (got >= 0)
            datagram_receive(&ferry->datagram, octets, (size_t)got, now_ms);
        else if (errno == ECONNREFUSED)
            datagram_refuse(&ferry->datagram);
        else
            return;
    }
}
