#!/usr/bin/env bats
# shellcheck disable=SC2030,SC2031 # each test is a subshell, and sets what it needs
# Every system call may fail: a walk through the calls that strace sees at each place of the server (tools/walk.py), and
# in the master's life from its start to its end (tools/life.py). What is walked through is not listed here: a call that
# is new is met as well. And tables and disks that are really full. What a mail's delivery does is in faults.bats, too.
#
# A test strikes a part of all that can fail, which a test of the suite has time for; WALK=all strikes all of it:
#
#   WALK=all BATS_TEST_TIMEOUT=3000 test/run.sh test/calls.bats

load helper

local_setup() {
    leaks_unseen
    strace -o /dev/null true 2>/dev/null || skip "strace may not trace here"
}

# part STRIDE: how much of a walk is gone here.
part() { if [ "${WALK:-}" = all ]; then echo 1; else echo "$1"; fi; }

# not_sanitized: the sanitizers make calls of their own, and end the process where one fails.
not_sanitized() { ! grep -q __asan_init "$SERVIDOR" || skip "a sanitizer ends a process whose calls fail"; }

# walk STRIDE PLACE [OPTION...]: a server with these options, and the walk of that place.
walk() {
    local stride=$1 place=$2
    not_sanitized
    shift 2
    allow_stderr '^servidor: .'
    echo recipients=7 >settings
    start_server -m "$PWD/mails" -c settings -o workers-min=1 -o sessions-per-worker=1000000 "$@"
    "$PYTHON" "$TOOLS/walk.py" -s "$(part "$stride")" "$place" "$PORT" "$MPORT" "$SERVER_PID" "$PWD/mails" \
        "$SERVER_ERR" >walked 2>&1 || { cat walked; return 1; }
    all_struck
}

# all_struck: the walk was one. What comes in the order of the day, as births do, comes sooner or later, or not at all.
all_struck() {
    matches '([0-9]+) of ([0-9]+) calls failed, 0 faults$' "$(tail -n 1 walked)"
    echo "# $(tail -n 1 walked)" >&3
    ((BASH_REMATCH[1] > 0 && 2 * BASH_REMATCH[1] >= BASH_REMATCH[2]))
}

@test "each call of a TCP session may fail" { walk 6 tcp; }
@test "each call of a plain UDP session may fail" { walk 17 plain; }
@test "each call of a numbered UDP session may fail" { walk 11 numbered; }
@test "each call of a session in whose midst the logs are opened anew may fail" { walk 17 reload; }
@test "each call of the door may fail" { walk 4 door; }
@test "each call of the monitor may fail" { walk 4 monitor; }
@test "each call of the master may fail, when children die, when they run short and at SIGHUP" { walk 11 master; }
@test "each call of those who are born may fail" { walk 11 birth; }

@test "each call around a filter may fail, and each of its own before it is another program" {
    printf '#!/bin/sh\necho noise >&2\nexec cat\n' >filter
    chmod +x filter
    walk 13 filter -T "$PWD/filter" -o filter-timeout=5
}

# life STRIDE [OPTION...]: the walk of the master's life. What an unlink that fails leaves in /dev/shm is for nobody else
# to see.
life() {
    local stride=$1
    not_sanitized
    in_shm 64m
    shift
    mkdir life
    "${RUN_IN[@]}" "$PYTHON" "$TOOLS/life.py" -s "$(part "$stride")" "$@" life "$SERVIDOR" >walked 2>&1 ||
        { cat walked; return 1; }
    all_struck
}

@test "each call of the first start, and of the end behind it, may fail" { life 23; }
@test "each call of a start where another server was before may fail" { life 29 -a; }
@test "each call of a start in the background may fail" { life 19 -b; }

# --- what was found so ------------------------------------------------------------------------------------------------

# strike INJECTION: in each process of the server that is there, a call fails so (strace(1), inject).
strike() {
    local tracees
    mapfile -t tracees < <(children | sed 's/^/-p/')
    strace -o struck -e "inject=$1" "${tracees[@]}" 2>attached 3>&- 4>&- &
    sessions+=($!)
    wait_until has_lines attached "${#tracees[@]}"
}

was_struck() { grep -q INJECTED struck; }

# mail SESSION BOX REPLY: a mail in an open session.
mail() {
    say "$1" 'C: MAIL FROM:<a@b.es>' 'S~ 250' "C: RCPT TO:<$2@d.es>" 'S~ 250' 'C: DATA' 'S~ 354' 'C: text' 'C: .' \
        "S~ $3"
}

kept_in() { [ "$(find "mails/$1/new" -type f | wc -l)" = "$2" ]; }

@test "a lock that cannot be let go makes nobody wait" {
    # The lock of a folder's fsync stayed with the worker whose unlock had failed: whoever had mail for that box waited
    # for that worker's end.
    start_server -m "$PWD/mails"
    strike fcntl:error=ENOLCK:when=4
    open first
    say first 'S~ 220' 'C: HELO x' 'S~ 250'
    mail first one 250
    was_struck
    open second
    say second 'S~ 220' 'C: HELO x' 'S~ 250'
    mail second one 250
    kept_in one 2
}

@test "a hello is not lost for want of a descriptor" {
    # The worker dropped the hello for which it had no socket, and the door did not take it again for 20 seconds.
    allow_stderr '^servidor: no socket for a UDP session: Too many open files: trying again$'
    start_server
    strike socket:error=EMFILE:when=1
    "$PYTHON" "$TOOLS/numbered.py" "$PORT" <<'END_OF_STORY'
wire, cn = Wire(), nonce()
cookie = wire.cookie(cn)
wire.send(hello(cn, cookie=cookie))
assert wire.get("W", 60).cn == cn
END_OF_STORY
    was_struck
}

@test "a filter whose end cannot be told has not kept the mail" {
    # A wait that failed was taken for exit status 0: what the filter refused was kept.
    allow_stderr '^servidor: filter of .*: it cannot be run: No child processes: mail is refused for now$'
    start_server -m "$PWD/mails" -T 'sh -c "cat; exit 100"'
    strike wait4:error=ECHILD:when=1
    open one
    say one 'S~ 220' 'C: HELO x' 'S~ 250'
    mail one one 451
    was_struck
    kept_in one 0
    mail one one 554
}

@test "a signal that interrupts the opening of a folder is no reason to refuse a mail" {
    # The folders above a new box were opened once.
    start_server -m "$PWD/mails"
    strike openat:error=EINTR:when=1+2
    open one
    say one 'S~ 220' 'C: HELO x' 'S~ 250'
    mail one one 250
    was_struck
    kept_in one 1
}

@test "who cannot say that it has started says that" {
    # With a full disk under standard output the ready lines were lost without a word.
    expect_stderr '^servidor: that it has started cannot be told: No space left on device$'
    mkdir log
    errors+=("$PWD/err")
    "$SERVIDOR" -f -p 0 "${MONITOR[@]}" -l log >/dev/full 2>err 3>&- 4>&- &
    local server=$! status=0
    wait_until grep -q 'cannot be told' err
    kill -TERM "$server"
    wait "$server"
    "$SERVIDOR" -p 0 "${MONITOR[@]}" -l log -o drain-timeout=1 >/dev/full 2>refusal 3>&- 4>&- || status=$?
    same 1 "$status"
    same 'servidor: whether it has started cannot be told: No space left on device' "$(complaints refusal)"
    kill -TERM "$(cat log/servidor.pid)"
    wait_until none_is_ours
}

# --- tables and disks that are really full ----------------------------------------------------------------------------

# room_for COUNT: so many sessions at once are greeted, and stay.
room_for() {
    hold crowd "$1"
    # shellcheck disable=SC2153 # hold sets it
    same "greeted $1 of $1" "${GREETED% in *}" && return
    say crowd quit
    bye crowd
    return 1
}

@test "a full process table: who is there goes on, others wait or get 421, and room made is used" {
    need_root "another user"
    allow_stderr '^servidor: workers-max=.*: this user may have 14 processes: raise ulimit -u$'
    expect_stderr '^servidor: a (TCP|UDP) worker could not be forked: Resource temporarily unavailable: the next one'
    mkdir -p its/log
    cp "$SERVIDOR" its/servidor     # which may stand where only root may look
    chmod -R 777 "$BATS_TEST_TMPDIR"
    # A user of this test alone.
    local as_user=(setpriv --reuid=64014 --regid=64014 --clear-groups)
    RUN_IN=(prlimit --nproc=14:1000 "${as_user[@]}")
    SERVIDOR=its/servidor LOGS=its/log start_server -m its/mails -o workers-min=2
    RUN_IN=()
    local greeted
    hold crowd 20 -w 3
    matches '^greeted ([0-9]+) of 20' "$GREETED"
    greeted=${BASH_REMATCH[1]}
    ((greeted >= 2 && greeted < 12)) || fail "$GREETED"
    (($(children | wc -l) < 14))
    say crowd noop
    # The monitor answers, and a session that ends makes room.
    WITHIN=20 wait_until tells "$greeted" concurrent
    say crowd quit
    bye crowd
    WITHIN=30 wait_until greets
    WITHIN=30 wait_until greets -n
    "${as_user[@]}" prlimit --pid "$SERVER_PID" --nproc=1000:1000
    # Births have paused for longer and longer.
    wait_until room_for 20
    say crowd noop quit
}

# descriptors_for NUMBER: so many may each process of the server have from now on, and who is born later.
descriptors_for() {
    local pid
    for pid in "$SERVER_PID" $(children); do prlimit --pid "$pid" "--nofile=$1:1024" || gone "$pid"; done
}

# are_left COUNT PID...: so many of these processes are there.
are_left() {
    local pid count=0
    for pid in "${@:2}"; do gone "$pid" || ((++count)); done
    [ "$count" = "$1" ]
}

@test "a full descriptor table in all processes: sessions go on, newcomers wait, and are greeted when there is room" {
    expect_stderr '^servidor: accept: Too many open files: trying again$'
    expect_stderr '/peticiones\.log: Too many open files: the log goes on in its old file$'
    expect_stderr '/smtpd\.log: Too many open files: the log goes on in its old file$'
    start_server -m "$PWD/mails"
    open tcp; open numbered -n
    say tcp 'S~ 220' 'C: HELO x' 'S~ 250'
    say numbered 'S~ 220' 'C: HELO x' 'S~ 250'
    local before waits
    descriptors_for 3
    # Who is in accept(2) already has its descriptor: others take the place of all that are idle.
    mapfile -t before < <(children)
    kill -HUP "$SERVER_PID"
    wait_until are_left 2 "${before[@]}"
    "$PYTHON" "$TOOLS/talk.py" "$PORT" >waits <<<$'S~ 220\nC: QUIT\nS~ 221\nclosed' 3>&- 4>&- &
    waits=$!
    sessions+=("$waits")
    wait_until grep -q 'accept: Too many' "$SERVER_ERR"
    say tcp 'C: NOOP' 'S: 250 OK'
    say numbered 'C: NOOP' 'S: 250 OK'
    tells 2 concurrent
    refute gone "$waits"
    wait_until descriptors_for 1024
    wait "$waits" || fail "$(cat waits)"
    wait_until greets
    wait_until greets -n
    say tcp 'C: QUIT' 'S~ 221' closed
    say numbered 'C: QUIT' 'S~ 221'
}

# in_shm SIZE: what follows is started where /dev/shm has this size.
in_shm() {
    need_root "mounting a small file system"
    # shellcheck disable=SC2016 # bash's, there
    RUN_IN=(unshare -m bash -c 'mount -t tmpfs -o "size=$1" tmpfs /dev/shm && shift && exec "$@"' - "$1")
}

@test "shared memory without room: no start, and it says what to lower; with less to ask for it starts" {
    mkdir log
    in_shm 256k
    refused -f -p 0 -P 0 -l log
    same 1 "$status"
    same 'servidor: shared memory: No space left on device: lower workers-max, or mount /dev/shm' "$output"
    in_shm 4m
    start_server -o workers-max=8 -o udp-workers-max=8
    RUN_IN=()
    talk <<<'S~ 220'
}

@test "shared memory whose name somebody else has taken: it starts" {
    # Names that the process numbers of some time foretell could be made by any user, and kept every start out.
    in_shm 64m
    # shellcheck disable=SC2016 # the number of the process that becomes the server
    RUN_IN+=(bash -c ': >"/dev/shm/servidor-$$" && exec "$@"' -)
    start_server
    RUN_IN=()
    same "/dev/shm/servidor-$SERVER_PID" "$(in_its_shm -name 'servidor*')"
    talk <<<'S~ 220'
}

# in_its_shm TEST...: what find finds in the server's /dev/shm.
in_its_shm() { nsenter -t "$SERVER_PID" -m find /dev/shm -mindepth 1 "$@"; }

local_teardown() { ! mountpoint -q "$BATS_TEST_TMPDIR/log" || umount -l "$BATS_TEST_TMPDIR/log"; }

@test "a full disk under log/contadores: it starts, says that the totals will be lost, and counts" {
    need_root "mounting a small file system"
    mkdir log
    mount -t tmpfs -o size=64k tmpfs log
    # The logs and the pid file are there already, each with a page that has room.
    for file in peticiones.log smtpd.log servidor.pid; do echo >"log/$file"; done
    head -c 1m /dev/zero >log/ballast 2>/dev/null || true
    expect_stderr '/contadores: No space left on device: totals will be lost at the end$'
    allow_stderr '/(peticiones|smtpd)\.log: No space left on device: sessions go on, its lines are lost$'
    allow_stderr '^servidor: [0-9]+ log records could not be written$'
    start_server -m "$PWD/mails"
    for _ in 1 2 3; do talk <<<$'S~ 220\nC: QUIT\nS~ 221\nclosed'; done
    becomes '3 0' historic concurrent
}

# no_room_again: the file on the full disk is cut to nothing, and something else has its room before anybody looks.
no_room_again() {
    local pid all
    stand_still "$SERVER_PID"
    mapfile -t all < <(children)
    for pid in "${all[@]}"; do stand_still "$pid"; done
    : >log/contadores
    head -c 1m /dev/zero >>log/ballast 2>/dev/null || true
    same '0 0' "$(stat -c %s log/contadores) $(stat -f -c %f log)"
    kill -CONT "$SERVER_PID" "${all[@]}"
}

stand_still() {
    gone "$1" || kill -STOP "$1"
    wait_until stands_still "$1"
}

stands_still() { gone "$1" || grep -q ') T ' "/proc/$1/stat"; }

@test "log/contadores that is cut on a full disk kills nobody: it is said once, and counting begins anew" {
    # Whoever counted was killed by SIGBUS, the master too.
    need_root "mounting a small file system"
    mkdir log
    mount -t tmpfs -o size=64k tmpfs log
    expect_stderr '/contadores: it was cut and cannot be made whole again: counting begins anew, and totals'
    allow_stderr '/(peticiones|smtpd)\.log: No space left on device: sessions go on, its lines are lost$'
    allow_stderr '^servidor: [0-9]+ log records could not be written$'
    start_server -m "$PWD/mails" -o sessions-per-worker=1
    talk <<<$'S~ 220\nC: QUIT\nS~ 221\nclosed'
    becomes '1 0' historic concurrent
    no_room_again
    for _ in 1 2 3; do talk <<<$'S~ 220\nC: QUIT\nS~ 221\nclosed'; done
    talk -n <<<$'S~ 220\nC: QUIT\nS~ 221'
    becomes '4 0' historic concurrent
    stop_server
    same 1 "$(grep -c contadores "$SERVER_ERR")"
    refute grep -q 'ended by' "$SERVER_ERR"
    rm log/ballast
    start_server -m "$PWD/mails"
    tells '0 0' historic mails
}

# --- writes that are short --------------------------------------------------------------------------------------------

@test "a socket that takes a few octets at a time: a client that reads octet by octet gets every reply, once" {
    namespace
    "${RUN_IN[@]}" sysctl -qw net.ipv4.tcp_wmem='4096 4096 4096' net.ipv4.tcp_rmem='4096 4096 4096'
    start_server -m "$PWD/mails" -d itba
    "${RUN_IN[@]}" "$PYTHON" - "$PORT" <<'END_OF_CLIENT'
import socket, sys, threading
client = socket.socket()
client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
client.settimeout(120)
client.connect(("127.0.0.1", int(sys.argv[1])))
mail = b"MAIL FROM:<a@b.es>\r\nRCPT TO:<one@d.es>\r\nDATA\r\ntext\r\n.\r\n"
script = b"EHLO x\r\n" + (b"HELP\r\n" * 300 + mail) * 3 + b"QUIT\r\n"
threading.Thread(target=client.sendall, args=(script,), daemon=True).start()
heard = b""
while octet := client.recv(1): heard += octet
lines = heard.split(b"\r\n")
codes = [line[:3].decode() for line in lines[:-1] if line[3:4] == b" "]
assert codes == ["220", "250"] + (["214"] * 300 + ["250", "250", "354", "250"]) * 3 + ["221"], codes
assert len({line for line in lines if line.startswith(b"214 ")}) == 1
END_OF_CLIENT
    kept_in one 3
}
