#!/usr/bin/env bats
# The client as a load generator: what it counts is what the server has, what fails is told by its kind, sessions that
# are held are open at the same time, and whatever happens, it ends. The units are in unit/tally.c, plan.c and news.c.

load helper

# kept BOX: how many mails it has.
kept() { find "mails/$1/new" -type f | wc -l; }

# load_runs ARGUMENT...: runs the client on PORT. Sets status; leaves the files out and err.
load_runs() {
    status=0
    timeout 200 "$CLIENTE" -p "${PORT:-1}" "$@" >out 2>err 3>&- 4>&- || status=$?
}

# begin_load ARGUMENT...: the same in the background. Sets LOAD, its pid.
begin_load() {
    "$CLIENTE" -p "$PORT" "$@" >out 2>err 3>&- 4>&- &
    LOAD=$!
    sessions+=("$LOAD")
}

# load_ends STATUS: the background load does, with this exit status.
load_ends() {
    status=0
    WITHIN=${WITHIN:-120} wait_until gone "$LOAD"
    wait "$LOAD" || status=$?
    same "$1" "$status"
}

ended_well() { same 0 "$status" && same "" "$(cat err)"; }

# reports NAME TEXT: the report has this line.
reports() { same "$(printf '%-10s %s' "$1" "$2")" "$(grep "^$1 " out)"; }

# failed TEXT: no session ran to its end, and these are the errors.
failed() {
    same 1 "$status"
    same "" "$(cat err)"
    matches '^sessions   0 of ' "$(grep '^sessions ' out)"
    reports errors "$1"
}

# octets COUNT: what travels in so many sessions of these orders.
octets() { echo $(($1 * ($(wc -c <orders) + $(wc -l <orders)))); }

# orders LINE...: makes an order file.
orders() { printf '%s\n' "$@" >orders; }

MAIL=('MAIL FROM:<a@b.es>' 'RCPT TO:<one@d.es>' 'RCPT TO:<two@d.es>' DATA 'a text' ..dot .)
two_mails() { orders 'HELO usal.es' "${MAIL[@]}" "${MAIL[@]}" QUIT; }
one_mail() { orders 'HELO usal.es' "${MAIL[@]}" QUIT; }

# serve [OPTION...]: a scripted server over TCP, for one session.
serve() { start_fake fake_tcp.py "$@"; }

# --- what is counted --------------------------------------------------------------------------------------------------

# counted TRANSPORT [OPTION...]: 60 sessions of two mails to two boxes are what report, Maildir and monitor say.
counted() {
    start_server -m "$BATS_TEST_TMPDIR/mails"
    two_mails
    load_runs -n 60 -j 7 "${@:2}" localhost "$1" orders
    ended_well
    matches '^sessions   60 of 60 in [0-9]+\.[0-9]{3} s, [0-9.]+ a second$' "$(head -n 1 out)"
    matches '^mails      120, [0-9.]+ a second$' "$(sed -n 2p out)"
    matches "^octets     $(octets 60) sent, [0-9.]+ MiB a second\$" "$(sed -n 3p out)"
    reports replies '220:60 221:60 250:540 354:120'
    reports errors none
    same '120 120' "$(kept one) $(kept two)"
    same $'a text\n.dot' "$(tail -n 2 "$(find mails/two/new -type f | head -n 1)")"
    becomes '60 0 120' historic concurrent mails
    stop_server
}

@test "over TCP what is counted is what the server has" { counted TCP; }
@test "over TCP pipelined what is counted is what the server has" { counted TCP -P; }
@test "over UDP what is counted is what the server has" { counted UDP; }
@test "over UDP pipelined what is counted is what the server has" { counted UDP -P; }
@test "over UDP with a line a datagram what is counted is what the server has" { counted UDP -1P; }
@test "in the plain mode of UDP what is counted is what the server has" { counted UDP -c; }

@test "an odd number of sessions is shared out, and there are no more processes than sessions" {
    start_server -m "$BATS_TEST_TMPDIR/mails"
    one_mail
    load_runs -n 3 -j 2 localhost TCP orders
    ended_well
    matches '^sessions   3 of 3 ' "$(head -n 1 out)"
    load_runs -n 2 -j 10000 localhost TCP orders
    ended_well
    matches '^sessions   2 of 2 ' "$(head -n 1 out)"
}

@test "no log is kept, and nobody is told of a connection" {
    start_server
    one_mail
    mkdir here
    cd here
    load_runs -n 1 localhost TCP ../orders
    ended_well
    same 'err out' "$(echo *)"
    refute grep Connected out
}

@test "orders that are refused are no errors, and mails that are refused are told" {
    serve --reply 'RCPT TO:<one@=550 no\r\n' --reply '.=452 full\r\n'
    one_mail
    load_runs -n 1 localhost TCP orders
    ended_well
    reports replies '220:1 221:1 250:3 354:1 452:1 550:1'
    matches '^mails      0, 0.0 a second; 1 refused$' "$(sed -n 2p out)"
}

@test "orders without QUIT, and none at all, are sessions too" {
    start_server
    orders 'HELO usal.es' NOOP
    load_runs -n 4 -P localhost TCP orders
    ended_well
    reports replies '220:4 250:8'
    : >orders
    load_runs -n 4 localhost TCP orders
    ended_well
    reports replies '220:4'
}

@test "a text of a megabyte goes through, pipelined or not" {
    start_server -q -m "$BATS_TEST_TMPDIR/mails"
    { printf '%s\n' 'HELO usal.es' "${MAIL[@]:0:4}"; seq -f 'line %.0f of a text' 50000; printf '%s\n' . QUIT; } >orders
    for option in -t300 -P; do
        load_runs -n 2 "$option" localhost TCP orders
        ended_well
        load_runs -n 2 "$option" localhost UDP orders
        ended_well
    done
    same 8 "$(kept one)"
    same 50000 "$(grep -c '^line' "$(find mails/one/new -type f | head -n 1)")"
}

@test "the times are those of the sessions" {
    start_server
    one_mail
    load_runs -n 30 localhost TCP orders
    ended_well
    same 'ms           50 %     90 %     99 %   99.9 %      max' "$(grep '^ms' out)"
    awk '$1 == "greeting" || $1 == "mail" || $1 == "session" {
             rows++
             for (i = 2; i < 6; i++) if ($i > $(i + 1) || $i <= 0) bad = 1
             max[$1] = $6
         }
         END { exit !(rows == 3 && !bad && max["greeting"] <= max["session"] && max["mail"] <= max["session"]) }' out
    same 30 "$(sed '1,/up to ms/d' out | awk '{ n += $2 } END { print n }')"
    matches '^client     [0-9.]+ s of CPU, [0-9]+ % of one processor, [0-9.]+ s per 1000 sessions$' \
        "$(grep ^client out)"
}

@test "the CSV is one line of names and one of values" {
    start_server
    one_mail
    load_runs -n 30 -j 3 -C localhost TCP orders
    ended_well
    same 2 "$(wc -l <out)"
    local mail=mail_p50_ms,mail_p90_ms,mail_p99_ms,mail_p999_ms,mail_max_ms
    same "sessions,failed,mails,seconds,sessions_s,mails_s,octets,greeting_p50_ms,greeting_p99_ms,greeting_max_ms,\
$mail,session_p50_ms,session_p99_ms,session_max_ms,client_cpu_s" "$(head -n 1 out)"
    matches "^30,0,30,[0-9.]+,[0-9.]+,[0-9.]+,$(octets 30)(,[0-9.]+){12}\$" "$(tail -n 1 out)"
}

# --- pipelining -------------------------------------------------------------------------------------------------------

@test "a group ends where RFC 2920 has it, and a mail's text begins one" {
    serve --reads reads --reply 'RSET=250 OK\r\n' --reply 'NOOP=250 OK\r\n' --reply 'VRFY=252 x\r\n' \
        --reply 'XYZ=500 x\r\n'
    orders 'HELO usal.es' RSET NOOP 'VRFY a' XYZ "${MAIL[@]}" "${MAIL[@]}" QUIT
    load_runs -n 1 -P localhost TCP orders
    ended_well
    same 'HELO usal.es|
RSET|NOOP|
VRFY a|
XYZ|
MAIL FROM:<a@b.es>|RCPT TO:<one@d.es>|RCPT TO:<two@d.es>|DATA|
a text|..dot|.|MAIL FROM:<a@b.es>|RCPT TO:<one@d.es>|RCPT TO:<two@d.es>|DATA|
a text|..dot|.|QUIT|' "$(cat reads)"
}

@test "without -P every order waits for its reply, and a text leaves with its dot" {
    serve --reads reads
    one_mail
    load_runs -n 1 localhost TCP orders
    ended_well
    same 'HELO usal.es|
MAIL FROM:<a@b.es>|
RCPT TO:<one@d.es>|
RCPT TO:<two@d.es>|
DATA|
a text|..dot|.|
QUIT|' "$(cat reads)"
}

@test "a thousand recipients need many groups" {
    start_server -m "$BATS_TEST_TMPDIR/mails"
    { printf '%s\n' 'HELO usal.es' 'MAIL FROM:<a@b.es>'; seq -f 'RCPT TO:<u%.0f@d.es>' 1000
      printf '%s\n' DATA text . QUIT; } >orders
    load_runs -n 2 -P localhost TCP orders
    ended_well
    reports replies '220:2 221:2 250:2006 354:2'
    same 1000 "$(find mails -mindepth 1 -maxdepth 1 -name 'u*' | wc -l)"
}

@test "replies that come octet by octet are told apart" {
    serve --pieces 1
    two_mails
    load_runs -n 1 -P localhost TCP orders
    ended_well
    reports replies '220:1 221:1 250:9 354:2'
}

refused_data() {
    serve --record record --reply 'DATA=554 no\r\n'
    one_mail
    load_runs -n 1 "$@" localhost TCP orders
    failed '1: DATA refused (554) 1'
    reports replies '220:1 221:1 250:4 554:1'
    same "$(printf '%s\r\n' 'HELO usal.es' "${MAIL[@]:0:4}" QUIT)" "$(cat record)"
}

@test "when DATA is refused no line of the text is sent" { refused_data; }
@test "when DATA is refused no line of the text is sent, pipelined" { refused_data -P; }

@test "over UDP when DATA is refused no line of the text is sent, pipelined" {
    start_server
    orders 'HELO usal.es' 'MAIL FROM:<a@b.es>' DATA 'HELO text' . QUIT
    load_runs -n 3 -P localhost UDP orders
    failed '3: DATA refused (500) 3'
    reports replies '220:3 221:3 250:6 500:3'
}

# --- what fails -------------------------------------------------------------------------------------------------------

# A port that is bound and does not listen: nobody else can get it meanwhile.
nobody_listens() {
    "$PYTHON" -c 'import socket, time
s = socket.socket()
s.bind(("127.0.0.1", 0))
print(s.getsockname()[1], flush=True)
time.sleep(600)' >bound 3>&- 4>&- &
    sessions+=($!)
    wait_until test -s bound
    PORT=$(cat bound)
}

@test "where nobody listens there is no connection" {
    nobody_listens
    one_mail
    load_runs -n 5 -j 2 127.0.0.1 TCP orders
    failed '5: no connection (Connection refused) 5'
    load_runs -n 5 -j 2 -H 0.001 127.0.0.1 TCP orders
    failed '5: no connection (Connection refused) 5'
    matches '^0 sessions greeted of 5 in ' "$(head -n 1 out)"
}

# failing TEXT OPTION...: how one session with a scripted server fails, whether it is pipelined or not.
failing() {
    local option
    for option in -j1 -P; do
        serve "${@:2}"
        load_runs -n 1 "$option" -t 30 localhost TCP orders
        failed "1: $1"
    done
}

@test "a server that goes away is told" {
    one_mail
    failing 'closed by the server 1' --do close
    failing 'closed by the server 1' --at RCPT --do close
    failing 'closed by the server (Connection reset by peer) 1' --at RCPT --do reset
}

@test "a session that is refused is told with its code" {
    one_mail
    failing 'session refused (554) 1' --greeting '554 no\r\n'
    failing 'session refused (421) 1' --greeting '421 later\r\n'
    start_fake fake_numbered.py --refuse 450
    load_runs -n 1 -t 3 localhost UDP orders
    failed '1: session refused (450) 1'
}

@test "a 421 ends a session anywhere" {
    one_mail
    failing 'ended with 421 1' --at MAIL --do farewell
    failing 'ended with 421 1' --at RCPT --do farewell-and-wait
    failing 'ended with 421 1' --at a --do farewell-and-wait
}

@test "what is no reply is told, and a 354 to what is no DATA" {
    one_mail
    failing 'no SMTP 1' --do garbage
    failing 'no SMTP 1' --at RCPT --do garbage
    failing 'no SMTP 1' --reply 'RCPT=354 go on\r\n'
}

@test "a server that says nothing is told after the time of -t" {
    one_mail
    for options in '--do mute' '--at DATA --do mute'; do
        # shellcheck disable=SC2086 # a list
        serve $options
        load_runs -n 1 -t 0.2 localhost TCP orders
        failed '1: no reply 1'
    done
    start_fake fake_numbered.py --no-session
    load_runs -n 1 -t 0.2 localhost UDP orders
    failed '1: session refused 1'
}

@test "some sessions fail and others do not" {
    start_server -o workers-max=2 -o workers-min=1
    open one
    open two
    one_mail
    load_runs -n 3 localhost TCP orders
    failed '3: session refused (421) 3'
    bye one
    bye two
    wait_until greets
    load_runs -n 3 localhost TCP orders
    ended_well
}

# --- sessions that are held -------------------------------------------------------------------------------------------

# held TRANSPORT: 40 sessions by 4 processes are open all together, greeted and silent, until they are had.
held() {
    start_server -m "$BATS_TEST_TMPDIR/mails"
    one_mail
    begin_load -n 40 -j 4 -H 3600 localhost "$1" orders
    wait_until has_lines out 1
    matches '^40 sessions greeted of 40 in [0-9.]+ s, the slowest after [0-9.]+ s$' "$(cat out)"
    tells '40 40 0' historic concurrent mails
    kill -INT "$LOAD"
    load_ends 1
    matches '^sessions   0 of 40 in .*; stopped$' "$(sed -n 2p out)"
    reports errors none
    load_runs -n 40 -j 4 -H 0.3 localhost "$1" orders
    ended_well
    matches '^sessions   40 of 40 ' "$(sed -n 2p out)"
    awk '$1 == "session" { exit !($2 >= 300) }' out
    same 40 "$(kept one)"
    load_runs -n 40 -j 4 -H 0.001 -P -C localhost "$1" orders
    same 0 "$status"
    same 2 "$(wc -l <out)"
    matches '^40 sessions greeted of 40 in ' "$(cat err)"
}

@test "over TCP sessions are held open at the same time" { held TCP; }
@test "over UDP sessions are held open at the same time" { held UDP; }

@test "in the plain mode sessions are held open at the same time" {
    start_server
    one_mail
    begin_load -c -n 10 -j 2 -H 3600 localhost UDP orders
    wait_until has_lines out 1
    tells 10 concurrent
    kill -TERM "$LOAD"
    load_ends 1
}

@test "a burst of 500 sessions is greeted" {
    start_server -m "$BATS_TEST_TMPDIR/mails"
    one_mail
    load_runs -n 500 -j 10 -H 0.001 -P localhost TCP orders
    ended_well
    matches '^500 sessions greeted of 500 in ' "$(head -n 1 out)"
    matches '^sessions   500 of 500 ' "$(sed -n 2p out)"
}

@test "who is not greeted is not held, and does not keep the others" {
    serve --do mute
    one_mail
    load_runs -n 1 -t 0.3 -H 0.001 localhost TCP orders
    failed '1: no reply 1'
    matches '^0 sessions greeted of 1 in ' "$(head -n 1 out)"
}

@test "a session that the server ends while it is held is told" {
    start_server -o read-timeout=1
    one_mail
    load_runs -n 4 -j 2 -H 6 localhost TCP orders
    same 1 "$status"
    matches '^4 sessions greeted of 4 ' "$(head -n 1 out)"
    reports errors '4: ended with 421 4'
}

@test "over UDP a held session outlives the time after which a silent peer is gone" {
    start_server -o read-timeout=300
    one_mail
    load_runs -n 4 -j 2 -H 110 localhost UDP orders
    ended_well
}

@test "descriptors are raised as far as it may be, or ulimit is named" {
    start_server
    one_mail
    (ulimit -Sn 20; load_runs -n 40 -j 1 -H 0.001 localhost TCP orders; ended_well)
    (ulimit -n 30; load_runs -n 40 -j 1 -H 0.001 localhost TCP orders
     same 1 "$status"
     same "cliente: to hold 40 sessions a process needs 56 descriptors and may have 30: raise that with ulimit -n, or \
have more processes with -j" "$(cat err)"
     load_runs -n 40 -j 4 -H 0.001 localhost TCP orders; ended_well)
}

# --- the end ----------------------------------------------------------------------------------------------------------

mails_have_come() { [ "$(ask mails)" -gt 50 ]; }

@test "a load that is interrupted tells what was done so far" {
    start_server -m "$BATS_TEST_TMPDIR/mails"
    one_mail
    begin_load -n 100000000 -j 3 localhost TCP orders
    wait_until mails_have_come
    kill -INT "$LOAD"
    load_ends 1
    same "" "$(cat err)"
    matches '^sessions   [0-9]+ of 100000000 in .*; stopped$' "$(head -n 1 out)"
    reports errors none
    becomes 0 concurrent
    local told had
    told=$(sed -n '2s/^mails *\([0-9]*\),.*/\1/p' out)
    had=$(ask mails)
    # each process may have been waiting for the reply to a dot
    ((told > 0 && told <= had && told >= had - 3)) || fail "told $told, had $had"
}

@test "a silent server does not keep an interrupted load" {
    serve --record record --at HELO --do mute
    one_mail
    begin_load -n 1 localhost TCP orders
    wait_until test -s record
    kill -INT "$LOAD"
    WITHIN=30 load_ends 1   # the server would leave after 60 s
    matches '^sessions   0 of 1 in .*; stopped$' "$(head -n 1 out)"
    reports errors none
}

has_children() { [ -n "$(pgrep -P "$LOAD")" ]; }

@test "a process that is killed is an error, and the others go on" {
    start_server
    one_mail
    begin_load -n 100000000 -j 3 localhost TCP orders
    wait_until mails_have_come
    kill -KILL "$(pgrep -P "$LOAD" | head -n 1)"
    wait_until two_children
    kill -INT "$LOAD"
    load_ends 1
    reports errors '1: process lost 1'
}

two_children() { [ "$(pgrep -P "$LOAD" | wc -l)" = 2 ]; }

# The only process of a load is killed, and the load ends by itself.
last_is_killed() {
    serve --do mute
    one_mail
    begin_load -n 1 localhost TCP orders
    wait_until has_children
    kill -KILL "$(pgrep -P "$LOAD")"
    load_ends 1
    reports errors '1: process lost 1'
}

@test "a load whose last process is killed ends by itself" { last_is_killed; }

# Where SIGCHLD is ignored the system reaps, and the parent waited for ever for who had died, as fast as it could.
@test "a load whose last process is killed ends by itself even if SIGCHLD was ignored before it" {
    printf '#!/bin/sh\nexec env --ignore-signal=CHLD "%s" "$@"\n' "$CLIENTE" >deaf
    chmod +x deaf
    CLIENTE=./deaf
    last_is_killed
}

@test "a process that is killed does not keep the others from being held" {
    start_server
    one_mail
    begin_load -n 3 -j 3 -H 3600 localhost TCP orders
    wait_until has_lines out 1
    kill -KILL "$(pgrep -P "$LOAD" | head -n 1)"
    becomes 2 concurrent
    kill -INT "$LOAD"
    load_ends 1
    reports errors '1: process lost 1'
}

# What the wrapper finds left of them would fail the test, too.
@test "processes whose parent is killed end, whether they work or are held" {
    start_server
    one_mail
    local options mails
    for options in '-n 100000000' '-n 6 -H 3600'; do
        # shellcheck disable=SC2086 # a list
        begin_load $options -j 3 localhost TCP orders
        if [ "$options" = '-n 100000000' ]; then wait_until mails_have_come; else becomes 6 concurrent; fi
        mails=$(ask mails)
        kill -KILL "$LOAD"
        wait_until no_client
        becomes 0 concurrent
        # what was held was not for nobody to have
        [ "$options" = '-n 100000000' ] || tells "$mails" mails
    done
}

no_client() {
    local pid
    for pid in $(ours); do
        [ "$(readlink "/proc/$pid/exe")" != "$(readlink -f "$CLIENTE")" ] || return 1
    done
}

@test "a standard output that is full is told" {
    start_server
    one_mail
    status=0
    "$CLIENTE" -n 1 -p "$PORT" localhost TCP orders >/dev/full 2>err 3>&- 4>&- || status=$?
    same 1 "$status"
    same 'cliente: standard output: No space left on device' "$(cat err)"
}

@test "on a terminal a line shows how far it is, and is gone at the end" {
    start_server
    one_mail
    "$PYTHON" - "$CLIENTE" -n 1000000 -p "$PORT" localhost TCP orders >seen 3>&- 4>&- <<'END'
import os, pty, signal, sys
pid, terminal = pty.fork()
if pid == 0:
    os.execv(sys.argv[1], sys.argv[1:])
said, killed = b"", False
try:
    while piece := os.read(terminal, 4096):
        said += piece
        if not killed and said.count(b"\r") > 2:
            os.kill(pid, signal.SIGINT)
            killed = True
except OSError:
    pass
os.waitpid(pid, 0)
sys.stdout.write(said.decode())
END
    matches $'\r[0-9]+ of 1000000 sessions, [0-9]+ a second, 0 errors\e\\[K\r' "$(head -n 1 seen)"
    matches $'\r\e\\[Ksessions   [0-9]+ of 1000000 ' "$(cat seen)"
}

# --- usage ------------------------------------------------------------------------------------------------------------

# misused MESSAGE ARGUMENT...: exit status 2, nothing on stdout, and this on stderr.
misused() {
    load_runs "${@:2}"
    same 2 "$status"
    same "cliente: $1" "$(cat err)"
    same "" "$(cat out)"
}

@test "wrong usage is told with the thing, the value and the way out" {
    misused '-n 0: a load is 1 to 100000000 sessions' -n 0 localhost TCP orders
    misused '-n 100000001: a load is 1 to 100000000 sessions' -n 100000001 localhost TCP orders
    misused '-n x: a load is 1 to 100000000 sessions' -n x localhost TCP orders
    misused '-j 0: processes are 1 to 10000' -n 1 -j 0 localhost TCP orders
    misused '-j 10001: processes are 1 to 10000' -n 1 -j 10001 localhost TCP orders
    misused '-H 0: sessions are held 0.001 to 86400 seconds' -n 1 -H 0 localhost TCP orders
    misused '-H 86401: sessions are held 0.001 to 86400 seconds' -n 1 -H 86401 localhost TCP orders
    misused '-j: only a load has it; say with -n how many sessions' -j 2 localhost TCP orders
    misused '-P: only a load has it; say with -n how many sessions' -P localhost TCP orders
    misused '-H: only a load has it; say with -n how many sessions' -H 2 localhost TCP orders
    misused '-C: only a load has it; say with -n how many sessions' -C localhost TCP orders
    misused '-l: a load keeps no log; leave it or -n out' -n 1 -l . localhost TCP orders
    misused '-s: a load shows no datagrams; leave it or -n out' -n 1 -s localhost UDP orders
    misused '-P: the plain mode has no order of replies; leave -c or -P out' -n 1 -cP localhost UDP orders
}

@test "a host, a file or a text that is not there is told before anything begins" {
    one_mail
    load_runs -n 2 localhost TCP nowhere
    same 1 "$status"
    same 'cliente: nowhere: No such file or directory' "$(cat err)"
    load_runs -n 2 no.such.host.invalid TCP orders
    same 1 "$status"
    matches '^cliente: no\.such\.host\.invalid: ' "$(cat err)"
    orders 'HELO usal.es' DATA text
    load_runs -n 2 localhost TCP orders
    same 1 "$status"
    same 'cliente: the orders end inside the text that line 2 began: the line "." is missing' "$(cat err)"
    same "" "$(cat out)"
}

@test "-h and the manual show the options of a load" {
    local letter
    "$CLIENTE" -h >out
    for letter in n j P H C; do
        grep -q -e "^  -$letter " out || fail "-h does not show -$letter"
        grep -q "^\.It Fl $letter" "$ROOT/cliente/cliente.1" || fail "the manual does not show -$letter"
    done
}
