# shellcheck shell=bash
# What every *.bats file loads: starting and stopping the server, talking to it, waiting for things, and the wrapper
# that checks after each test what every test must leave: no process, no port, no temporary file, no sanitizer report,
# and no word of the server on stderr that the test did not announce.
#
# A test binds port 0 and waits for the ready lines; nothing here waits for a fixed time, and every wait has a bound
# (WITHIN, in seconds) that a slow machine meets too. A test file that needs more at its start or end defines
# local_setup or local_teardown.

ROOT=${ROOT:-$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)}
SERVIDOR=${SERVIDOR:-$ROOT/servidor/servidor}
CLIENTE=${CLIENTE:-$ROOT/cliente/cliente}
MNG_CLIENT=${MNG_CLIENT:-$ROOT/cliente/mng_client}
FAULTS=${FAULTS:-$ROOT/.build/faults/servidor}   # the server whose system calls may be made to fail
PYTHON=${PYTHON:-$(command -v python3)}
TOOLS=$ROOT/test/tools
export ROOT SERVIDOR CLIENTE MNG_CLIENT PYTHONDONTWRITEBYTECODE=1
GREETING='220 Servicio de transferencia simple de correo preparado'

setup() {
    set +T  # bats looks at every command of every function otherwise, which takes a third of the time
    mkdir "$BATS_TEST_TMPDIR/tmp"
    cd "$BATS_TEST_TMPDIR" || return 1
    export TMPDIR=$BATS_TEST_TMPDIR/tmp
    export TEST_MARK=$BATS_TEST_TMPDIR      # by this the wrapper knows our processes again
    export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}log_path=$BATS_TEST_TMPDIR/sanitizer
    export UBSAN_OPTIONS=${UBSAN_OPTIONS:+$UBSAN_OPTIONS:}print_stacktrace=1:log_path=$BATS_TEST_TMPDIR/sanitizer
    unset LOGS PORT MPORT SERVER_PID HOLDER
    SECRET=mipass23     # of the monitor, which start_server and ask know
    MONITOR=(-P 0 -u "$SECRET")     # what start_server says of it
    RUN_IN=()           # a command that the server and its clients run in: see namespace
    servers=()          # pids of the masters that stop_server has not yet seen off
    sessions=()         # pids of the background talkers and holders
    ports=()            # every port that a server announced
    errors=()           # the stderr files of the servers
    expected_errors=()  # what must stand on them
    allowed_errors=()   # what may
    touch -d "@$((EPOCHSECONDS - 1))" "$BATS_TEST_TMPDIR/.begun"
    if declare -F local_setup >/dev/null; then local_setup; fi
}

teardown() {
    local fault=0
    if declare -F local_teardown >/dev/null; then local_teardown || fault=1; fi
    end_sessions
    stop_servers || fault=1
    leave_namespace
    check_processes || fault=1
    check_ports || fault=1
    check_files || fault=1
    check_errors || fault=1
    if [ "$fault" != 0 ] || [ -z "${BATS_TEST_COMPLETED:-}" ]; then show_state; fi
    return "$fault"
}

# --- what the wrapper checks ------------------------------------------------------------------------------------------

# The pids of the processes that this test started, however they were orphaned, and of those that hold its files open.
ours() {
    local pid seen=' '
    {
        env -u TEST_MARK grep -lszxF -e "TEST_MARK=$TEST_MARK" /proc/[0-9]*/environ
        env -u TEST_MARK find /proc/[0-9]*/fd -lname "$BATS_TEST_TMPDIR/*" 2>/dev/null
    } | while IFS=/ read -r _ _ pid _; do
        case "$seen$$ $BASHPID " in *" $pid "*) continue ;; esac
        seen+="$pid "
        echo "$pid"
    done
}

none_is_ours() { [ -z "$(ours)" ]; }

check_processes() {
    local pid
    WITHIN=5 wait_until none_is_ours >/dev/null && return 0
    for pid in $(ours); do
        echo "process left behind: $pid $(tr '\0' ' ' <"/proc/$pid/cmdline")"
        kill -9 "$pid"
    done 2>/dev/null
    return 1
}

# A port that another test's server got after ours left it is no fault: that socket has an owner, and it is not ours.
check_ports() {
    local port line fault=0
    for port in "${ports[@]}"; do
        while IFS= read -r line; do
            case $line in
                *'pid='*) ;;
                *) echo "port left bound: $line"; fault=1 ;;
            esac
        done < <(ss -Htunlp "sport = :$port")
    done
    return "$fault"
}

# Where a server, of this test or of one that runs beside it, may leave a file under its name. A file that a
# server is just about to unlink is not one that was left.
SHARED_FOLDERS=${SHARED_FOLDERS:-/dev/shm /tmp /var/tmp}

shared_files() {
    # shellcheck disable=SC2086 # a list of folders
    find $SHARED_FOLDERS -maxdepth 1 \( -name 'servidor*' -o -name 'smtpd*' \) -newer "$BATS_TEST_TMPDIR/.begun" 2>/dev/null
}

no_shared_files() { [ -z "$(shared_files)" ]; }

check_files() {
    local left
    left=$(WITHIN=3 wait_until no_shared_files >/dev/null || shared_files
           find "$TMPDIR" -mindepth 1
           find "$BATS_TEST_TMPDIR" -name 'core*' -type f)
    [ -z "$left" ] || { echo "temporary file left behind: $left"; return 1; }
}

check_errors() {
    local pattern file rest fault=0
    for file in "$BATS_TEST_TMPDIR"/sanitizer.*; do
        [ -s "$file" ] || continue
        echo "sanitizer report:"; head -50 "$file"; fault=1
    done
    [ "${#errors[@]}" != 0 ] || errors=(/dev/null)
    for pattern in "${expected_errors[@]}"; do
        cat "${errors[@]}" | grep -Eq -e "$pattern" || { echo "never said on stderr: $pattern"; fault=1; }
    done
    [ -n "$(ip -6 addr show dev lo 2>/dev/null)" ] || allowed_errors+=('IPv6')
    [ "$EUID" != 0 ] || allowed_errors+=("$TO_ROOT")
    pattern=$(IFS='|'; echo "${expected_errors[*]}|${allowed_errors[*]}")
    pattern=${pattern#|} pattern=${pattern%|}
    rest=$(cat "${errors[@]}" | grep -Ev -e "${pattern:-^\$}") || true
    [ -z "$rest" ] || { echo "unexpected on stderr: $rest"; fault=1; }
    return "$fault"
}

show_state() {
    local file
    for file in "$BATS_TEST_TMPDIR"/server.* "$BATS_TEST_TMPDIR"/*.said "${LOGS:-/nowhere}"/errores.log; do
        [ -s "$file" ] || continue
        echo "--- ${file##*/}, its end:"; tail -n 15 "$file" | cut -c 1-300
    done
}

# --- waiting and comparing --------------------------------------------------------------------------------------------

# wait_until COMMAND...: until it succeeds; after WITHIN (60) seconds it names what it waited for, and fails.
wait_until() {
    local deadline=$((SECONDS + ${WITHIN:-60}))
    until "$@"; do
        ((SECONDS <= deadline)) || { echo "waited ${WITHIN:-60} s for: $*"; return 1; }
        pause
    done
}

# A moment. Like the readers below it starts no process: they are called many thousand times.
pause() {
    [ -v nothing_comes ] || exec {nothing_comes}<> <(:)
    read -rt 0.02 -u "$nothing_comes" || true
}

# slurp NAME FILE: the text of a file, which may be none, into the variable NAME.
slurp() { { IFS= read -rd '' "$1" <"$2" || true; } 2>/dev/null; }

# gone PID: the process has ended, though nobody may have waited for it. "PID (NAME) STATE ...", says proc(5).
gone() {
    local stat=
    slurp stat "/proc/$1/stat"
    [[ $stat != *') '[!Z]* ]]
}

fail() { echo "$*"; return 1; }
same() { [ "$1" = "$2" ] || fail "expected: $1"$'\n'"got:      $2"; }
matches() { [[ $2 =~ $1 ]] || fail "expected a match of: $1"$'\n'"got: $2"; }
refute() { ! "$@" || fail "should have failed: $*"; }

# expect_stderr REGEX: the server says such a line, or the test fails; allow_stderr REGEX: it may.
expect_stderr() { expected_errors+=("$1"); }
allow_stderr() { allowed_errors+=("$1"); }

# complaints [FILE]: what the server says on stderr, but for the warning that root gets at each start.
complaints() { grep -v "$TO_ROOT" "${1:-$SERVER_ERR}" || true; }
TO_ROOT='^servidor: root has more rights than a server needs: '

now_ms() { local t=$EPOCHREALTIME; echo $((${t/[.,]/} / 1000)); }

# not_under_valgrind REASON: skips where the server runs under valgrind (see run.sh).
not_under_valgrind() { [ -z "${VALGRIND:-}" ] || skip "under valgrind $1"; }

need_root() { [ "$EUID" = 0 ] || skip "needs root: $1"; }

# leaks_unseen: what follows is traced, and there LeakSanitizer does not work; other tests look for leaks.
leaks_unseen() { export ASAN_OPTIONS=$ASAN_OPTIONS:detect_leaks=0; }

need_ipv6() { grep -q '^0\{31\}1 ' /proc/net/if_inet6 2>/dev/null || skip "no IPv6 on this machine"; }

# --- the server -------------------------------------------------------------------------------------------------------

# start_server [OPTION...]: in the foreground on free ports. Sets PORT, MPORT (the monitor's), SERVER_PID (the master)
# and LOGS. A UDP client that goes away unseen would keep the stop waiting, hence the short drain-timeout.
start_server() {
    LOGS=${LOGS:-$BATS_TEST_TMPDIR/log}
    mkdir -p "$LOGS"
    local name=$BATS_TEST_TMPDIR/server.${#errors[@]}
    SERVER_OUT=$name.out SERVER_ERR=$name.err
    "${RUN_IN[@]}" "$SERVIDOR" -f -p 0 "${MONITOR[@]}" -l "$LOGS" -o drain-timeout=1 "$@" \
        </dev/null >"$SERVER_OUT" 2>"$SERVER_ERR" 3>&- 4>&- &
    SERVER_PID=$!
    servers+=("$SERVER_PID") errors+=("$SERVER_ERR")
    wait_until server_said_something
    PORT=$(sed -n 's/^Listening on TCP port //p' "$SERVER_OUT")
    MPORT=$(sed -n 's/^Listening on UDP port \(.*\) (monitor)$/\1/p' "$SERVER_OUT")
    [ -n "${PORT:+$MPORT}" ] || { cat "$SERVER_OUT" "$SERVER_ERR"; return 1; }
    ports+=("$PORT" "$MPORT")
}

server_said_something() {
    local said=
    slurp said "$SERVER_OUT"
    [[ $said =~ (^|$'\n')'Listening on UDP port '[0-9]+' (monitor)'$'\n' ]] || gone "$SERVER_PID"
}

# stop_server: SIGTERM, and the exit status is exactly 0; at that moment nothing of it runs.
stop_server() {
    kill -TERM "$SERVER_PID"
    server_ends 0
}

# server_ends STATUS: the master leaves by itself, with this exit status, and after its children.
server_ends() {
    local pid=$SERVER_PID status=0 child children="" left=""
    WITHIN=${WITHIN:-60} wait_until ended "$pid"
    for child in $children; do gone "$child" || left+=" $child"; done
    wait "$pid" || status=$?
    forget_server "$pid"
    [ -z "$left" ] || fail "the master left before its children$left"
    [ "$status" = "$1" ] || fail "the server's exit status is $status, not $1"
}

# Like gone, and keeps in children the children that were last seen.
ended() {
    local seen
    seen=$(pgrep -P "$1")
    gone "$1" || { children=$seen; return 1; }
}

# kill_server [SIGNAL]: ends the master the hard way, and does not mind its exit status.
kill_server() {
    kill "-${1:-KILL}" "$SERVER_PID"
    WITHIN=60 wait_until gone "$SERVER_PID"
    wait "$SERVER_PID" || true
    forget_server "$SERVER_PID"
}

forget_server() {
    local pid left=()
    for pid in "${servers[@]}"; do [ "$pid" = "$1" ] || left+=("$pid"); done
    servers=("${left[@]}")
}

stop_servers() {
    local fault=0
    for SERVER_PID in "${servers[@]}"; do stop_server || fault=1; done
    return "$fault"
}

# only_left [PID...]: of this test's servers no process runs but these.
only_left() {
    local pid program
    program=$(readlink -f "$SERVIDOR")
    for pid in $(ours); do
        [ "$(readlink "/proc/$pid/exe")" = "$program" ] || continue
        [[ " $* " == *" $pid "* ]] || return 1
    done
}

# children: the pids of the master's children.
children() { pgrep -P "$SERVER_PID" || true; }

# refused OPTION...: the server does not start: exit status $status, one line on stderr in $output, nothing on stdout.
# Its monitor has any port, or it would be refused for one that another server has.
refused() {
    local out
    status=0
    out=$(timeout 60 "${RUN_IN[@]}" "$SERVIDOR" -P 0 "$@" 2>"$BATS_TEST_TMPDIR/refusal" 3>&- 4>&-) || status=$?
    output=$(cat "$BATS_TEST_TMPDIR/refusal")
    same "" "$out"
    [ "$(wc -l <"$BATS_TEST_TMPDIR/refusal")" = 1 ] || fail "not one line on stderr: $output"
    matches '^servidor: ' "$output"
}

# start_fake PROGRAM [OPTION...]: a script of tools/ on a free port, which it prints. Sets PORT and FAKE, its pid.
start_fake() {
    rm -f fake.port
    "$PYTHON" "$TOOLS/$1" "${@:2}" >fake.port 2>fake.err 3>&- 4>&- &
    FAKE=$!
    sessions+=("$FAKE")
    wait_until fake_is_bound
    PORT=$(cat fake.port)
    [ -n "$PORT" ] || { cat fake.err; return 1; }
}

fake_is_bound() { [ -s fake.port ] || gone "$FAKE"; }

# --- the monitor ------------------------------------------------------------------------------------------------------

# ask [OPTION...] COMMAND...: what the monitor answers to each command, a line each (see tools/monitor.py).
ask() { "${RUN_IN[@]}" "$PYTHON" "$TOOLS/monitor.py" -s "$SECRET" "$@" "$MPORT"; }

# raw [OPTION...] HEX...: the octets that answer these octets, a line each, or silence.
raw() { ask -x "$@"; }

# tells VALUES COMMAND...: the monitor says these values of these commands; becomes VALUES COMMAND...: soon it does.
tells() {
    local want=$1 got
    shift
    got=$(ask "$@" | paste -s -d ' ') || return 1
    [ "$got" = "$want" ] || fail "$*: expected $want"$'\n'"got $got"
}

becomes() { wait_until tells "$@" >waited || { tail -n 3 waited; return 1; }; }

# --- sessions ---------------------------------------------------------------------------------------------------------

# talk [OPTION...] <<SCRIPT: one scripted session (see tools/talk.py).
talk() {
    local fault=0
    "${RUN_IN[@]}" "$PYTHON" "$TOOLS/talk.py" "$@" "$PORT" >"$BATS_TEST_TMPDIR/talk" 2>&1 || fault=1
    [ "$fault" = 0 ] || { cut -c 1-600 "$BATS_TEST_TMPDIR/talk"; return 1; }
}

# after_helo DIALECT [OPTION...] <<SCRIPT: like talk, behind the greeting and HELO.
after_helo() {
    local greeting=$GREETING helo='250 OK'
    [ "$1" = usal ] || { greeting='220 localhost SMTP' helo='250 localhost'; }
    shift
    { printf '%s\n' "S: $greeting" 'C: HELO c.example' "S: $helo"; cat; } | talk "$@"
}

# session_offers SIZE: a new session of the usal dialect says it in its EHLO.
session_offers() { talk <<<$'S~ 220\nC: EHLO x\nS~ 250-\nS~ 250-\nS~ 250-\nS~ 250-\nS~ 250-\nS: 250 SIZE '"$1"; }

# new_session NAME: its files are new ones. An earlier session of the name still reads on in those that it has, and would
# take the lines of this one from where it is, and answer them.
new_session() {
    rm -f "$1.script" "$1.said"
    : >"$1.script"
    : >"$1.said"
}

# open NAME [OPTION...]: a session that stays; say NAME LINE... goes on in it. Sets LPORT.
open() {
    local name=$1
    shift
    new_session "$name"
    "${RUN_IN[@]}" "$PYTHON" "$TOOLS/talk.py" -i "$name.script" "$@" "$PORT" >"$name.said" 2>&1 3>&- 4>&- &
    sessions+=($!)
    printf -v "pid_of_$name" %s $!
    wait_until has_line "$name.said" '^port |cannot reach'
    LPORT=$(sed -n 's/^port //p' "$name.said")
    [ -n "$LPORT" ] || { cat "$name.said"; return 1; }
}

has_line() { grep -Eq -e "$2" "$1" 2>/dev/null; }

has_lines() { [ "$(wc -l <"$1")" -ge "$2" ]; }

# say NAME LINE...: the lines of a script, in the session NAME, and all of them came true.
say() {
    local name=$1 before
    local pid=pid_of_$name
    shift
    before=$(wc -l <"$name.said")
    printf '%s\n' "$@" >>"$name.script"
    WITHIN=${WITHIN:-90} wait_until answered "$name.said" $((before + $#)) "${!pid}"
    refute grep -q '^FAILED' "$name.said" || { cut -c 1-600 "$name.said"; return 1; }
}

answered() { has_lines "$1" "$2" || has_line "$1" '^FAILED' || gone "$3"; }

# hold NAME COUNT [OPTION...]: COUNT sessions, all greeted (see tools/hold.py). Sets GREETED, its line.
hold() {
    local name=$1 count=$2
    shift 2
    new_session "$name"
    "${RUN_IN[@]}" "$PYTHON" "$TOOLS/hold.py" "$@" "$PORT" "$count" "$name.script" >"$name.said" 2>&1 3>&- 4>&- &
    sessions+=($!)
    printf -v "pid_of_$name" %s $!
    WITHIN=120 wait_until hold_is_ready "$name" $!
    # shellcheck disable=SC2034 # for the tests
    GREETED=$(grep '^greeted' "$name.said") || { cat "$name.said"; return 1; }
}

hold_is_ready() { has_line "$1.said" '^greeted' || gone "$2"; }

# bye NAME: a talker or holder ends.
bye() {
    local pid=pid_of_$1
    echo exit >>"$1.script"
    wait_until gone "${!pid}"
}

end_sessions() {
    local pid
    for pid in "${sessions[@]}"; do kill "$pid" 2>/dev/null; done
    for pid in "${sessions[@]}"; do wait "$pid" 2>/dev/null; done
    sessions=()
}

# greets [OPTION...]: a new session gets the 220, within two seconds. For wait_until.
greets() {
    PATIENCE=2 "${RUN_IN[@]}" "$PYTHON" "$TOOLS/talk.py" "$@" "$PORT" <<<$'S~ 220 \nC: QUIT\nS~ 221' >/dev/null 2>&1
}

# worker_of PORT [PROTOCOL]: the pids that hold our server's socket of the session with our local PORT. Another test's
# server may have had a client there, and not know yet that it is gone.
worker_of() {
    local pid
    "${RUN_IN[@]}" ss -H "-${2:-t}np" "sport != :$1 and dport = :$1" | grep -o 'pid=[0-9]*' | cut -d = -f 2 | sort -u |
        while read -r pid; do
            ! grep -qszxF -e "TEST_MARK=$TEST_MARK" "/proc/$pid/environ" || echo "$pid"
        done
}

# namespace ADDRESS...: what follows in this test runs in a network of its own, where lo has these addresses too.
namespace() {
    need_root "a network namespace"
    local address
    mkfifo "$BATS_TEST_TMPDIR/namespace"
    unshare -n cat "$BATS_TEST_TMPDIR/namespace" 3>&- 4>&- &
    HOLDER=$!
    # shellcheck disable=SC2034 # it stays open, so that cat stays
    exec {namespace_fd}>"$BATS_TEST_TMPDIR/namespace"
    wait_until in_another_namespace
    RUN_IN=(nsenter -t "$HOLDER" -n --)
    "${RUN_IN[@]}" ip link set lo up
    for address; do "${RUN_IN[@]}" ip addr add "$address" dev lo; done
}

leave_namespace() {
    [ -v HOLDER ] || return 0
    exec {namespace_fd}>&-
    wait "$HOLDER" || true
    unset HOLDER
}

in_another_namespace() { [ "$(readlink "/proc/$HOLDER/ns/net")" != "$(readlink /proc/self/ns/net)" ]; }

# --- logs -------------------------------------------------------------------------------------------------------------

# records [TRANSPORT]: the RECIBO and ENVIO records of the last session that talk held.
records() {
    sed -En "s/^SERVIDOR .*, puerto $(talk_port) y protocolo ${1:-TCP} ?- ((RECIBO|ENVIO): )/\1/p" "$LOGS/peticiones.log"
}

# The local port of the last session that talk held.
talk_port() { sed -n '1s/^port //p' "$BATS_TEST_TMPDIR/talk"; }

# read_log [EXPECTED]: peticiones.log is well formed, line by line.
read_log() { "$PYTHON" "$TOOLS/readlog.py" "$LOGS/peticiones.log" "$@"; }
