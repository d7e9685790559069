#!/usr/bin/env bats
# The client alone, over TCP and in the plain mode of UDP, against servers that are scripts (tools/fake_tcp.py,
# tools/fake_udp.py) and do what no good server does. The numbered mode is in cliente-numbered.bats.

load helper

# serve TRANSPORT [OPTION...]: starts a scripted server on a free port. Sets PORT, FAKE (its pid) and MODE, the option
# that the client needs for it.
serve() {
    MODE=()
    [ "$1" != udp ] || MODE=(-c)
    start_fake "fake_$1.py" "${@:2}"
}

# client ARGUMENT...: runs the client on PORT. Sets status, LPORT (its port) and LOG; leaves the files out and err.
client() {
    status=0
    timeout 120 "$CLIENTE" "${MODE[@]}" -l . -p "${PORT:-1}" "$@" >out 2>err 3>&- 4>&- || status=$?
    LPORT=$(sed -n 's/^Connected to .* on port \([0-9]*\) at .*/\1/p' out)
    LOG=$LPORT.txt
}

# orders LINE...: makes an order file.
orders() { printf '%s\n' "$@" >orders; }

# A mail with COUNT numbered lines of text.
mail() {
    printf '%s\n' 'HELO usal.es' 'MAIL FROM:<a@b>' 'RCPT TO:<c@d>' DATA
    seq -f 'line %.0f of a text that is neither short nor long' "$1"
    printf '%s\n' . QUIT
}

ended_well() { same 0 "$status" && same "" "$(cat err)"; }

# is_golden NAME: LOG is that golden log but for the date, which is one, octet for octet.
is_golden() {
    local golden=$ROOT/test/golden/$1.log
    same "$(wc -c <"$golden")" "$(wc -c <"$LOG")"
    cmp <(sed '$s/All done at .*/All done/' "$golden") <(sed '$s/All done at .*/All done/' "$LOG")
    is_date "$(sed -n '$s/^All done at //p' "$LOG")"
}

is_date() { matches '^[A-Z][a-z]{2} [A-Z][a-z]{2} [ 123][0-9] [0-9]{2}:[0-9]{2}:[0-9]{2} [0-9]{4}$' "$1"; }

# crlf FILE...: as it must travel.
crlf() { sed 's/$/\r/' "$@"; }

# sent_to_child: what the session's port received, the octets of one datagram a line as Python writes them.
sent_to_child() { sed -n 's/^child [0-9.]* //p' record; }

# datagrams_of FILE: what it should have received.
datagrams_of() {
    "$PYTHON" -c 'import sys; [print(line.rstrip(b"\n") + b"\r\n") for line in open(sys.argv[1], "rb")]' "$1"
}

# --- the golden logs --------------------------------------------------------------------------------------------------

golden() {
    serve "${2,,}"
    client localhost "$2" "$ROOT/ordenes/$1.txt"
    ended_well
    is_golden "$1.$2"
}

@test "ordenes.txt over TCP gives its golden log" { golden ordenes TCP; }
@test "ordenes1.txt over TCP gives its golden log" { golden ordenes1 TCP; }
@test "ordenes2.txt over TCP gives its golden log" { golden ordenes2 TCP; }
@test "ordenes.txt over UDP gives its golden log" { golden ordenes UDP; }
@test "ordenes1.txt over UDP gives its golden log" { golden ordenes1 UDP; }
@test "ordenes2.txt over UDP gives its golden log" { golden ordenes2 UDP; }

@test "the golden logs have the sizes that the report shows" {
    same '465 637 753' "$(cd "$ROOT/test/golden" && for i in '' 1 2; do wc -c <"ordenes$i.TCP.log"; done | xargs)"
}

@test "the first line says where it is connected" {
    serve tcp
    client localhost tcp "$ROOT/ordenes/ordenes.txt"
    ended_well
    same 1 "$(wc -l <out)"
    is_date "$(sed -n "1s/^Connected to localhost on port $LPORT at //p" out)"
}

# every_log_is TARGET: makes the folder logs, where the log of any local port is a link to TARGET.
every_log_is() {
    "$PYTHON" - "$1" <<'END'
import os, sys
os.mkdir("logs")
for port in range(1024, 65536):
    os.symlink(sys.argv[1], f"logs/{port}.txt")
END
}

@test "a log that is there is appended to" {
    echo 'of an earlier session' >kept
    every_log_is ../kept
    serve udp
    client -l logs localhost UDP "$ROOT/ordenes/ordenes.txt"
    ended_well
    same 'of an earlier session' "$(head -n 1 kept)"
    same $((465 + 22)) "$(wc -c <kept)"
}

@test "over UDP the connection is announced before the hello is answered" {
    serve udp --mute HELO --lose-commands 100
    client -r 0 -t 0.2 localhost UDP "$ROOT/ordenes/ordenes.txt"
    same 1 "$status"
    [ -n "$LPORT" ]
}

# --- what is sent -----------------------------------------------------------------------------------------------------

line_ends() {
    local transport=$1 form file=$ROOT/ordenes/ordenes2.txt
    sed 's/$/\r/' "$file" >crlf.txt
    tr '\n' '\r' <"$file" >cr.txt
    head -c -1 "$file" >none.txt
    awk '{ ORS = substr("\n\r\r\n", NR % 3 + 1, NR % 3 == 2 ? 2 : 1); print }' "$file" >mixed.txt
    for form in crlf cr none mixed; do
        serve "$transport" --record record
        client localhost "$transport" "$form.txt"
        ended_well
        is_golden "ordenes2.${transport^^}"
        if [ "$transport" = tcp ]; then cmp record <(crlf "$file"); fi
    done
}

@test "over TCP lines travel with CRLF whatever line ends the file has" { line_ends tcp; }

@test "over UDP lines travel with CRLF whatever line ends the file has" { line_ends udp; }

@test "a text is sent as it is: dots, empty lines, NUL and 8-bit octets" {
    serve tcp --record record
    { printf '%s\n' 'HELO usal.es' 'MAIL FROM:<a@b>' 'RCPT TO:<c@d>' DATA ..two '.one' '' ' .'
      printf 'a\0b\377\n'
      printf '%s\n' . QUIT; } >orders
    client localhost TCP orders
    ended_well
    cmp record <(crlf orders)
}

@test "over UDP each line is one datagram, sent once, and nothing else is sent" {
    serve udp --record record
    client localhost UDP "$ROOT/ordenes/ordenes2.txt"
    ended_well
    same "b'\\r\\n'" "$(sed -n 's/^door [0-9.]* //p' record)"
    same "$(datagrams_of "$ROOT/ordenes/ordenes2.txt")" "$(sent_to_child)"
}

@test "a text of 100,000 lines arrives whole over TCP" {
    serve tcp --record record
    mail 100000 >orders
    client localhost TCP orders
    ended_well
    cmp record <(crlf orders)
}

@test "one line of 10 MB is no other than a short one over TCP" {
    serve tcp --record record
    { mail 1 | head -n 5; head -c 10000000 /dev/zero | tr '\0' x; printf '\n.\nQUIT\n'; } >orders
    client localhost TCP orders
    ended_well
    cmp record <(crlf orders)
}

# Nothing tells a sender over UDP that the receiver's buffer is full: without pauses more than half of this was lost in
# a usual buffer. The one here is larger, since on a busy machine its owner may be late; so the pauses are timed.
@test "a text of 5,000 lines arrives whole over UDP, with pauses" {
    local begun
    serve udp --record record
    mail 5000 >orders
    begun=$(now_ms)
    client -t 5 localhost UDP orders
    (($(now_ms) - begun >= 300)) || fail "it took $(($(now_ms) - begun)) ms"
    ended_well
    same 5006 "$(sent_to_child | wc -l)"
}

@test "a line that fits in no datagram is an error that names it" {
    serve udp
    { mail 1 | head -n 5; head -c 70000 /dev/zero | tr '\0' x; printf '\n.\nQUIT\n'; } >orders
    client localhost UDP orders
    same 1 "$status"
    matches "^cliente: cannot send to localhost port $PORT \(Message too long\): \"x+\.\.\.\"" "$(cat err)"
}

@test "an empty order file is a dialogue that ends after the greeting" {
    serve tcp
    : >orders
    client localhost TCP orders
    ended_well
    same 2 "$(grep -c -e 'antes while' -e 'All done' "$LOG")"
}

@test "a file without QUIT just ends" {
    serve udp
    orders 'HELO usal.es' 'MAIL FROM:<a@b>'
    client localhost UDP orders
    ended_well
    same 2 "$(grep -c 'UDP - Recibo: 250 OK' "$LOG")"
    same 1 "$(grep -c 'All done' "$LOG")"
}

ends_in_text() {
    serve "$1"
    mail 3 | head -n 7 >orders
    client localhost "$1" orders
    same 1 "$status"
    same 'cliente: the orders end inside the text that line 4 began: the line "." is missing
cliente: mail 1 (line 2): not sent' "$(cat err)"
    refute grep -q 'All done' "$LOG"
}

@test "over TCP a file that ends inside a text is an error" { ends_in_text tcp; }
@test "over UDP a file that ends inside a text is an error" { ends_in_text udp; }

# --- what is heard ----------------------------------------------------------------------------------------------------

@test "a reply of many lines is one record, though it comes octet by octet" {
    serve tcp --pieces 1 --reply 'EHLO=250-localhost\r\n250-PIPELINING\r\n250 SIZE 10240000\r\n'
    orders 'EHLO usal.es' QUIT
    client localhost TCP orders
    ended_well
    printf 'CLIENTETCP - Recibo: %s\r\n\n' $'250-localhost\r\n250-PIPELINING\r\n250 SIZE 10240000' \
        '221 Cerrando el servicio' >expected
    cmp expected <(sed -n '3,$p' "$LOG" | sed '$d')
}

@test "over UDP a reply of many lines is one record, and what follows it in the datagram is none" {
    serve udp --reply 'EHLO=250-a\r\n250 b\r\nAll done at my word\r\n'
    orders 'EHLO usal.es' QUIT
    client localhost UDP orders
    ended_well
    same $'CLIENTEUDP - Recibo: 250-a\r\n250 b\r' "$(sed -n 3,4p "$LOG")"
    refute grep -q 'my word' "$LOG"
}

@test "a server's controls reach neither the log nor the terminal" {
    serve tcp --reply 'HELO=500 a\x1b[2Jb\rc\x00d\x9b\\\r\n' --reply 'NOOP=421 \x1b[31mred\r\n'
    orders 'HELO usal.es' NOOP
    client localhost TCP orders
    same 1 "$status"
    grep -qxF 'CLIENTETCP - Recibo: 500 a\033[2Jb\rc\000d\233\\'$'\r' "$LOG"
    same "cliente: localhost port $PORT ended the session: \"421 \\033[31mred\"" "$(cat err)"
}

@test "a reply that lacks its CRLF or has a bare LF, is logged with one" {
    serve udp --reply 'HELO=250 OK' --reply 'NOOP=250 OK\n'
    orders 'HELO usal.es' NOOP QUIT
    client localhost UDP orders
    ended_well
    same 2 "$(grep -c $'^CLIENTEUDP - Recibo: 250 OK\r$' "$LOG")"
}

@test "a reply other than 250 to a recipient is remarked, in any case of letters" {
    serve tcp --reply 'rcpt=251 later\r\n' --reply 'RCPT=250 OK\r\n' --reply 'RCPTTO=500 no\r\n'
    orders 'rcpt to:<a@b>' 'RCPT TO:<a@b>' 'RCPTTO:<a@b>' QUIT
    client localhost TCP orders
    ended_well
    same $'CLIENTETCP - Recibo: 251 later\r\n\nNO VALIDO RCPT TO\n\nCLIENTETCP - Recibo: 250 OK\r' \
        "$(sed -n 3,7p "$LOG")"
    same 1 "$(grep -c 'NO VALIDO' "$LOG")"
}

@test "after a 221 the lines that are left are not sent, and that is said" {
    serve tcp --record record
    orders 'HELO usal.es' QUIT '' 'MAIL FROM:<a@b>' 'RCPT TO:<c@d>' ''
    client localhost TCP orders
    same 0 "$status"
    same 'cliente: the session ended with 221, before the last 2 lines of the orders' "$(cat err)"
    same $'HELO usal.es\r\nQUIT\r' "$(cat record)"
    same 1 "$(grep -c 'All done' "$LOG")"
}

@test "empty lines after QUIT are nothing to speak of" {
    serve udp
    orders 'HELO usal.es' QUIT '' ''
    client localhost UDP orders
    ended_well
}

@test "a 421 ends the dialogue and is a failure" {
    serve udp --reply 'MAIL=421 Hasta luego\r\n'
    mail 3 >orders
    client localhost UDP orders
    same 1 "$status"
    same "cliente: localhost port $PORT ended the session: \"421 Hasta luego\"
cliente: the session ended with 421, before the last 7 lines of the orders
cliente: mail 1 (line 2): refused" "$(cat err)"
    grep -q '421 Hasta luego' "$LOG"
    refute grep -q 'All done' "$LOG"
}

@test "a greeting that refuses the session is told" {
    serve tcp --greeting '554 Hoy no\r\n'
    client localhost TCP "$ROOT/ordenes/ordenes.txt"
    same 1 "$status"
    same "cliente: localhost port $PORT refused the session: \"554 Hoy no\"" "$(cat err)"
    grep -q 'antes while - Recibo: 554 Hoy no' "$LOG"
}

@test "what speaks no SMTP is told so" {
    serve tcp --at MAIL --do garbage
    client localhost TCP "$ROOT/ordenes/ordenes.txt"
    same 1 "$status"
    same "cliente: localhost port $PORT does not speak SMTP: \"MAIL FROM: <pepe@usal.es>\" was sent once
cliente: mail 1 (line 2): not sent" "$(cat err)"
}

# --- a TCP server that fails ------------------------------------------------------------------------------------------

# complaint: what the client said besides the outcomes of the mails, which have a part of their own below.
complaint() { grep -v '^cliente: mail [0-9]* (line [0-9]*): [a-z ]*$' err; }

# fails_at PREFIX WHAT REGEX: the server does WHAT at that line; the client fails with one complaint.
fails_at() {
    serve tcp --at "$1" --do "$2"
    mail "${LINES_OF_TEXT:-3}" >orders
    client -t "${WAIT:-60}" localhost TCP orders
    same 1 "$status"
    same 1 "$(complaint | wc -l)"
    matches "^cliente: $3\$" "$(complaint)"
    refute grep -q 'All done' "$LOG"
}

@test "nobody listens" {
    serve tcp
    kill "$FAKE" && wait_until gone "$FAKE"
    client localhost TCP "$ROOT/ordenes/ordenes.txt"
    same 1 "$status"
    same "cliente: cannot connect to localhost port $PORT: Connection refused" "$(cat err)"
    same "" "$(cat out)"
}

@test "the server closes instead of greeting" {
    fails_at '' close 'localhost port [0-9]+ went away \(it closed the connection\): it sent no greeting'
}

@test "the server never greets" {
    WAIT=0.3 fails_at '' mute 'no answer from localhost port [0-9]+: it sent no greeting'
}

@test "the server closes after a command" {
    fails_at MAIL close 'localhost port [0-9]+ went away \(it closed the connection\): "MAIL FROM:<a@b>" was sent once'
}

@test "the server is reset after a command" {
    fails_at MAIL reset 'localhost port [0-9]+ went away \(Connection reset by peer\): "MAIL FROM:<a@b>" was sent once'
}

@test "the server never answers a command" {
    WAIT=0.3 fails_at 'RCPT' mute 'no answer from localhost port [0-9]+: "RCPT TO:<c@d>" was sent once'
}

@test "the server closes in the middle of a long text" {
    LINES_OF_TEXT=200000 fails_at 'line 1000 ' close \
        'localhost port [0-9]+ went away \(.*\): "line [0-9]+ of .*" was sent once'
}

@test "the server is reset in the middle of a long text" {
    LINES_OF_TEXT=200000 fails_at 'line 1000 ' reset \
        'localhost port [0-9]+ went away \(.*\): "line [0-9]+ of .*" was sent once'
}

@test "the server stops reading in the middle of a long text" {
    WAIT=0.3 LINES_OF_TEXT=1000000 fails_at 'line 1000 ' deaf \
        'no answer from localhost port [0-9]+: "line [0-9]+ of .*" was sent once'
}

# Both sides would wait for ever, each for the other to read, if the client only wrote while it sends a text.
@test "the server talks without end in the middle of a long text and never listens" {
    LINES_OF_TEXT=1000000 fails_at 'line 1000 ' babble '.*: "line [0-9]+ of .*" was sent once'
}

farewell_in_text() {
    serve tcp --at 'line 1000 ' --do "$1"
    mail 200000 >orders
    client localhost TCP orders
    same 1 "$status"
    matches "ended the session: \"421 Hasta luego\"" "$(cat err)"
    matches 'before the last [0-9]+ lines of the orders' "$(cat err)"
    same $'CLIENTETCP - Recibo: 421 Hasta luego\r' "$(tail -n 2 "$LOG" | head -n 1)"
}

@test "the server says 421 in the middle of a long text and closes" { farewell_in_text farewell; }
@test "the server says 421 in the middle of a long text and reads on" { farewell_in_text farewell-and-wait; }

# --- UDP: loss, repetition, order -------------------------------------------------------------------------------------

@test "the session goes on with the port that greeted" {
    serve udp --record record
    client localhost UDP "$ROOT/ordenes/ordenes.txt"
    ended_well
    same 1 "$(grep -c ^door record)"
    same 11 "$(grep -c ^child record)"
}

# lossy FILE OPTION...: the log is the golden one. The waits are short, and the retries many enough for a slow machine.
lossy() {
    serve udp --record record "${@:2}"
    client -t 0.05 -r 9 localhost UDP "$ROOT/ordenes/$1.txt"
    same 0 "$status"
    is_golden "$1.UDP"
}

@test "each command is lost twice on its way, and the log is the golden one" {
    lossy ordenes1 --lose-commands 2
    grep -qxF 'cliente: no answer to the hello in 0.05 s: try 2 of 10' err
    grep -qxF 'cliente: no answer to the hello in 0.1 s: try 3 of 10' err
    grep -qxF 'cliente: no answer to "HELO usal.es" in 0.05 s: try 2 of 10' err
    refute grep -q 'no answer' "$LOG"
}

@test "each reply is lost once on its way, and the log is the golden one" {
    lossy ordenes2 --lose-replies 1
    grep -qxF 'cliente: no answer to "." in 0.05 s: try 2 of 10' err
    grep -qxF 'cliente: no answer to "QUIT" in 0.05 s: try 2 of 10' err
}

@test "repetitions are the same octets" {
    lossy ordenes --lose-commands 1
    datagrams_of "$ROOT/ordenes/ordenes.txt" >expected
    same "$(cat expected)" "$(sent_to_child | uniq)"
    (($(sent_to_child | wc -l) > $(wc -l <expected)))
}

# How long a reply's late copies keep coming is known from the round trip. Before the client waited for them to end,
# the second 250 to HELO was taken for the reply to the RCPT after it, and every reply after that for the next one.
@test "late copies of a reply are not taken for the next one" {
    serve udp --hoard HELO
    client -t 1 localhost UDP "$ROOT/ordenes/ordenes1.txt"
    same 0 "$status"
    is_golden ordenes1.UDP
}

@test "a repeated greeting is ignored" {
    lossy ordenes --stale HELO
}

# The copy of a 250 that comes just before the 354 was taken for the reply to DATA; the text went out as commands.
@test "a late copy just before the reply to DATA or QUIT does not pass for it" {
    lossy ordenes --stale DATA
    lossy ordenes --stale QUIT
}

@test "a late copy of the 354 does not end the text" {
    lossy ordenes2 --stale .
}

@test "what is no reply is ignored" {
    lossy ordenes1 --junk
}

@test "a stranger at the server's address is not heard" {
    lossy ordenes1 --stranger 127.0.0.1
}

@test "a greeting from another address than the host's is not followed" {
    lossy ordenes1 --stranger 127.0.0.2 --lie '220 ven aqui\r\n'
}

# The waits are measured by the kernel's time of arrival, so a slow machine can only lengthen them.
@test "the wait doubles at each retry" {
    serve udp --record record --mute MAIL
    orders 'HELO usal.es' 'MAIL FROM:<a@b>' QUIT
    client -r 3 -t 0.1 127.0.0.1 UDP orders
    same 1 "$status"
    same "cliente: no answer from 127.0.0.1 port $PORT: \"MAIL FROM:<a@b>\" was sent 4 times" "$(complaint | tail -n 1)"
    awk '/MAIL/ { if (last) printf "%d ", ($2 - last) * 1000 + 2; last = $2 } END { print "" }' record >gaps
    read -r first second third <gaps
    ((first >= 100 && second >= 200 && third >= 400)) || fail "waited $first, $second, $third ms"
}

@test "nobody answers the hello" {
    serve udp --lose-commands 100 --record record
    client -r 2 -t 0.1 127.0.0.1 UDP "$ROOT/ordenes/ordenes.txt"
    same 1 "$status"
    same "cliente: no answer from 127.0.0.1 port $PORT: the hello was sent 3 times" "$(tail -n 1 err)"
    same 0 "$(wc -c <"$LOG")"
}

@test "no retries means none" {
    serve udp --mute MAIL
    client -r 0 -t 0.1 127.0.0.1 UDP "$ROOT/ordenes/ordenes.txt"
    same 1 "$status"
    same "cliente: no answer from 127.0.0.1 port $PORT: \"MAIL FROM: <pepe@usal.es>\" was sent once" "$(complaint)"
}

@test "the server leaves at a command: two refusals are enough" {
    serve udp --vanish MAIL
    client -t 0.2 127.0.0.1 UDP "$ROOT/ordenes/ordenes.txt"
    same 1 "$status"
    matches "went away \(Connection refused\): \"MAIL FROM: <pepe@usal.es>\" was sent 3 times\$" \
        "$(complaint | tail -n 1)"
}

@test "the server leaves in the middle of a text" {
    serve udp --vanish 'line 100 '
    mail 100000 >orders
    client -t 60 127.0.0.1 UDP orders
    same 1 "$status"
    matches "^cliente: 127.0.0.1 port $PORT went away \(Connection refused\): \"line [0-9]+ of " "$(complaint)"
}

@test "over a network that loses, doubles and delays, the session runs to its end" {
    local seed
    for seed in 1 2 3 4 5; do
        serve udp --loss 0.15 --duplicates 0.05 --delay 0.02 --seed "$seed"
        client -r 8 -t 0.1 127.0.0.1 UDP "$ROOT/ordenes/ordenes.txt"
        same 0 "$status"
        refute grep -q '500 ' "$LOG"
    done
}

# --- hosts ------------------------------------------------------------------------------------------------------------

ipv6() {
    need_ipv6
    serve "${1,,}" --host ::1
    client ::1 "$1" "$ROOT/ordenes/ordenes1.txt"
    ended_well
    is_golden "ordenes1.$1"
    grep -q '^Connected to ::1 on port' out
}

@test "an IPv6 address over TCP" { ipv6 TCP; }
@test "an IPv6 address over UDP" { ipv6 UDP; }

@test "an IPv4 address over TCP and UDP" {
    serve tcp
    client 127.0.0.1 TCP "$ROOT/ordenes/ordenes.txt"
    ended_well
    serve udp
    client 127.0.0.1 UDP "$ROOT/ordenes/ordenes.txt"
    ended_well
}

# both_addresses: a name with an IPv6 and an IPv4 address, of which only the second is served.
both_addresses() {
    need_ipv6
    need_root "a mount namespace for /etc/hosts"
    printf '%s\n' '::1 two.example' '127.0.0.1 two.example' >hosts
    local real=$CLIENTE
    CLIENTE=$BATS_TEST_TMPDIR/in_namespace
    cat >in_namespace <<END
#!/bin/sh
exec unshare -m sh -c 'mount --bind $BATS_TEST_TMPDIR/hosts /etc/hosts && exec "\$0" "\$@"' $real "\$@"
END
    chmod +x in_namespace
    unshare -m mount --bind hosts /etc/hosts || skip "no mount namespaces here"
}

@test "over TCP the next address of a host is tried" {
    both_addresses
    serve tcp
    client two.example TCP "$ROOT/ordenes/ordenes.txt"
    ended_well
    is_golden ordenes.TCP
}

@test "over UDP the next address of a host is tried within the first wait" {
    both_addresses
    serve udp
    client two.example UDP "$ROOT/ordenes/ordenes.txt"
    ended_well
    is_golden ordenes.UDP
}

@test "in the numbered mode all addresses of a host are asked at once" {
    both_addresses
    serve numbered
    client two.example UDP "$ROOT/ordenes/ordenes.txt"
    ended_well
    is_golden ordenes.UDP
}

@test "an unknown host" {
    client host.invalid TCP "$ROOT/ordenes/ordenes.txt"
    same 1 "$status"
    matches '^cliente: host\.invalid: [A-Z]' "$(cat err)"
}

# --- what became of the mails -----------------------------------------------------------------------------------------

# Four mails, of which the second is refused.
mails() {
    printf '%s\n' 'HELO usal.es' 'MAIL FROM:<one@usal.es>' 'RCPT TO:<c@d>' DATA one . 'MAIL FROM:<two>' \
        'MAIL FROM:<three@usal.es>' 'RCPT TO:<c@d>' DATA three . 'MAIL FROM:<four@usal.es>' QUIT
}

# outcomes TRANSPORT STATUS THIRD OPTION...: a server with these options fails at the third mail; the client ends with
# STATUS and tells what became of three.
outcomes() {
    serve "$1" "${@:4}"
    mails >orders
    client -t 5 127.0.0.1 "${1/numbered/UDP}" orders
    same "$2" "$status"
    same "cliente: mail 1 (line 2): stored
cliente: mail 2 (line 7): refused
cliente: mail 3 (line 8): $3" "$(tail -n 3 err)"
    matches 'went away' "$(complaint | tail -n 1)"
}

@test "a mail whose dot was sent and not answered has an outcome that nobody knows: exit status 3" {
    outcomes tcp 3 'outcome unknown' --at three --do close
    outcomes udp 3 'outcome unknown' --vanish three
    outcomes numbered 3 'outcome unknown' --vanish three
}

@test "a mail whose dot was never sent is not sent: exit status 1" {
    outcomes tcp 1 'not sent' --at 'MAIL FROM:<three' --do close
    outcomes udp 1 'not sent' --vanish 'MAIL FROM:<three'
    outcomes numbered 1 'not sent' --vanish 'MAIL FROM:<three'
}

@test "a session that ran to its end says nothing of its mails" {
    serve tcp
    mails >orders
    client localhost TCP orders
    ended_well
}

# --- files ------------------------------------------------------------------------------------------------------------

@test "an order file that cannot be read" {
    client localhost TCP nowhere.txt
    same 1 "$status"
    same 'cliente: nowhere.txt: No such file or directory' "$(cat err)"
    client localhost TCP .
    same 1 "$status"
    same 'cliente: .: Is a directory' "$(cat err)"
}

@test "a log that cannot be opened" {
    serve tcp
    client -l nowhere localhost TCP "$ROOT/ordenes/ordenes.txt"
    same 1 "$status"
    matches '^cliente: nowhere/[0-9]+\.txt: No such file or directory; -l DIR chooses another folder$' "$(cat err)"
}

@test "a log on a full disk" {
    every_log_is /dev/full
    serve tcp
    client -l logs localhost TCP "$ROOT/ordenes/ordenes.txt"
    same 1 "$status"
    same "cliente: logs/$LPORT.txt: No space left on device" "$(cat err)"
}

# --- usage ------------------------------------------------------------------------------------------------------------

# misused MESSAGE ARGUMENT...: exit status 2, nothing on stdout, and this on stderr.
misused() {
    local message=$1
    shift
    status=0
    "$CLIENTE" "$@" >out 2>err 3>&- || status=$?
    same 2 "$status"
    same "cliente: $message" "$(cat err)"
    same "" "$(cat out)"
}

@test "wrong usage is told with the thing, the value and the way out" {
    misused '-p 70000: a port is 1 to 65535' -p 70000 localhost TCP orders
    misused '-p 0: a port is 1 to 65535' -p 0 localhost TCP orders
    misused '-p 25x: a port is 1 to 65535' -p 25x localhost TCP orders
    misused '-r -1: retries are 0 to 1000' -r -1 localhost UDP orders
    misused '-t 0: a wait is 0.001 to 86400 seconds' -t 0 localhost UDP orders
    misused '-t 1e3: a wait is 0.001 to 86400 seconds' -t 1e3 localhost UDP orders
    misused '-t .: a wait is 0.001 to 86400 seconds' -t . localhost UDP orders
    misused '-t 86401: a wait is 0.001 to 86400 seconds' -t 86401 localhost UDP orders
    misused '-w 0: a window is 1 to 32 datagrams' -w 0 localhost UDP orders
    misused '-w 33: a window is 1 to 32 datagrams' -w 33 localhost UDP orders
    misused '-x: no such option; cliente -h shows the usage' -x localhost TCP orders
    misused '-p: its value is missing; cliente -h shows the usage' -p
    misused 'HOST is missing; cliente -h shows the usage'
    misused 'TCP or UDP is missing; cliente -h shows the usage' localhost
    misused 'FILE is missing; cliente -h shows the usage' localhost TCP
    misused '-v: one operand too many; cliente -h shows the usage' localhost TCP orders -v
    misused 'SCTP: the protocol is TCP or UDP' localhost SCTP orders
}

@test "an option of another mode is refused with the way out" {
    misused '-c: TCP has no plain mode; say UDP, or leave -c out' -c localhost TCP orders
    misused '-w: only the numbered mode of UDP has it; say UDP' -w 8 localhost TCP orders
    misused '-1: only the numbered mode of UDP has it; say UDP' -1 localhost TCP orders
    misused '-s: only the numbered mode of UDP has it; leave -c out' -cs localhost UDP orders
    misused '-w: only the numbered mode of UDP has it; leave -c out' -w 8 -c localhost UDP orders
}

@test "-h shows every option and default on standard output" {
    status=0
    "$CLIENTE" -h >out 2>err 3>&- || status=$?
    ended_well
    local word
    for word in 'HOST TCP FILE' 'HOST UDP FILE' '-p PORT .*(2525)' '-l DIR .*(log)' '-r RETRIES .*(5)' '-t SECONDS' \
        '(1)' '(300)' '-c ' '-w WINDOW .*(16)' '-1 ' '-s ' '-h ' '-v '; do
        grep -q -e "$word" out || fail "-h does not show $word"
    done
}

@test "-v shows the version" {
    same 'cliente 0.1.0' "$("$CLIENTE" -v)"
}

@test "the protocol is understood in any case" {
    serve tcp
    client localhost Tcp "$ROOT/ordenes/ordenes.txt"
    ended_well
    serve udp
    client localhost udp "$ROOT/ordenes/ordenes.txt"
    ended_well
}

@test "a standard output that is full is told" {
    status=0
    "$CLIENTE" -h >/dev/full 2>err 3>&- || status=$?
    same 1 "$status"
    same 'cliente: standard output: No space left on device' "$(cat err)"
}
