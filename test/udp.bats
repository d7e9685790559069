#!/usr/bin/env bats
# shellcheck disable=SC2030,SC2031 # each test is a subshell, and sets what it needs
# SMTP over UDP, the plain mode: who is believed, what is a hello, what a datagram is, and that nothing is executed twice.
# A script of talk -u sends the hello CRLF by itself unless it begins with D|.

load helper

# in_text [OPTION...] <<SCRIPT: like after_helo usal, behind the 354 of a mail to one recipient.
in_text() {
    { printf '%s\n' 'C: MAIL FROM:<a@b.es>' 'S: 250 OK' 'C: RCPT TO:<c@d.es>' 'S: 250 OK' 'C: DATA' 'S~ 354'; cat; } |
        after_helo usal "$@"
}

# starts_with OCTETS: a first datagram of these octets is a hello, and no command follows from it.
starts_with() {
    talk -u <<END
D| $1
S: $GREETING
C: HELO x
S: 250 OK
C: QUIT
S: 221 Cerrando el servicio
END
}

# is_no_hello OCTETS: nothing answers this first datagram; the next one, a hello of the same socket, gets the first reply.
# The door takes datagrams in their order, so an answer to the first would come before.
is_no_hello() {
    talk -u <<END
D| $1
D| \\r\\n
S: $GREETING
C: HELO x
S: 250 OK
C: QUIT
S: 221 Cerrando el servicio
END
}

# --- hello ------------------------------------------------------------------------------------------------------------

@test "CR, LF, NUL, blanks, or nothing is a hello" {
    start_server
    for octets in '' '\r\n' '\n' '\r' '\0' ' ' '\t' '  \r\n' '\r\n\r\n' '\0\0\0\0' '\r\n{\0*1}' '\0HELO'; do
        starts_with "$octets"
    done
}

@test "a hello may be a fixed buffer of the course: CRLF, NUL, and what was in memory" {
    start_server
    starts_with '\r\n\0garbage {x*400}\xff\xfe'
}

@test "a HELO or EHLO is a hello and is executed: the 220 and its own reply" {
    start_server
    for hello in 'HELO x\r\n' 'HELO x' 'helo x\n' 'HELO x\r\n\0{x*300}'; do
        printf '%s\n' "D| $hello" "S: $GREETING" 'S: 250 OK' 'C: MAIL FROM:<a@b.es>' 'S: 250 OK' 'C: QUIT' 'S~ 221' | talk -u
    done
    printf '%s\n' 'D| EHLO x\r\n' "S: $GREETING" 'S: 250-localhost' 'S: 250-PIPELINING' 'S: 250-8BITMIME' 'S: 250-SMTPUTF8' \
        'S: 250-CHUNKING' 'S: 250 SIZE 10240000' 'C: QUIT' 'S~ 221' | talk -u
}

@test "a whole session in one datagram gets one reply datagram for each command" {
    start_server
    talk -u <<END
D| HELO x\r\nMAIL FROM:<a@b.es>\r\nRCPT TO:<c@d.es>\r\nDATA\r\nSubject: x\r\n\r\nNOOP\r\nQUIT\r\n.\r\nFOO\r\nQUIT\r\n
S: $GREETING
S: 250 OK
S: 250 OK
S: 250 OK
S~ 354
S: 250 OK
S: 500 Error de sintaxis
S: 221 Cerrando el servicio
END
}

@test "other text is no hello: late lines of an old session do not run as commands" {
    start_server
    for octets in 'hello\r\n' 'QUIT\r\n' 'MAIL FROM:<a@b.es>\r\n' 'DATA\r\n' '.\r\n' 'NOOP' 'x' '\xff\xfe' 'HELOISE\r\n' \
        '220 x\r\n' '\r\nNOOP\r\n' 'NOOP\r\nHELO x\r\n' '{x*60000}'; do
        is_no_hello "$octets" || fail "the octets were: $octets"
    done
    stop_server
    same 13 "$(grep -c '^User connected' "$LOGS/smtpd.log")"
}

@test "datagrams that begin with S1 and a blank are none of this mode" {
    start_server
    for octets in 'S1 H 00d1e8a94f3b7a21 w=16\n................................' 'S1 ' 'S1 H' 'S1 D 7c1f0a9be2d45566 1 1 0 16 412 1\r\nx' \
        'S1 R 7c1f0a9be2d45566 421\n'; do
        is_no_hello "$octets" || fail "the octets were: $octets"
    done
}

@test "a repeated hello repeats the 220 and makes no second session" {
    start_server
    open peer -u
    say peer 'D| \r\n' "S: $GREETING" 'D| \r\n' "S: $GREETING" 'D| \0' "S: $GREETING" 'C: HELO x' 'S: 250 OK'
    same 1 "$(session_sockets "$LPORT")"
    say peer 'C: QUIT' 'S~ 221'
    stop_server
    same 1 "$(grep -c '^User connected' "$LOGS/smtpd.log")"
}

# session_sockets PORT: how many sockets the server has connected to our local port.
session_sockets() { ss -Hun "dport = :$1" | wc -l; }

@test "after its first input a session ignores a hello" {
    start_server
    open peer -u
    say peer 'D| \r\n' "S: $GREETING" 'C: HELO x' 'S: 250 OK' 'D| \r\n' 'D| \r\n'
    # The door serves datagrams in their order: when it greets another, it has seen these.
    talk -u <<<$'S~ 220\nC: QUIT\nS~ 221'
    say peer 'C: NOOP' 'S: 250 OK' 'C: MAIL FROM:<a@b.es>' 'S: 250 OK' 'C: QUIT' 'S~ 221'
    stop_server
    same 2 "$(grep -c '^User connected' "$LOGS/smtpd.log")"
}

@test "hellos that come at the same time make one session" {
    start_server
    for i in 1 2 3 4 5; do
        open "peer$i" -u
        say "peer$i" 'D| \r\n' 'D| \r\n' 'D| HELO x\r\n' 'D| \r\n' 'S~ 220'
        # The door serves datagrams in their order: when it greets another, it has seen these.
        talk -u <<<$'S~ 220\nC: QUIT\nS~ 221'
        same 1 "$(session_sockets "$LPORT")"
    done
    stop_server
    same 10 "$(grep -c '^User connected' "$LOGS/smtpd.log")"
}

@test "an echo, or a server like this one, is not answered for ever" {
    # Its replies came back to it as commands, and the same one again is no error: it was answered for five minutes,
    # a hundred thousand times a second. A forged address is enough to bring two such ends together.
    start_server
    "$PYTHON" - "$PORT" <<'END'
import socket, sys
echo = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
echo.bind(("127.0.0.1", 0))
echo.settimeout(60)
echo.sendto(b"\0", ("127.0.0.1", int(sys.argv[1])))
reply, hijo = echo.recvfrom(2048)
echo.connect(hijo)
echo.settimeout(0.5)
heard = [reply]
while len(heard) < 2000:
    try:
        echo.send(heard[-1])
        heard.append(echo.recv(2048))
    except socket.timeout: continue     # who has closed its port is found out by the next one
    except ConnectionRefusedError: break
assert 100 < len(heard) < 200, (len(heard), heard[-3:])
END
    wait_until greets -u
    becomes 0 concurrent
}

# --- a session --------------------------------------------------------------------------------------------------------

@test "the session answers from a port of its own, not from the well-known one" {
    start_server
    "$PYTHON" - "$PORT" <<'END'
import socket, sys
port = int(sys.argv[1])
ports = set()
for _ in range(5):
    client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    client.settimeout(20)
    client.sendto(b"\r\n", ("127.0.0.1", port))
    data, peer = client.recvfrom(2048)
    assert data.startswith(b"220 ") and peer[0] == "127.0.0.1" and peer[1] != port, (data, peer)
    ports.add(peer[1])
    for command, code in (b"HELO x", b"250"), (b"QUIT", b"221"):
        client.sendto(command, peer)
        data, again = client.recvfrom(2048)
        assert data.startswith(code) and again == peer, (data, again)
assert len(ports) == 5, ports
END
}

@test "a stranger's datagrams do not reach a session" {
    start_server
    open peer -u
    say peer "S: $GREETING" 'C: HELO x' 'S: 250 OK'
    local hijo
    hijo=$(ss -Hun "dport = :$LPORT" | sed -E 's/.*:([0-9]+) +[^ ]*:[0-9]+.*/\1/')
    "$PYTHON" -c "
import socket
stranger = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for text in b'QUIT\r\n', b'FOO\r\n', b'\r\n': stranger.sendto(text, ('127.0.0.1', $hijo))"
    say peer 'C: NOOP' 'S: 250 OK' 'C: MAIL FROM:<a@b.es>' 'S: 250 OK'
}

@test "a datagram ends at its first NUL, and CRLF, LF or nothing ends a line" {
    start_server
    talk -u <<END
S: $GREETING
C| HELO x
S: 250 OK
C| NOOP\\n
S: 250 OK
C| RSET\\r\\n
S: 250 OK
C| NOOP\\0\\0\\0{x*500}
S: 250 OK
C| RSET\\r\\n\\0FOO\\r\\nBAR\\r\\n
S: 250 OK
C| MAIL FROM:<a@b.es>\\0garbage
S: 250 OK
C| RCPT TO:<c@d.es>\\r\\nRCPT TO:<e@d.es>
S: 250 OK
S: 250 OK
C| DATA\\r\\n\\0
S~ 354
C| a line\\r\\nanother\\r\\n.
S: 250 OK
END
}

@test "a course client that sends 512-octet buffers, garbage behind the NUL, completes its session" {
    start_server
    talk -u <<END
D| \\r\\n\\0{#*509}
S: $GREETING
C| HELO usal.es\\r\\n\\0{#*498}
S: 250 OK
C| MAIL FROM:<a@b.es>\\r\\n\\0{#*491}
S: 250 OK
C| RCPT TO:<c@d.es>\\r\\n\\0{#*493}
S: 250 OK
C| DATA\\r\\n\\0{#*505}
S~ 354
C| some text\\r\\n\\0{#*500}
C| .\\r\\n\\0{#*508}
S: 250 OK
C| QUIT\\r\\n\\0{#*505}
S: 221 Cerrando el servicio
END
    stop_server
    refute grep -q '##' "$LOGS/peticiones.log"
}

@test "body lines get no reply" {
    start_server
    in_text -u <<'END'
C: one
C: NOOP
C: QUIT
C: ..
quiet 0.3
C: .
S: 250 OK
C: NOOP
S: 250 OK
END
}

@test "the text counts as what its lines were, CRLF behind each" {
    start_server -o message-size=100000
    { printf '%s\n' 'C: MAIL FROM:<a@b.es>' 'S~ 250' 'C: RCPT TO:<c@d.es>' 'S~ 250' 'C: DATA' 'S~ 354'
      for _ in 1 2 3 4; do echo 'C| {x*24998}'; done
      printf '%s\n' 'C| .' 'S: 250 OK' 'C: MAIL FROM:<a@b.es>' 'S~ 250' 'C: RCPT TO:<c@d.es>' 'S~ 250' 'C: DATA' 'S~ 354'
      for _ in 1 2 3 4; do echo 'C| {x*24998}'; done
      printf '%s\n' 'C| x' 'C| .' 'S~ 552 '
    } | after_helo usal -u
}

@test "a session over UDP and IPv6" {
    need_ipv6
    start_server
    after_helo usal -u -a ::1 <<<$'C: MAIL FROM:<a@b.es>\nS: 250 OK\nC: QUIT\nS: 221 Cerrando el servicio'
    stop_server
    same 1 "$(grep -c '^User connected: ::1:' "$LOGS/smtpd.log")"
}

@test "the errors of a session are answered in their place" {
    start_server
    after_helo usal -u <<'END'
C: MAIL FROM <pepe>
S: 500 Error de sintaxis
C: RCPT TO:<c@d.es>
S: 500 Error de sintaxis
C: MAIL FROM:<a@b.es>
S: 250 OK
C: DATA
S: 500 Error de sintaxis
C: RCPT TO:<c@d.es>
S: 250 OK
END
}

# --- repeats ----------------------------------------------------------------------------------------------------------

@test "a repeated command gets the same reply again and is not executed" {
    start_server -d itba
    after_helo itba -u <<'END'
C: HELO c.example
S: 250 localhost
C: MAIL FROM:<a@b.es>
S: 250 2.1.0 Ok
C: MAIL FROM:<a@b.es>
S: 250 2.1.0 Ok
C: MAIL FROM:<a@b.es>
S: 250 2.1.0 Ok
C: RCPT TO:<c@d.es>
S: 250 2.1.0 Ok
C: MAIL FROM:<a@b.es>
S: 503 5.5.1 Error: nested MAIL command
C: MAIL FROM:<a@b.es>
S: 503 5.5.1 Error: nested MAIL command
END
}

@test "a repeated recipient counts once" {
    start_server -o recipients=1
    after_helo usal -u <<'END'
C: MAIL FROM:<a@b.es>
S: 250 OK
C: RCPT TO:<c@d.es>
S: 250 OK
C: RCPT TO:<c@d.es>
S: 250 OK
C: RSET
S: 250 OK
C: MAIL FROM:<a@b.es>
S: 250 OK
C: RCPT TO:<c@d.es>
S: 250 OK
C: RCPT TO:<e@d.es>
S~ 452 
END
}

@test "a repeated error counts once" {
    start_server -o errors=3
    after_helo usal -u <<'END'
C: FOO
S: 500 Error de sintaxis
C: FOO
S: 500 Error de sintaxis
C: FOO
S: 500 Error de sintaxis
C: FOO
S: 500 Error de sintaxis
C: BAR
S: 500 Error de sintaxis
C: BAR
S: 500 Error de sintaxis
C: NOOP
S: 250 OK
END
}

@test "a repeated EHLO repeats its whole reply" {
    start_server
    after_helo usal -u <<'END'
C: EHLO x
S: 250-localhost
S: 250-PIPELINING
S: 250-8BITMIME
S: 250-SMTPUTF8
S: 250-CHUNKING
S: 250 SIZE 10240000
C: EHLO x
S: 250-localhost
S: 250-PIPELINING
S: 250-8BITMIME
S: 250-SMTPUTF8
S: 250-CHUNKING
S: 250 SIZE 10240000
END
}

@test "the same line end or not: other octets are another command" {
    start_server -d itba
    after_helo itba -u <<'END'
C: MAIL FROM:<a@b.es>
S: 250 2.1.0 Ok
C: MAIL FROM:<A@b.es>
S: 503 5.5.1 Error: nested MAIL command
END
}

@test "DATA repeated just after the 354 gets it again, and is no text" {
    start_server -o message-size=100000
    in_text -u <<'END'
C: DATA
S~ 354
C: DATA
S~ 354
C| {x*49998}
C| {x*49998}
C: .
S: 250 OK
END
}

@test "DATA further down is text" {
    start_server -o message-size=100000
    in_text -u <<'END'
C| {x*49998}
C: DATA
C| {x*49992}
C: .
S: 250 OK
C: MAIL FROM:<a@b.es>
S: 250 OK
C: RCPT TO:<c@d.es>
S: 250 OK
C: DATA
S~ 354
C| {x*49998}
C: DATA
C| {x*49993}
C: .
S~ 552
END
}

@test "the same line twice in a text is two lines" {
    start_server -o message-size=100000
    in_text -u <<'END'
C| {x*49998}
C| {x*49998}
C| {x*49998}
C: .
S~ 552 
END
}

@test "the dot repeated just after the final reply gets it again: no second mail, the same id" {
    start_server -d itba
    after_helo itba -u <<'END'
C: MAIL FROM:<a@b.es>
S: 250 2.1.0 Ok
C: RCPT TO:<c@d.es>
S: 250 2.1.0 Ok
C: DATA
S: 354 End data with <CR><LF>.<CR><LF>
C: text
C: .
S~ 250 2\.0\.0 Ok: queued as
C: .
S~ 250 2\.0\.0 Ok: queued as
C: .
S~ 250 2\.0\.0 Ok: queued as
C: NOOP
S: 250 2.0.0 Ok
C: .
S: 502 5.5.2 Error: command not recognized
END
    same 1 "$(grep -o 'queued as .*' talk | sort -u | wc -l)"
}

@test "QUIT repeated after the 221 gets it again, and the session is over once" {
    start_server
    after_helo usal -u <<<$'C: QUIT\nS~ 221\nC: QUIT\nS~ 221\nC: QUIT\nS~ 221'
    stop_server
    same 1 "$(grep -c '^Completed' "$LOGS/peticiones.log")"
    same 1 "$(grep -c '^User disconnected' "$LOGS/smtpd.log")"
}

@test "after QUIT nothing but QUIT is answered" {
    start_server
    after_helo usal -u <<<$'C: QUIT\nS~ 221\nC: NOOP\nC: MAIL FROM:<a@b.es>\nquiet 0.3'
}

@test "a late datagram of the session behind the QUIT does not keep a repeated QUIT from its 221" {
    start_server
    after_helo usal -u <<<$'C: QUIT\nS~ 221\nC: NOOP\nC: QUIT\nS~ 221'
}

@test "some seconds after QUIT the worker is free again, and its port closed" {
    start_server
    after_helo usal -u <<<$'C: QUIT\nS~ 221'
    wait_until no_sockets_to "$(talk_port)"
}

no_sockets_to() { [ "$(session_sockets "$1")" = 0 ]; }

@test "a peer that said QUIT may begin anew from the same port" {
    start_server
    "$PYTHON" - "$PORT" <<'END'
import socket, sys, time
client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
client.settimeout(1)
door = ("127.0.0.1", int(sys.argv[1]))
for _ in range(2):
    deadline = time.monotonic() + 30
    while True:     # while the old worker lingers the hello may stay unanswered: a client repeats it
        client.sendto(b"\r\n", door)
        try:
            data, peer = client.recvfrom(2048)
            break
        except socket.timeout:
            assert time.monotonic() < deadline, "no second session"
    assert data.startswith(b"220 "), data
    for command, code in (b"HELO x", b"250"), (b"QUIT", b"221"):
        client.sendto(command, peer)
        data, _ = client.recvfrom(2048)
        while data.startswith(b"220 "): data, _ = client.recvfrom(2048)
        assert data.startswith(code), data
END
    stop_server
    same 2 "$(grep -c '^User connected' "$LOGS/smtpd.log")"
}

# --- limits and trust -------------------------------------------------------------------------------------------------

@test "udp-plain=off: nobody is answered over UDP, TCP goes on" {
    start_server -o udp-plain=off
    talk -u <<<$'D| \\r\\n\nD| HELO x\\r\\nquiet 1'
    talk <<<'S~ 220'
    stop_server
    same 1 "$(grep -c '^User connected' "$LOGS/smtpd.log")"
}

@test "udp-plain=trusted: private addresses are answered, others are not" {
    namespace 10.9.9.9/32 172.16.1.1/32 192.168.7.7/32 169.254.3.3/32 203.0.113.5/32 172.32.0.1/32 11.0.0.1/32
    start_server
    for address in 127.0.0.1 127.9.9.9 10.9.9.9 172.16.1.1 192.168.7.7 169.254.3.3; do
        talk -u -a "$address" -b "$address" <<<$'S~ 220\nC: QUIT\nS~ 221'
    done
    for address in 203.0.113.5 172.32.0.1 11.0.0.1; do
        talk -u -a "$address" -b "$address" <<<$'D| \\r\\n\nD| HELO x\\r\\n\nquiet 0.5'
    done
    stop_server
    refute grep -E '203\.0\.113\.5|172\.32|11\.0\.0\.1' "$LOGS/smtpd.log"
}

@test "udp-plain=trusted: local IPv6 addresses are answered, others are not" {
    namespace fd12::1/128 fe80::5/128 2001:db8::1/128
    start_server
    "${RUN_IN[@]}" ip -6 addr show dev lo | grep -q fd12::1 || skip "no IPv6 in the namespace"
    talk -u -a fd12::1 -b fd12::1 <<<$'S~ 220\nC: QUIT\nS~ 221'
    talk -u -a 2001:db8::1 -b 2001:db8::1 <<<$'D| \\r\\n\nquiet 0.5'
}

@test "udp-plain=any answers everybody" {
    namespace 203.0.113.5/32
    start_server -o udp-plain=any
    after_helo usal -u -a 203.0.113.5 -b 203.0.113.5 <<<$'C: QUIT\nS~ 221'
    stop_server
    same 1 "$(grep -c '^User connected: 203.0.113.5:' "$LOGS/smtpd.log")"
}

@test "an address outside loopback has eight plain sessions at a time" {
    namespace 10.9.9.9/32
    start_server
    hold eight 8 -u -a 10.9.9.9 -b 10.9.9.9
    same 'greeted 8 of 8' "${GREETED% in *}"
    talk -u -a 10.9.9.9 -b 10.9.9.9 <<<$'D| \\r\\n\nquiet 0.5'
    hold loop 20 -u
    same 'greeted 20 of 20' "${GREETED% in *}"
    say eight quit
    wait_until greets -u -a 10.9.9.9 -b 10.9.9.9
}

@test "plain sessions take at most a quarter of the UDP workers" {
    start_server -o udp-workers-max=16 -o workers-min=1
    hold quarter 4 -u
    same 'greeted 4 of 4' "${GREETED% in *}"
    talk -u <<<$'D| \\r\\n\nquiet 0.5'
    say quarter noop quit
    wait_until greets -u
}

@test "a client that never sends a command loses its worker after 60 seconds" {
    start_server
    local begun=$SECONDS
    open mute -u
    say mute "S: $GREETING"
    WITHIN=180 wait_until no_sockets_to "$LPORT"
    ((SECONDS - begun >= 58)) || fail "it took $((SECONDS - begun)) s only"
}

# --- udp-port ---------------------------------------------------------------------------------------------------------

@test "udp-port=same answers from the well-known port, to connected sockets too" {
    start_server -o udp-port=same
    after_helo usal -u -c <<<$'C: MAIL FROM:<a@b.es>\nS: 250 OK\nC: QUIT\nS: 221 Cerrando el servicio'
    talk -u -c <<END
D| HELO x\r\nMAIL FROM:<a@b.es>\r\nQUIT\r\n
S: $GREETING
S: 250 OK
S: 250 OK
S: 221 Cerrando el servicio
END
}

@test "udp-port=same works with nc -u" {
    command -v nc >/dev/null || skip "nc is not here"
    start_server -o udp-port=same
    # -W 4: nc leaves after the fourth datagram.
    run bash -c "printf 'HELO x\r\nMAIL FROM:<a@b.es>\r\nQUIT\r\n' | timeout 60 nc -u -W 4 127.0.0.1 $PORT"
    same "$GREETING|250 OK|250 OK|221 Cerrando el servicio|" "$(tr -d '\r' <<<"$output" | tr '\n' '|')"
}

@test "udp-port=same works with /dev/udp of bash" {
    start_server -o udp-port=same
    local line
    exec 5<>"/dev/udp/127.0.0.1/$PORT"
    # read of bash takes one octet at a time, and the kernel drops the rest of the datagram: dd takes a whole one.
    for line in "|$GREETING" 'HELO x|250 OK' 'QUIT|221 Cerrando el servicio'; do
        printf '%s\r\n' "${line%|*}" >&5
        same "${line#*|}"$'\r' "$(timeout 20 dd bs=2048 count=1 status=none <&5)"
    done
    exec 5>&-
}

@test "udp-port=same keeps many sessions apart, each with its own process" {
    start_server -o udp-port=same
    "$PYTHON" "$TOOLS/crowd.py" -u -r "$PORT" 20 expected
    hold crowd 30 -u
    same 'greeted 30 of 30' "${GREETED% in *}"
    say crowd noop quit
    stop_server
}

range_is_free() { [ -z "$("${RUN_IN[@]}" ss -Hun "sport >= :41000 and sport <= :41009")" ]; }

@test "udp-port=LO-HI keeps every session's port inside the range" {
    namespace
    start_server -o udp-port=41000-41009
    hold six 6 -u
    same 'greeted 6 of 6' "${GREETED% in *}"
    local used
    used=$("${RUN_IN[@]}" ss -Hun "sport >= :41000 and sport <= :41009" | wc -l)
    same 6 "$used"
    say six noop quit
    wait_until range_is_free
    for _ in {1..5}; do after_helo usal -u <<<$'C: QUIT\nS~ 221'; done
}

@test "when the range is used up a hello is not answered, and when there is room again it is" {
    namespace
    allow_stderr '^servidor: no socket for a UDP session: '
    start_server -o udp-port=41000-41002
    hold three 3 -u
    same 'greeted 3 of 3' "${GREETED% in *}"
    talk -u <<<$'D| \\r\\n\nquiet 0.5'
    say three noop quit
    wait_until greets -u
}

@test "a flood of hellos from many ports leaves the server in order" {
    start_server
    "$PYTHON" - "$PORT" <<'END'
import socket, sys
door = ("127.0.0.1", int(sys.argv[1]))
for _ in range(3000):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.sendto(b"\r\n", door)
END
    wait_until greets
    talk <<<$'S~ 220\nC: QUIT\nS~ 221\nclosed'
    [ "$(children | wc -l)" -lt 1200 ]
}
