#!/usr/bin/env bats
# shellcheck disable=SC2030,SC2031 # each test is a subshell, and sets what it needs
# How the server starts, what it refuses, where it stays, and what it leaves.

load helper

# background OPTION...: starts the server as an operator does; its lines in $output, its pid in SERVER_PID.
background() {
    mkdir -p log
    LOGS=$BATS_TEST_TMPDIR/log
    # To a file, and no pipe: a server that keeps a pipe open would keep this test waiting.
    timeout 60 "$SERVIDOR" -p 0 "${MONITOR[@]}" -l "$LOGS" -o drain-timeout=1 "$@" </dev/null >said 2>said.err 3>&- 4>&-
    output=$(cat said)
    SERVER_PID=$(cat "$LOGS/servidor.pid")
    PORT=$(sed -n 's/^Listening on TCP port //p' <<<"$output")
    ports+=("$PORT")
}

# background_stops: the server of background leaves on SIGTERM, and everything with it.
background_stops() {
    kill -TERM "$SERVER_PID"
    WITHIN=60 wait_until gone "$SERVER_PID"
    only_left || fail "left behind: $(ours)"
}

# free_port: a port that nobody had a moment ago.
free_port() {
    "$PYTHON" -c 'import socket; s = socket.socket(); s.bind(("", 0)); print(s.getsockname()[1])'
}

# --- ready lines ------------------------------------------------------------------------------------------------------

@test "the ready lines name the real port, the same for TCP and UDP" {
    start_server
    # shellcheck disable=SC2153 # start_server sets MPORT
    printf 'Listening on %s\n' "TCP port $PORT" "UDP port $PORT" "UDP port $MPORT (monitor)" | diff - "$SERVER_OUT"
    refute [ "$PORT" = 0 ]
    talk <<<'S~ 220'
    talk -u <<<'S~ 220'
}

@test "when the ready lines stand there, a client can connect, at every start" {
    for _ in {1..10}; do
        start_server
        talk <<<'S~ 220'
        stop_server
    done
}

@test "-p chooses the port" {
    local port
    port=$(free_port)
    start_server -p "$port"
    same "$port" "$PORT"
    talk <<<'S~ 220'
    talk -u <<<'S~ 220'
}

@test "the server answers on IPv4 and on IPv6, over both transports" {
    need_ipv6
    start_server
    for address in 127.0.0.1 ::1; do
        after_helo usal -a "$address" <<<$'C: QUIT\nS: 221 Cerrando el servicio\nclosed'
        after_helo usal -u -a "$address" <<<$'C: QUIT\nS: 221 Cerrando el servicio'
    done
}

@test "where no interface has IPv6 the server serves IPv4, and says so once at most" {
    namespace
    "${RUN_IN[@]}" sh -c 'echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6'
    allow_stderr IPv6
    start_server
    talk <<<'S~ 220'
    talk -u <<<'S~ 220'
    [ "$(grep -c IPv6 "$SERVER_ERR")" -le 1 ]
}

@test "port 0 finds a number that is free for both transports" {
    namespace
    "${RUN_IN[@]}" sh -c 'echo 40000 40039 >/proc/sys/net/ipv4/ip_local_port_range'
    "${RUN_IN[@]}" "$PYTHON" - 3>&- 4>&- <<'END' &
import signal, socket
held = [socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) for _ in range(20)]
for i, one in enumerate(held): one.bind(("::", 40000 + 2 * i))
open("held", "w").close()
signal.pause()
END
    sessions+=($!)
    wait_until [ -e held ]
    for _ in 1 2 3 4; do
        start_server
        same "Listening on UDP port $PORT" "$(sed -n 2p "$SERVER_OUT")"
        stop_server
    done
}

# --- background -------------------------------------------------------------------------------------------------------

@test "in the background the parent prints the ready lines and exits 0 when clients can connect" {
    background
    matches $'^Listening on TCP port ([0-9]+)\nListening on UDP port ([0-9]+)\nListening on UDP port [0-9]+ \\(monitor\\)$' "$output"
    same "${BASH_REMATCH[1]}" "${BASH_REMATCH[2]}"
    talk <<<'S~ 220'
    talk -u <<<'S~ 220'
    background_stops
}

@test "the server in the background has a session of its own and no terminal" {
    background
    refute [ "$(ps -o sid= -p "$SERVER_PID")" = "$(ps -o sid= -p $$)" ]
    same '?' "$(ps -o tty= -p "$SERVER_PID" | tr -d ' ')"
    background_stops
}

@test "in the background neither the master nor a worker keeps the descriptors of its caller" {
    # A caller that reads the ready lines through a pipe waits for its end: each process must let go of it.
    background
    same "" "$(complaints said.err)"
    same "" "$(find /proc/[0-9]*/fd \( -lname "$PWD/said" -o -lname "$PWD/said.err" \) 2>/dev/null)"
    background_stops
}

@test "the pid file has the pid of the master, in the background and in the foreground" {
    not_under_valgrind 'a process has another name'
    background
    same servidor "$(ps -o comm= -p "$SERVER_PID")"
    [ "$(children | wc -l)" -gt 2 ]
    background_stops
    LOGS=$BATS_TEST_TMPDIR/other
    start_server
    same "$SERVER_PID" "$(cat "$LOGS/servidor.pid")"
}

@test "a relative log directory is the one where the server was started" {
    mkdir here && cd here
    mkdir -p rel
    timeout 60 "$SERVIDOR" -p 0 "${MONITOR[@]}" -l rel >said 2>&1 3>&- 4>&-
    PORT=$(sed -n 's/^Listening on TCP port //p' said)
    LOGS=$PWD/rel SERVER_PID=$(cat rel/servidor.pid)
    talk <<<'S~ 220'
    mv rel/peticiones.log rel/old
    kill -HUP "$SERVER_PID"
    wait_until [ -e rel/peticiones.log ]
    background_stops
}

@test "in the background the log directory is log unless -l says otherwise" {
    mkdir log
    timeout 60 "$SERVIDOR" -p 0 "${MONITOR[@]}" >said 2>&1 3>&- 4>&-
    SERVER_PID=$(cat log/servidor.pid)
    background_stops
    [ -e log/peticiones.log ]
    [ -e log/smtpd.log ]
}

@test "in the background what the master has to say goes to errores.log" {
    echo 'message-size=200000' >settings
    background -c "$PWD/settings"
    echo 'nonsense=1' >settings
    kill -HUP "$SERVER_PID"
    wait_until grep -q nonsense log/errores.log
    background_stops
}

# --- refusals ---------------------------------------------------------------------------------------------------------

# usage WANT OPTION...: exit status 2, and one line on stderr that has WANT in it.
usage() {
    local want=$1
    shift
    refused -f -p 0 -l "$BATS_TEST_TMPDIR/tmp" "$@"
    same 2 "$status"
    [[ $output == *"$want"* ]] || fail "no $want in: $output"
}

@test "a port is 0 to 65535" {
    refused -f -p 70000
    same 2 "$status"
    same 'servidor: -p 70000: a port is 0 to 65535' "$output"
    for value in -1 65536 99999999999999999999 25x x ' 25' 0x19; do usage "-p $value: " -p "$value"; done
    usage -p -p ''
}

@test "an unknown option, a missing argument and a stray argument are usage errors" {
    usage -Z -Z
    usage -p -p
    usage -o -o
    usage stray stray
}

@test "an unknown dialect is a usage error that names the known ones" {
    usage '-d french' -d french
    matches usal "$output"
    matches itba "$output"
}

@test "a name that would break the reply is refused" {
    for name in '' 'a b' $'a\r\n250 x' $'\e[2J' 'añb'; do usage '-n' -n "$name"; done
}

@test "an unknown setting is a usage error that names it" {
    usage nonsense -o nonsense=1
    usage message-size -o message-size
    usage '-o' -o '=5'
    usage MESSAGE-SIZE -o MESSAGE-SIZE=5
}

SETTINGS='sessions-per-worker=100 workers-min=8 workers-max=12000 udp-workers-max=4096 message-size=10240000
recipients=1000 errors=20 command-line=2048 read-timeout=300 session-timeout=3600 sessions-per-address=50
drain-timeout=30'

@test "every number among the settings takes its default and refuses what is no number" {
    local setting bad options=()
    for setting in $SETTINGS resolve=no udp-port=ephemeral udp-plain=trusted; do options+=(-o "$setting"); done
    start_server "${options[@]}"
    stop_server
    for setting in $SETTINGS; do
        for bad in x -1 '' 5x 99999999999999999999; do usage "${setting%=*}" -o "${setting%=*}=$bad"; done
    done
}

@test "a choice among the settings refuses what it does not know" {
    usage resolve -o resolve=maybe
    usage udp-plain -o udp-plain=sometimes
    for value in x 5 5- -5 9-5 0-0 1-70000 a-b; do usage udp-port -o "udp-port=$value"; done
    for value in any off trusted; do
        start_server -o udp-plain="$value"
        stop_server
    done
}

# --- what the system grants -------------------------------------------------------------------------------------------

@test "few descriptors are said at the start, with the ulimit to raise" {
    not_under_valgrind 'descriptors are its own too'
    RUN_IN=(bash -c 'ulimit -n 40 && exec "$@"' -)
    expect_stderr '^servidor: 40 descriptors are few for a process: raise ulimit -n'
    start_server
}

@test "a short backlog is said to who asks for more workers than it is long, with the sysctl to raise" {
    local backlog
    backlog=$(cat /proc/sys/net/core/somaxconn)
    start_server -o workers-max="$backlog"
    stop_server
    expect_stderr "^servidor: workers-max=$((backlog + 1)): $backlog connections .*: raise sysctl net.core.somaxconn"
    start_server -o workers-max=$((backlog + 1))
}

# granted FILE NUMBER: what follows is started where this number stands in a file below /proc/sys.
granted() {
    need_root "a mount"
    echo "$2" >granted
    RUN_IN=(unshare -m bash -c 'mount --bind granted "/proc/sys/$1" && shift && exec "$@"' - "$1")
}

@test "a system that has room for fewer processes says so at the start, with the sysctl to raise" {
    granted kernel/pid_max 9999
    expect_stderr 'workers-max=12000 and udp-workers-max=4096: the system may have 9999 .*: raise sysctl kernel.pid_max'
    start_server
    stop_server
    granted kernel/threads-max 16098
    expect_stderr 'the system may have 16098 processes: raise sysctl kernel.threads-max'
    start_server
    stop_server
    RUN_IN=()
    start_server
}

@test "a user who may have fewer processes is told at the start, with the ulimit to raise" {
    not_under_valgrind 'another user may not read the program'
    need_root "another user"
    mkdir -p its/log
    cp "$SERVIDOR" its/servidor    # which may stand where only root may look
    chmod -R 777 "$BATS_TEST_TMPDIR"
    RUN_IN=(prlimit --nproc=1000 setpriv --reuid=65534 --regid=65534 --clear-groups)
    expect_stderr 'workers-max=12000 and udp-workers-max=4096: this user may have 1000 processes: raise ulimit -u'
    SERVIDOR=its/servidor LOGS=its/log start_server -m its/mails
}

@test "a settings file is obeyed, comments and blank lines are skipped" {
    printf '%s\n' '# limits' '' 'message-size=200000' '  # more' 'recipients=5' >settings
    start_server -c settings
    session_offers 200000
}

@test "-o beats the settings file, wherever it stands" {
    echo 'message-size=200000' >settings
    start_server -o message-size=300000 -c settings
    session_offers 300000
}

@test "an error in a settings file names the file and the line" {
    printf '%s\n' '# first' 'recipients=5' 'nonsense=1' >settings
    usage 'settings: line 3: nonsense' -c settings
    printf 'recipients=5\nmessage-size=x' >settings
    usage 'settings: line 2: message-size' -c settings
    echo 'no equals sign' >settings
    usage 'settings: line 1: ' -c settings
}

@test "a settings file that cannot be read is named" {
    usage nowhere -c nowhere || { same 1 "$status"; matches nowhere "$output"; }
}

@test "the log directory must be writable" {
    refused -f -p 0 -l "$BATS_TEST_TMPDIR/none/log"
    same 1 "$status"
    matches none/log "$output"
    : >file
    refused -f -p 0 -l file
    same 1 "$status"
    refused -f -p 0 -l /proc
    same 1 "$status"
    refused -p 0 -l file
    same 1 "$status"
}

# taken PORT KIND: another program has this port.
taken() {
    "$PYTHON" - "$1" "$2" 3>&- 4>&- <<'END' &
import signal, socket, sys
kind = socket.SOCK_STREAM if sys.argv[2] == "TCP" else socket.SOCK_DGRAM
one = socket.socket(socket.AF_INET, kind)
one.bind(("0.0.0.0", int(sys.argv[1])))
if sys.argv[2] == "TCP": one.listen()
open("taken" + sys.argv[2], "w").close()
signal.pause()
END
    sessions+=($!)
    wait_until [ -e "taken$2" ]
}

@test "a port that another program has is named, over TCP and over UDP, in the foreground and in the background" {
    local kind port
    for kind in TCP UDP; do
        port=$(free_port)
        mkdir -p log
        taken "$port" "$kind"
        refused -f -p "$port" -l log
        same 1 "$status"
        matches "$port" "$output"
        refused -p "$port" -l log
        same 1 "$status"
        matches "$port" "$output"
    done
}

@test "a second start says who is already running, and harms nothing" {
    start_server
    open first
    say first 'S~ 220'
    refused -f -p 0 -l "$LOGS"
    same 1 "$status"
    matches "(^|[^0-9])$SERVER_PID([^0-9]|\$)" "$output"
    refused -p 0 -l "$LOGS"
    same 1 "$status"
    same "$SERVER_PID" "$(cat "$LOGS/servidor.pid")"
    say first 'C: NOOP' 'S~ 250'
    talk <<<'S~ 220'
}

@test "two servers with different log directories live side by side" {
    start_server
    local first=$PORT
    LOGS=$BATS_TEST_TMPDIR/second
    start_server
    refute [ "$first" = "$PORT" ]
    talk <<<'S~ 220'
    PORT=$first talk <<<'S~ 220'
}

@test "a stale pid file keeps nobody from starting, whoever has that pid now" {
    mkdir log
    echo $$ >log/servidor.pid
    start_server
    same "$SERVER_PID" "$(cat log/servidor.pid)"
    stop_server
    for content in '' 999999999 'not a pid' -1; do
        echo "$content" >log/servidor.pid
        start_server
        stop_server
    done
}

@test "the pid file is its owner's alone, also one that was there before" {
    # Whoever may read it may lock it, and then the next start found the server running already.
    umask 000
    start_server
    same 600 "$(stat -c %a "$LOGS/servidor.pid")"
    stop_server
    echo 1 >"$LOGS/servidor.pid"
    same 666 "$(stat -c %a "$LOGS/servidor.pid")"
    start_server
    same 600 "$(stat -c %a "$LOGS/servidor.pid")"
}

@test "after a stop the same port and log directory can be used at once" {
    start_server
    local port=$PORT
    talk <<<$'S~ 220\nC: QUIT\nS~ 221\nclosed'
    stop_server
    start_server -p "$port"
    same "$port" "$PORT"
    talk <<<'S~ 220'
}

# --- help -------------------------------------------------------------------------------------------------------------

@test "-h goes to stdout, tells every option and lists every setting with its default" {
    run "$SERVIDOR" -h
    same 0 "$status"
    local help=$output setting
    for option in -p -h -v -f -d -n -l -q -s -c -o; do matches "(^|[^a-z])$option" "$help"; done
    for setting in $SETTINGS resolve=no udp-port=ephemeral udp-plain=trusted; do
        matches "$(printf '(^|\n) *%s' "${setting%=*}")[^"$'\n'"]*${setting#*=}" "$help"
    done
    "$SERVIDOR" -h >out 2>err
    [ ! -s err ]
}

@test "each setting of -h has a line of help behind its default" {
    "$SERVIDOR" -h >help
    local setting
    for setting in $SETTINGS resolve=no udp-port=ephemeral udp-plain=trusted; do
        grep -E "^ *${setting%=*}\b.*[a-z]{3,}.* .*[a-z]{3,}" help >/dev/null ||
            grep -A 1 -E "^ *${setting%=*}\b" help | tail -n 1 | grep -q '[a-z]' || fail "no help for $setting"
    done
}

@test "-v prints one line with the name and a version" {
    run "$SERVIDOR" -v
    same 0 "$status"
    same 1 "${#lines[@]}"
    matches '^servidor [0-9]' "$output"
}

# --- one session on standard input and output -------------------------------------------------------------------------

@test "-s holds one session on standard input and output" {
    mkdir log
    run bash -c "printf 'HELO x\r\nMAIL FROM:<a@b.es>\r\nRCPT TO:<c@d.es>\r\nDATA\r\nhello\r\n.\r\nQUIT\r\n' | '$SERVIDOR' -s -l log"
    same 0 "$status"
    same "$GREETING|250 OK|250 OK|250 OK|354 Comenzando con el texto del correo, finalice con .|250 OK|221 Cerrando el servicio|" \
        "$(tr -d '\r' <<<"$output" | tr '\n' '|')"
    LOGS=log
    same '1 sessions' "$(read_log)"
    matches '^Startup from localhost on IP 127\.0\.0\.1 and port 0 with protocol TCP at ' "$(head -n 1 log/peticiones.log)"
    matches '^User connected: 127\.0\.0\.1:0 ' "$(head -n 1 log/smtpd.log)"
}

@test "-s ends with the end of its input" {
    mkdir log
    run bash -c "printf 'HELO x\r\nMAIL' | '$SERVIDOR' -s -d itba -l log"
    same 0 "$status"
    same $'220 localhost SMTP|250 localhost|' "$(tr -d '\r' <<<"$output" | tr '\n' '|')"
}

@test "-s on a socket, as inetd gives it, logs the peer of the socket" {
    mkdir log
    "$PYTHON" - "$SERVIDOR" <<'END'
import socket, subprocess, sys
listener = socket.create_server(("127.0.0.1", 0))
client = socket.create_connection(listener.getsockname())
accepted, peer = listener.accept()
server = subprocess.Popen([sys.argv[1], "-s", "-l", "log"], stdin=accepted, stdout=accepted)
accepted.close()
client.sendall(b"HELO x\r\nQUIT\r\n")
heard = b"".join(iter(lambda: client.recv(4096), b""))
assert heard.startswith(b"220 ") and heard.endswith(b"221 Cerrando el servicio\r\n"), heard
assert server.wait(60) == 0
text = open("log/peticiones.log").read()
assert f"IP 127.0.0.1 and port {peer[1]} with protocol TCP" in text, text
END
}

@test "-s on a socket that is standard error as well: what is said there is not for the client" {
    # inetd gives all three. What a filter had to say stood between the 354 and the 250.
    mkdir log
    "$PYTHON" - "$SERVIDOR" <<'END'
import socket, subprocess, sys
listener = socket.create_server(("127.0.0.1", 0))
client = socket.create_connection(listener.getsockname())
accepted, peer = listener.accept()
server = subprocess.Popen([sys.argv[1], "-s", "-l", "log", "-T", "sh -c 'echo noise >&2; cat'"],
                          stdin=accepted, stdout=accepted, stderr=accepted)
accepted.close()
client.sendall(b"HELO x\r\nMAIL FROM:<a@b.es>\r\nRCPT TO:<c@d.es>\r\nDATA\r\nx\r\n.\r\nQUIT\r\n")
heard = b"".join(iter(lambda: client.recv(4096), b""))
assert b"noise" not in heard and heard.endswith(b"221 Cerrando el servicio\r\n"), heard
assert server.wait(60) == 0
assert "noise" in open("log/errores.log").read()
END
}

@test "-s does not mind a server that runs, nor a second -s" {
    start_server
    "$PYTHON" - "$SERVIDOR" "$LOGS" <<'END'
import subprocess, sys
both = [subprocess.Popen([sys.argv[1], "-s", "-l", sys.argv[2]], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        for _ in range(2)]
for one in both: assert one.stdout.readline().startswith(b"220 ")
for one in both: assert one.communicate(b"QUIT\r\n", 60)[0].startswith(b"221 "), "no 221"
for one in both: assert one.returncode == 0
END
    same "$SERVER_PID" "$(cat "$LOGS/servidor.pid")"
}
