/* See responder.h. */
#include "core/responder.h"

#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>

#include "core/signals.h"
#include "net/clock.h"
#include "watch/monitor.h"

enum {
    LOOK_AROUND_MS = 1000, /* for the master's death */
    PRIORITY = -10,
    DATAGRAM_ROOM = MONITOR_LENGTH + 1, /* a longer one is seen to be longer */
};

/* What it answers with: its own settings, and those that it tells. */
static struct monitor_config config_of(const struct server *server)
{
    struct monitor_config config = server->config.monitor;

    config.has_filter = server->config.mail.filter != NULL;
    config.configured[STEER_MESSAGE_SIZE] = server->config.session.message_size;
    config.configured[STEER_ADDRESS_LIMIT] = server->config.sessions_per_address;
    config.configured[STEER_LOG_TEXT] = server->config.journal.has_text;
    return config;
}

/* Answers one datagram, if there is one. An answer that cannot be sent is asked for again. */
static void answer_one(const struct monitor_config *config, int port)
{
    unsigned char octets[DATAGRAM_ROOM], answer[MONITOR_LENGTH];
    struct monitor_question question = { .octets = octets };
    struct sockaddr_storage address;
    socklen_t address_length = sizeof address;
    ssize_t got = recvfrom(port, octets, sizeof octets, MSG_DONTWAIT,
                           (struct sockaddr *)&address, &address_length);
    size_t length;

    if (got < 0)
        return;
    question.length = (size_t)got;
    question.when_s = time(NULL);
    length = monitor_answer(config, &question, answer);
    if (length > 0)
        sendto(port, answer, length, MSG_DONTWAIT | MSG_NOSIGNAL, (struct sockaddr *)&address,
               address_length);
}

void responder_live(struct server *server)
{
    const int kept[] = { server->monitors[0], server->monitors[1] };
    struct monitor_config config = config_of(server);
    int i;

    signals_start(SIGNALS_SERVANT);
    setpriority(PRIO_PROCESS, 0, PRIORITY); /* where it may: then no worker is before it */
    server_keep(server, kept, sizeof kept / sizeof kept[0]);
    while (signals_take() == 0 && !server_is_orphaned(server)) {
        signals_wait(server->monitors[0], server->monitors[1], clock_now_ms() + LOOK_AROUND_MS);
        for (i = 0; i < SERVER_MONITORS; i++)
            if (server->monitors[i] >= 0)
                answer_one(&config, server->monitors[i]);
    }
}
