#!/usr/bin/env bats
# The client in the numbered mode of UDP, against a server that is a script (tools/fake_numbered.py): what it sends,
# what it makes of losses and of servers that fail, and what it tells.

load helper

# serve [OPTION...]: starts a scripted server on a free port. Sets PORT and FAKE, its pid.
serve() { start_fake fake_numbered.py --record record "$@"; }

# client [OPTION...] HOST FILE: runs the client on PORT. Sets status, LPORT (its port) and LOG; leaves the files out and
# err. What it sent was well formed.
client() {
    status=0
    timeout 120 "$CLIENTE" -l . -p "${PORT:-1}" "${@:1:$#-1}" UDP "${!#}" >out 2>err 3>&- 4>&- || status=$?
    LPORT=$(sed -n 's/^Connected to .* on port \([0-9]*\) at .*/\1/p' out)
    LOG=$LPORT.txt
    refute grep broken record
}

ended_well() { same 0 "$status" && same "" "$(cat err)"; }

# failed STATUS MESSAGE: with this exit status, and this is the first thing it said.
failed() {
    same "$1" "$status"
    same "cliente: $2" "$(head -n 1 err)"
    refute grep -q 'All done' "$LOG"
}

# is_golden NAME: LOG is that golden log but for the date.
is_golden() {
    cmp <(sed '$s/All done at .*/All done/' "$ROOT/test/golden/$1.UDP.log") \
        <(sed '$s/All done at .*/All done/' "$LOG")
}

# mail COUNT: the orders of one mail with so many lines of text.
mail() {
    printf '%s\n' 'HELO usal.es' 'MAIL FROM:<a@b>' 'RCPT TO:<c@d>' DATA
    seq -f 'line %.0f of a text that is neither short nor long' "$1"
    printf '%s\n' . QUIT
}

# stream: the octets that the server took, in the order of their numbers, each once.
stream() {
    "$PYTHON" - <<'END'
import ast, sys
segments = {}
for line in open("record"):
    place, fate, octets = line.split(" ", 2)
    head, _, payload = ast.literal_eval(octets).partition(b"\n")
    if (place, fate) == ("child", "taken") and head.startswith(b"S1 D"):
        segments.setdefault(int(head.split()[3]), payload)
sys.stdout.buffer.write(b"".join(segments[number] for number in sorted(segments)))
END
}

# is_sent FILE: the server got its lines, with CRLF.
is_sent() { cmp <(sed 's/$/\r/' "$1") <(stream); }

# count KIND: how many datagrams of this kind the session got.
count() { grep -c "^child [a-z]* b.S1 $1 " record; }

# numbers: how many segments the session got, each counted once.
numbers() { grep "^child .* b'S1 D" record | cut -d ' ' -f 6 | sort -u | wc -l; }

# --- the golden logs --------------------------------------------------------------------------------------------------

# golden NAME [OPTION...]: the order file NAME over a server with these options gives its golden log.
golden() {
    serve "${@:2}"
    client localhost "$ROOT/ordenes/$1.txt"
    ended_well
    is_golden "$1"
    is_sent "$ROOT/ordenes/$1.txt"
}

@test "ordenes.txt gives its golden log" { golden ordenes; }
@test "ordenes1.txt gives its golden log" { golden ordenes1; }
@test "ordenes2.txt gives its golden log" { golden ordenes2; }
@test "and when each segment of the client is lost once" { golden ordenes2 --lose-commands 1; }
@test "and when each segment of the server is lost twice" { golden ordenes2 --lose-replies 2; }
@test "and when all the server sends arrives twice" { golden ordenes2 --twice; }
@test "and when replies come in pieces of three octets, through a window of one" {
    golden ordenes2 --pieces 3 --window 1
}
@test "and when other sessions' and malformed datagrams come between" { golden ordenes2 --strays; }

@test "no line ends or options change the log" {
    tr '\n' '\r' <"$ROOT/ordenes/ordenes2.txt" >cr.txt
    serve
    client -1 -w 1 -s localhost cr.txt
    ended_well
    is_golden ordenes2
}

# --- coming to a session ----------------------------------------------------------------------------------------------

@test "a hello is said twice, without a cookie and with it, and asks for the window" {
    serve
    client -w 7 localhost "$ROOT/ordenes/ordenes.txt"
    ended_well
    same 2 "$(grep ^door record | sort -u | wc -l)"
    same 2 "$(grep "^door taken b'S1 H [0-9a-f]\{16\} w=7[ \\\\]" record | sort -u | wc -l)"
    same 1 "$(grep "^door .* k=" record | sort -u | wc -l)"
}

@test "a nonce is another each time" {
    serve --refuse 500
    client localhost "$ROOT/ordenes/ordenes.txt"
    cut -d ' ' -f 5 record >nonces
    client localhost "$ROOT/ordenes/ordenes.txt"
    same 2 "$(cut -d ' ' -f 5 record | sort -u | wc -l)"
}

@test "a hello that gets lost, of either form, is said again" {
    serve --lose-hellos 1
    client localhost "$ROOT/ordenes/ordenes.txt"
    ended_well
    is_golden ordenes
    same 4 "$(grep ^door record | sort -u | wc -l)"
}

@test "a cookie that has grown old is exchanged" {
    serve --cookies 3
    client localhost "$ROOT/ordenes/ordenes.txt"
    ended_well
    is_golden ordenes
}

@test "a server that has too many sessions is asked again" {
    serve --refuse 450 --refusals 1
    client localhost "$ROOT/ordenes/ordenes.txt"
    ended_well
    is_golden ordenes
}

@test "and at the end of the wait that is told" {
    serve --refuse 450
    client -t 3 localhost "$ROOT/ordenes/ordenes.txt"
    failed 1 "localhost port $PORT: the server has too many sessions (450); try again later"
}

@test "other refusals end it at once" {
    serve --refuse 421
    client localhost "$ROOT/ordenes/ordenes.txt"
    failed 1 "localhost port $PORT: the server is shutting down (421); try again later"
    serve --refuse 500
    client localhost "$ROOT/ordenes/ordenes.txt"
    failed 1 "localhost port $PORT: the server refuses the session (500)"
}

@test "a server that speaks the plain mode only is told, and the way out" {
    serve --plain
    client localhost "$ROOT/ordenes/ordenes.txt"
    failed 1 "localhost port $PORT: the server speaks plain mode only; use -c"
}

@test "a reply of SMTP that is forged does not keep a client from its session" {
    # Who knew the client's port could end it: the first such datagram was believed, from any port of the server's host.
    serve --forged --lose-hellos 1
    client localhost "$ROOT/ordenes/ordenes.txt"
    ended_well
    is_golden ordenes
    serve --forged --refuse 450 --refusals 1
    client localhost "$ROOT/ordenes/ordenes.txt"
    ended_well
}

@test "a server that gives cookies and no session may be behind a firewall" {
    serve --no-session
    client -t 3 localhost "$ROOT/ordenes/ordenes.txt"
    failed 1 "localhost port $PORT: the server answers, but no session of it does; \
a firewall may block the server's new port"
}

@test "nobody answers the hello" {
    serve --lose-hellos 100
    client -t 0.2 127.0.0.1 "$ROOT/ordenes/ordenes.txt"
    failed 1 "no answer from 127.0.0.1 port $PORT: the hello was sent once"
    [ -n "$LPORT" ]
}

@test "the connection is announced before the hello is answered" {
    serve --lose-hellos 100
    client -t 0.01 127.0.0.1 "$ROOT/ordenes/ordenes.txt"
    matches "^Connected to 127.0.0.1 on port $LPORT at " "$(cat out)"
}

@test "IPv6" {
    need_ipv6
    serve --host ::1
    client ::1 "$ROOT/ordenes/ordenes.txt"
    ended_well
    is_golden ordenes
}

# --- what is sent -----------------------------------------------------------------------------------------------------

@test "a text of 3,000 lines arrives whole, packed" {
    serve
    mail 3000 >orders
    client localhost orders
    ended_well
    is_sent orders
    (($(numbers) < 200)) || fail "$(numbers) segments"
}

@test "-1 sends a line a datagram" {
    serve
    mail 50 >orders
    client -1 localhost orders
    ended_well
    is_sent orders
    same 56 "$(numbers)"
}

@test "one line of a million octets is no other than a short one" {
    serve
    { mail 1 | head -n 5; head -c 1000000 /dev/zero | tr '\0' x; printf '\n.\nQUIT\n'; } >orders
    client localhost orders
    ended_well
    is_sent orders
}

@test "a window of one datagram carries it, too" {
    serve --window 1
    mail 100 >orders
    client -w 1 localhost orders
    ended_well
    is_sent orders
}

@test "a text is sent as it is: dots, empty lines, NUL and 8-bit octets" {
    serve
    { mail 0 | head -n 4; printf '..two\n.one\n\n .\na\0b\377\n.\nQUIT\n'; } >orders
    client localhost orders
    ended_well
    is_sent orders
}

@test "a file without QUIT ends with a goodbye" {
    serve
    mail 3 | sed '$d' >orders
    client localhost orders
    ended_well
    wait_until gone "$FAKE"
    same 1 "$(count R)"
    matches "S1 R 7c1f0a9be2d45566 421" "$(tail -n 1 record)"
}

@test "after QUIT the server's last segment is acknowledged, and there is no goodbye" {
    serve
    client localhost "$ROOT/ordenes/ordenes.txt"
    ended_well
    wait_until gone "$FAKE"
    matches "b'S1 A" "$(tail -n 1 record)"
    refute count R
}

# --- what is heard ----------------------------------------------------------------------------------------------------

@test "two replies in one segment answer two lines" {
    serve --reply 'NOOP=250 uno\r\n250 dos\r\n' --reply 'RSET='
    printf '%s\n' 'HELO usal.es' NOOP RSET QUIT >orders
    client localhost orders
    ended_well
    same $'CLIENTEUDP - Recibo: 250 uno\r CLIENTEUDP - Recibo: 250 dos\r' "$(grep -E 'uno|dos' "$LOG" | paste -sd ' ')"
    is_sent orders
}

@test "a reply longer than a segment is one record" {
    serve --reply "HELO=$(printf '250-%0500d\\r\\n' 1 2 3 4 5)250 fin\\r\\n"
    printf '%s\n' 'HELO usal.es' QUIT >orders
    client localhost orders
    ended_well
    same 5 "$(grep -c '250-0' "$LOG")"
    same 3 "$(grep -c Recibo "$LOG")"
}

@test "a 421 in the middle of a long text is seen" {
    serve --farewell 'line 100 '
    mail 100000 >orders
    client localhost orders
    failed 1 "localhost port $PORT ended the session: \"421 Hasta luego\""
    matches 'before the last [0-9]+ lines of the orders' "$(sed -n 2p err)"
    same 'cliente: mail 1 (line 2): not sent' "$(tail -n 1 err)"
}

@test "what speaks no SMTP is told so" {
    serve --reply 'MAIL=hola\r\n'
    client localhost "$ROOT/ordenes/ordenes.txt"
    failed 1 "localhost port $PORT does not speak SMTP: \"MAIL FROM: <pepe@usal.es>\" was sent once"
}

# --- a server that fails ----------------------------------------------------------------------------------------------

@test "the server is gone" {
    serve --vanish MAIL
    client 127.0.0.1 "$ROOT/ordenes/ordenes.txt"
    failed 1 "127.0.0.1 port $PORT went away (Connection refused): \"MAIL FROM: <pepe@usal.es>\" was sent once"
}

@test "the server is gone in the middle of a long text" {
    serve --vanish 'line 100 '
    mail 100000 >orders
    client 127.0.0.1 orders
    same 1 "$status"
    matches "went away \(Connection refused\): \"line [0-9]+ of " "$(head -n 1 err)"
}

@test "the server says that it no longer knows the session, or that it leaves" {
    serve --leave MAIL
    client localhost "$ROOT/ordenes/ordenes.txt"
    failed 1 "localhost port $PORT went away (it no longer knows the session): \
\"MAIL FROM: <pepe@usal.es>\" was sent once"
    serve --leave MAIL --code 421
    client localhost "$ROOT/ordenes/ordenes.txt"
    failed 1 "localhost port $PORT went away (it is shutting down): \"MAIL FROM: <pepe@usal.es>\" was sent once"
}

@test "-t bounds the wait for a reply, and the server is told goodbye" {
    serve --mute MAIL
    client -t 2 localhost "$ROOT/ordenes/ordenes.txt"
    failed 1 "no answer from localhost port $PORT: \"MAIL FROM: <pepe@usal.es>\" was sent once"
    wait_until gone "$FAKE"
    same 1 "$(count R)"
}

@test "-t bounds the wait for room" {
    serve --window 0
    mail 2000 >orders
    client -t 0.5 localhost orders
    same 1 "$status"
    matches '^cliente: no answer from ' "$(head -n 1 err)"
}

@test "when only the reply to QUIT is missing, the session has run to its end" {
    local how
    for how in --vanish --leave --mute; do
        serve "$how" QUIT
        client -t 2 localhost "$ROOT/ordenes/ordenes.txt"
        same 0 "$status"
        same "cliente: localhost port $PORT left without an answer to QUIT; all before it was answered" "$(cat err)"
        same 1 "$(grep -c 'All done' "$LOG")"
    done
}

# --- statistics -------------------------------------------------------------------------------------------------------

# statistics REGEX: the last line of standard output, after the announcement.
statistics() {
    same 2 "$(wc -l <out)"
    matches "^$1\$" "$(tail -n 1 out)"
}

@test "-s shows what was sent, sent again and received again" {
    serve --lose-commands 1 --twice
    client -s localhost "$ROOT/ordenes/ordenes.txt"
    ended_well
    statistics 'datagrams [0-9]+, resends [0-9]+, duplicates [0-9]+, median round trip [0-9]+ ms'
    read -r _ datagrams _ resends _ duplicates _ < <(tr -d , <out | tail -n 1)
    # the server may leave before it sees the last acknowledgement
    (($(wc -l <record) <= datagrams && datagrams <= $(wc -l <record) + 2)) || fail "$datagrams datagrams"
    same $(($(count D) - $(numbers))) "$resends"
    ((duplicates >= $(numbers))) || fail "$duplicates duplicates"
}

@test "-s shows it of a session that failed, and of none" {
    serve --leave MAIL
    client -s localhost "$ROOT/ordenes/ordenes.txt"
    same 1 "$status"
    statistics 'datagrams [0-9]+, resends [0-9]+, duplicates [0-9]+, median round trip [0-9]+ ms'
    serve --plain
    client -s localhost "$ROOT/ordenes/ordenes.txt"
    same 1 "$status"
    statistics 'datagrams [1-9], resends 0, duplicates 0, no round trip'
}
