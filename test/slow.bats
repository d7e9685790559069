#!/usr/bin/env bats
# shellcheck disable=SC2030,SC2031 # each test is a subshell, and sets what it needs
# Clients that are slow, and those that want all for themselves: what each takes from a server is bounded, and others
# are served meanwhile. What the limits are and what is said at them, one by one, is in session.bats (errors, silence),
# processes.bats (sessions in all and of one address), udp.bats and udp-numbered.bats.

load helper

# story <<STORY: see tools/numbered.py.
# shellcheck disable=SC2153 # start_server sets PORT
story() {
    "${RUN_IN[@]}" "$PYTHON" "$TOOLS/numbered.py" "$PORT" >told 2>&1 3>&- 4>&- ||
        { tail -n 12 told | cut -c 1-600; return 1; }
}

# has_completed PORT: the log has the end of the session of our local PORT.
has_completed() { grep -q "^Completed .* port $1, on " "$LOGS/peticiones.log"; }

# others_are_served: sessions in every mode, with a mail each.
others_are_served() {
    local way
    for way in '' -u -n; do
        # shellcheck disable=SC2086 # no option is none
        printf '%s\n' 'C: MAIL FROM:<a@b.es>' 'S~ 250' 'C: RCPT TO:<c@d.es>' 'S~ 250' 'C: DATA' 'S~ 354' 'C: .' \
            'S~ 250' 'C: QUIT' 'S~ 221' | after_helo usal $way
    done
}

# --- an octet at a time -----------------------------------------------------------------------------------------------

# drips [OPTION...] LINE...: a client that says the lines and then an octet at a time (see tools/drip.py).
drips() {
    local options=()
    while [[ $1 == -? ]]; do options+=("$1"); shift; done
    ((drops += 1))
    "$PYTHON" "$TOOLS/drip.py" "${options[@]}" "$PORT" x "$@" >"drip.$drops" 2>&1 3>&- 4>&- &
    sessions+=($!)
}

@test "who sends an octet at a time, in a command, a text or a chunk, is told 421 at session-timeout" {
    local seconds mail=('HELO x' 'MAIL FROM:<a@b.es>' 'RCPT TO:<c@d.es>') drops=0 file
    start_server -o read-timeout=6 -o session-timeout=12
    for way in '' -n -u; do
        # In the plain mode the end of a datagram ends a command, too.
        # shellcheck disable=SC2086 # no option is none
        [ "$way" = -u ] || drips $way 'HELO x'
        # shellcheck disable=SC2086
        { drips $way "${mail[@]}" DATA; drips $way "${mail[@]}" 'BDAT 1000000 LAST'; }
    done
    others_are_served
    for ((; drops > 0; drops--)); do
        file=drip.$drops
        WITHIN=90 wait_until [ -s "$file" ]
        matches '^([0-9]+)\.[0-9]+ s: 421 Tiempo' "$(cat "$file")"
        seconds=${BASH_REMATCH[1]}
        ((seconds >= 12 && seconds < 60)) || fail "$(cat "$file")"
    done
    becomes 0 concurrent
    same 3 "$(find mails -type f | wc -l)"
}

@test "part of a line is a sign of life, and the silence behind it is none" {
    start_server -o read-timeout=5
    open tcp; open numbered -n
    say tcp 'S~ 220' 'C: HELO x' 'S~ 250' 'C| NO' 'quiet 3' 'C| O' 'quiet 3' 'C| P' 'S~ 421 ' closed
    say numbered 'S~ 220' 'C: HELO x' 'S~ 250' 'C| NO' 'S~ 421 ' closed
}

@test "what keeps a link alive is no sign of life of the client: P and repetitions do not keep a session" {
    start_server -o read-timeout=4
    story <<'END'
hand = Hand().begin()
begun = time.monotonic()
while not hand.final:
    hand.put("P")
    hand.put(seq=1, payload=b"HELO c.example\r\n")
    hand.look(0.2)
    assert time.monotonic() < begun + 60
assert hand.reply()[0].startswith("421"), hand.stream
hand.put("A")
END
    story <<'END'
import channel
session = channel.Udp("127.0.0.1", Wire.port)
session.send_to_door(b"\r\n")
assert session.line().startswith("220")
begun = time.monotonic()
got = "250"
while got.startswith("250"):
    session.send(b"HELO x\r\n")
    got = session.line()
    time.sleep(0.2)
    assert time.monotonic() < begun + 60
assert got.startswith("421"), got
END
}

# --- replies that are not read ----------------------------------------------------------------------------------------

@test "a client that reads a little of its replies now and then is let go at session-timeout" {
    # Each wait for the room of the next 8 KiB was allowed what had been left of the session when the commands came:
    # this client was let go after half a minute, and with the defaults it could have taken hours.
    namespace
    "${RUN_IN[@]}" sysctl -qw net.ipv4.tcp_wmem='4096 8192 16384'   # so that a reply waits soon
    start_server -o read-timeout=60 -o session-timeout=3
    "${RUN_IN[@]}" "$PYTHON" - "$PORT" >reader 2>&1 3>&- 4>&- <<'END' &
import select, socket, sys, time
client = socket.socket()
client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
client.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 1000)
client.settimeout(60)
client.connect(("127.0.0.1", int(sys.argv[1])))
print("port", client.getsockname()[1], flush=True)
client.setblocking(False)
flood, sent = b"HELP\r\n" * 10000, 0
while True:
    readable, writable, _ = select.select([client], [client] if sent < len(flood) else [], [], 60)
    if writable: sent += client.send(flood[sent:])
    if readable: client.recv(4000)
    if sent == len(flood): time.sleep(0.2)
END
    sessions+=($!)
    wait_until has_line reader port
    local begun=$SECONDS port
    port=$(sed -n 's/^port //p' reader)
    WITHIN=20 wait_until has_completed "$port"
    ((SECONDS - begun >= 2)) || fail "it was let go after $((SECONDS - begun)) s"
}

# mute WINDOW: a client of the numbered mode that sends HELP and HELP, and acknowledges no reply, though it lives.
mute() {
    "$PYTHON" "$TOOLS/numbered.py" "$PORT" "$1" >"mute.$1" 2>&1 3>&- 4>&- <<'END' &
hand = Hand()
hand.begin()
hand.win, base = int(ARGUMENTS[0]), hand.heard
print("port", hand.local_port, flush=True)
try:
    while True:
        a, _ = hand.ping(ack=base)
        if hand.next <= a.ack + a.win:
            hand.put(payload=b"HELP\r\n" * 180, ack=base)
        time.sleep(0.1)
except (OSError, Broken):
    pass
END
    sessions+=($!)
}

@test "in the numbered mode a client that acknowledges no reply is over at read-timeout, and blocks nobody" {
    # What its worker does afterwards is wait, for a minute at most, whether the goodbye arrives.
    start_server -o read-timeout=4
    local window
    for window in 0 1 16; do mute "$window"; done
    for window in 0 1 16; do wait_until has_line "mute.$window" port; done
    others_are_served
    for window in 0 1 16; do
        WITHIN=40 wait_until has_completed "$(sed -n 's/^port //p' "mute.$window")"
    done
    others_are_served
    becomes 0 concurrent
}

@test "while a client does not read its replies the counters, the logs and the other sessions go on" {
    not_under_valgrind 'what the client would have to read takes minutes'
    start_server
    # Its room is full within one long answer to many commands: EHLO has six lines.
    "$PYTHON" - "$PORT" >unread 2>&1 3>&- 4>&- <<'END' &
import os, select, socket, sys, time
client = socket.socket()
client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
client.settimeout(60)
client.connect(("127.0.0.1", int(sys.argv[1])))
print("port", client.getsockname()[1], flush=True)
client.setblocking(False)
flood, sent, heard = b"EHLO x\r\n" * 20000, 0, b""
while select.select([], [client], [], 1)[1]: sent += client.send(flood[sent % 8:])
print("full", flush=True)
while not os.path.exists("over"): time.sleep(0.03)
client.settimeout(60)
answers, known = 0, []
while answers < sent // 8:
    heard += client.recv(65536)
    *lines, heard = heard.split(b"\r\n")
    answers += sum(line.startswith(b"250 SIZE ") for line in lines)
    known = known or lines[:7]
    assert set(lines) <= set(known), set(lines) - set(known)
assert [line[:4] for line in known] == [b"220 "] + 5 * [b"250-"] + [b"250 "], known
print("all is heard", flush=True)
END
    sessions+=($!)
    wait_until has_line unread full
    others_are_served
    becomes '1 4 3' concurrent historic mails
    kill -HUP "$SERVER_PID"
    others_are_served
    becomes '1 7 6' concurrent historic mails
    same 6 "$(grep -c '^Completed ' "$LOGS/peticiones.log")"
    : >over
    wait_until has_line unread 'all is heard'
}

# --- crowds -----------------------------------------------------------------------------------------------------------

# crowd COUNT [OPTION...] OUR_ADDRESS...: opens COUNT connections, and those that are refused again and again (see
# tools/loris.py); counted says how it went.
crowd() {
    local count=$1
    shift
    : >crowd.script
    "${RUN_IN[@]}" "$PYTHON" "$TOOLS/loris.py" -a 10.8.8.8 "$PORT" "$count" crowd.script "$@" \
        >crowd.said 2>&1 3>&- 4>&- &
    sessions+=($!)
}

counted() {
    echo count >>crowd.script
    wait_until has_line crowd.said held
    grep held crowd.said
}

# is_greeted [-n]: a client with an address of its own, on fifteen tries: a busy machine may have a bad moment.
is_greeted() {
    local times factor=${TIME_FACTOR:-1} median
    times=$("${RUN_IN[@]}" "$PYTHON" "$TOOLS/greeting.py" "$@" -a 10.8.8.8 -b 10.9.9.9 "$PORT" 15 2>&1) || fail "$times"
    echo "# greeted${1:+ over UDP} after: $times" >&3
    median=${times#median } median=${median%% *}
    ((10#${median/./} < 1000 * factor)) || fail "greeted after: $times"
}

@test "5,000 connections of one address, which come again when they are refused: others are greeted within a second" {
    namespace 10.8.8.8/32 10.9.9.9/32 10.1.0.1/32
    start_server -m mails
    crowd 5000 10.1.0.1
    is_greeted
    is_greeted -n
    wait_until has_line crowd.said '^50 greeted'
    matches '^50 held, ([0-9]+) refused$' "$(counted)"
    echo "# ${BASH_REMATCH[0]}" >&3
    ((BASH_REMATCH[1] >= 4950))
}

@test "5,000 that speak before they are spoken to: others are greeted within a second" {
    not_under_valgrind '5,000 connections take too long'
    # Whoever is refused then has octets unread, and its worker waits a moment for it to hear why.
    namespace 10.8.8.8/32 10.9.9.9/32 10.1.0.1/32
    start_server
    crowd 5000 -g 10.1.0.1
    is_greeted
    matches '^50 held, ([0-9]+) refused$' "$(counted)"
    echo "# ${BASH_REMATCH[0]}" >&3
}

@test "5,000 connections of 100 addresses are all sessions, and others are greeted within a second" {
    local count=5000 own
    [ -z "${TIME_FACTOR:-}" ] || count=1000     # a process is larger then
    namespace 10.8.8.8/32 10.9.9.9/32 10.1.0.{1..100}/32
    start_server
    crowd "$count" 10.1.0.{1..100}
    is_greeted
    wait_until has_line crowd.said "^$count greeted"
    is_greeted
    becomes "$count" concurrent
    same "$count held, 0 refused" "$(counted)"
}

@test "5,000 hellos of one address in the numbered mode: fifty sessions, and others are served" {
    namespace 10.8.8.8/32 10.9.9.9/32 10.1.0.1/32
    start_server
    "${RUN_IN[@]}" "$PYTHON" "$TOOLS/numbered.py" -a 10.8.8.8 -b 10.1.0.1 "$PORT" >hellos 2>&1 3>&- 4>&- <<'END' &
wires = [Wire() for _ in range(50)]
came = collections.Counter()
def hear(seconds, cookies):
    """Takes what has come. Whoever gets a cookie shows it, and says nothing more."""
    ready, _, _ = select.select([wire.socket for wire in wires], [], [], seconds)
    for wire in wires:
        while wire.socket in ready and (got := wire.look(0)):
            came[got.kind] += 1
            if got.kind == "C" and (wire, got.cn) in cookies:
                cookies.remove((wire, got.cn))
                wire.send(hello(got.cn, cookie=got.cookie))
for _ in range(100):
    asked = {(wire, nonce()) for wire in wires}
    for wire, cn in asked: wire.send(hello(cn))
    end = time.monotonic() + 20
    while asked and time.monotonic() < end: hear(1, asked)
until(lambda: hear(0.1, set()) or came["R"] > 0)
print("asked", dict(came), flush=True)
while True: hear(10, set())
END
    sessions+=($!)
    is_greeted -n
    is_greeted
    wait_until has_line hellos asked
    echo "# $(cat hellos)" >&3
    is_greeted -n
    (($(ask concurrent) <= 50))
    (($(children | wc -l) < 150))
}

@test "5,000 plain hellos of one address: eight sessions, and others are served" {
    namespace 10.8.8.8/32 10.9.9.9/32 10.1.0.1/32
    start_server
    "${RUN_IN[@]}" "$PYTHON" - "$PORT" >hellos 2>&1 3>&- 4>&- <<'END' &
import socket, sys, time
held = []
for _ in range(5000):
    one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    one.bind(("10.1.0.1", 0))
    one.sendto(b"\r\n", ("10.8.8.8", int(sys.argv[1])))
    held = (held + [one])[-500:]
print("asked", flush=True)
time.sleep(600)
END
    sessions+=($!)
    is_greeted -n
    wait_until has_line hellos asked
    greets -u -a 10.8.8.8 -b 10.9.9.9
    is_greeted
    (($(ask concurrent) <= 8))
}

# --- sessions that are over -------------------------------------------------------------------------------------------

# over_from ADDRESS KIND: an address whose sessions are over, and whose last replies it does not care for, has a worker
# kept for some of them, and for the next ones none any more. KIND is tcp or plain.
over_from() {
    "${RUN_IN[@]}" "$PYTHON" - "$@" "$PORT" <<'END'
import socket, sys, time
address, kind, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
def tcp():
    """Behind QUIT there is more, which is read for two seconds. Who has left resets the connection."""
    one = socket.create_connection((address, port), 60, (address, 0))
    since = time.monotonic()
    one.sendall(b"QUIT\r\n" + b"x" * 100000)
    while one.recv(2048): pass
    return one, since, b"x"
def plain():
    """A QUIT that comes again is answered again, for three seconds. Who has left has no port."""
    one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    one.bind((address, 0))
    one.settimeout(60)
    one.sendto(b"HELO x\r\nQUIT\r\n", (address, port))
    reply = b""
    while not reply.startswith(b"221"): reply, hijo = one.recvfrom(2048)
    since = time.monotonic()
    one.connect(hijo)
    return one, since, b"HELO x\r\nQUIT\r\n"
def is_left(one, since, words):
    """Has its worker left before the time?"""
    one.settimeout(0.1)
    while time.monotonic() - since < 1.5:
        try:
            one.send(words)     # some times in all: who says the same too often is no client
            while one.recv(2048): pass
        except socket.timeout: pass
        except (ConnectionError, BrokenPipeError): return True
    return False
for turn in range(10):
    left = [is_left(*session) for session in [{"tcp": tcp, "plain": plain}[kind]() for _ in range(8)]]
    assert turn or not left[0], left
    if any(left): sys.exit()
sys.exit("all were kept")
END
}

@test "sessions that are over keep as many workers of an address as it may have sessions" {
    # They did not count: by a QUIT and 80 kB that nobody had asked for each connection kept a worker for two seconds,
    # with replies that are not read for five minutes, and an address had all workers.
    namespace 10.9.9.9/32
    start_server -o sessions-per-address=2
    over_from 10.9.9.9 tcp
    over_from 10.9.9.9 plain
    stop_server
    start_server -o udp-workers-max=16
    over_from 127.0.0.1 plain
    stop_server
    start_server -o udp-port=20000-20015
    over_from 127.0.0.1 plain
}

@test "plain sessions that are over do not count against the numbered ones of their address" {
    # In plain mode anybody can use the address: forged hellos kept it from the numbered mode, which nobody can forge.
    namespace 10.9.9.9/32
    start_server -o sessions-per-address=2
    "${RUN_IN[@]}" "$PYTHON" - "$PORT" <<'END'
import socket, sys
for _ in range(6):
    one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    one.bind(("10.9.9.9", 0))
    one.settimeout(60)
    one.sendto(b"HELO x\r\nQUIT\r\n", ("10.9.9.9", int(sys.argv[1])))
    while not one.recv(2048).startswith(b"221"): pass
END
    after_helo usal -n -a 10.9.9.9 -b 10.9.9.9 <<<$'C: QUIT\nS: 221 Cerrando el servicio\nclosed'
}
