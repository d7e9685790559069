#!/usr/bin/env bats
# shellcheck disable=SC2030,SC2031 # each test is a subshell, and sets what it needs
# A server that stays up: what dies comes back, with growing pauses where it dies at once; a port, an interface or a
# folder that is lost, and a clock that jumps, stop nothing; what it has of memory, descriptors and processes does not
# grow; and of one session's memory nothing is left for the next.

load helper

# said COUNT REGEX: the server has said so many such lines.
said() { same "$1" "$(grep -Ec -e "$2" "$SERVER_ERR")"; }

# --- births that fail -------------------------------------------------------------------------------------------------

# spoil CALL[:WHAT]: from now on each CALL of the master and of what it forks goes wrong (see strace(1)). Sets SPOILER.
spoil() {
    need_root "attaching a tracer"
    strace -f -o works true 2>strace.err || skip "strace may not trace here"
    strace -f -qq -o spoilt -e trace="${1%%:*}" -e inject="$1" -p "$SERVER_PID" 2>strace.err 3>&- 4>&- &
    SPOILER=$!
    sessions+=("$SPOILER")
    wait_until traced "$SERVER_PID"
}

traced() { grep -q '^TracerPid:[[:space:]]*[1-9]' "/proc/$1/status"; }

unspoil() {
    kill "$SPOILER"
    wait_until refute traced "$SERVER_PID"
}

# servant PORT: the pid of the child of the master that has this UDP port: the door, or the monitor.
servant() { ss -Hulnp "sport = :$1" | grep -o 'pid=[0-9]*' | cut -d = -f 2 | grep -vx "$SERVER_PID"; }

# pauses: the milliseconds of the pauses that were said, in one line.
pauses() { sed -n "s/^servidor: the $1: the next one in \([0-9]*\) ms\$/\1/p" "$SERVER_ERR" | xargs; }

has_paused() { [ "$(pauses "$1" | wc -w)" -ge "$2" ]; }

@test "a monitor that dies at once is born again after growing pauses, each said, and answers when it can" {
    # It was born every 100 ms, for ever.
    leaks_unseen
    allow_stderr '^servidor: the monitor (was born and )?ended by signal 9: '
    start_server
    spoil setpriority:signal=KILL
    kill -9 "$(servant "$MPORT")"
    wait_until has_paused 'monitor was born and ended by signal 9' 5
    same '100 200 400 800 1600' "$(pauses 'monitor was born and ended by signal 9' | cut -d ' ' -f 1-5)"
    talk <<<$'S~ 220\nC: QUIT\nS~ 221'
    talk -n <<<$'S~ 220\nC: QUIT\nS~ 221'
    unspoil
    becomes 2 historic
    # It has lived for a while: the next pause would be a short one, and after such an end there is none.
    wait_until has_lived "$(servant "$MPORT")"
    kill -9 "$(servant "$MPORT")"
    wait_until has_line "$SERVER_ERR" '^servidor: the monitor ended by signal 9: another takes its place$'
    becomes 2 historic
}

has_lived() { [ "$(ps -o etimes= -p "$1")" -ge 2 ]; }

@test "a door that cannot be forked is said, tried after growing pauses, and takes hellos when it is there" {
    # Nothing was said of it.
    leaks_unseen
    local unborn='could not be forked: Resource temporarily unavailable'
    allow_stderr "^servidor: (the door|a (TCP|UDP) worker) $unborn: the next one in [0-9]* ms\$"
    allow_stderr '^servidor: the door (was born and )?ended by signal 9: '
    start_server
    spoil clone,clone3,fork:error=EAGAIN
    kill -9 "$(servant "$PORT")"
    wait_until has_paused "door $unborn" 4
    matches '^(100 )?(200 )?400 800( |$)' "$(pauses "door $unborn")"
    talk <<<$'S~ 220\nC: QUIT\nS~ 221'
    unspoil
    wait_until greets -n
}

# --- ports ------------------------------------------------------------------------------------------------------------

# busy PID...: the hundredths of a second of a processor that they have had so far; who is gone does not count.
busy() {
    local pid stat total=0 fields
    for pid; do
        slurp stat "/proc/$pid/stat"
        read -ra fields <<<"${stat##*)}"
        ((total += ${fields[11]:-0} + ${fields[12]:-0}))
    done
    echo $((total * 100 / $(getconf CLK_TCK)))
}

# idles: within two seconds from now the server's processes take little time: what loops takes it all.
idles() {
    local pids before begun spent
    mapfile -t pids < <(echo "$SERVER_PID"; children)
    before=$(busy "${pids[@]}") begun=$(now_ms)
    wait_until late $((begun + 2000))
    spent=$(($(busy "${pids[@]}") - before))
    echo "# ${#pids[@]} processes had ${spent}0 ms in $(($(now_ms) - begun)) ms"
    ((spent * 10 * 8 < $(now_ms) - begun))
}

late() { (($(now_ms) >= $1)); }

# destroy SOCKETS...: the kernel's sockets that ss finds so are closed under the server.
destroy() {
    "${RUN_IN[@]}" ss -HK "$@" >destroyed
    [ -s destroyed ] || skip "this kernel destroys no sockets"
}

@test "a listener that dies under the server is opened anew, said once, and sessions go on meanwhile" {
    # accept failed from then on, in every worker, and nobody was served over TCP again.
    namespace
    expect_stderr "^servidor: TCP port [0-9]+ is lost: it is opened anew\$"
    allow_stderr '^servidor: accept: Invalid argument: trying again$'
    start_server
    open old
    say old 'S~ 220'
    destroy -tl "sport = :$PORT"
    wait_until greets
    talk <<<$'S~ 220\nC: QUIT\nS~ 221\nclosed'
    say old 'C: NOOP' 'S~ 250' 'C: QUIT' 'S~ 221' closed
    said 1 'is lost'
    talk -n <<<$'S~ 220\nC: QUIT\nS~ 221'
    idles
}

@test "a monitor port that dies under the server is opened anew, and the door does not mind a socket's end" {
    namespace
    expect_stderr "^servidor: UDP port [0-9]+ \(monitor\) is lost: it is opened anew\$"
    allow_stderr "^servidor: UDP port [0-9]+ is lost: it is opened anew\$"
    start_server
    destroy -ul "sport = :$MPORT"
    destroy -ul "sport = :$PORT"
    becomes 0 historic
    wait_until greets -n
    wait_until greets -u
    said 1 '\(monitor\) is lost'
    idles
}

@test "a lost port that somebody else took is said, tried again and again, and served when it is free" {
    namespace
    expect_stderr "^servidor: TCP port [0-9]+ is lost: it is opened anew\$"
    expect_stderr "^servidor: TCP port [0-9]+ cannot be opened: Address already in use: trying again and again\$"
    allow_stderr '^servidor: accept: Invalid argument: trying again$'
    start_server
    "${RUN_IN[@]}" "$PYTHON" - "$PORT" >thief 2>&1 3>&- 4>&- <<'END' &
import os, socket, sys, time
thief = socket.socket(socket.AF_INET6)
thief.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
while True:
    try:
        thief.bind(("", int(sys.argv[1])))
        thief.listen()
        break
    except OSError:
        print("waits", flush=True)
        time.sleep(0.002)
print("has it", flush=True)
while not os.path.exists("over"): time.sleep(0.02)
END
    sessions+=($!)
    wait_until [ -s thief ]
    destroy -tl "sport = :$PORT"
    wait_until has_line thief 'has it'
    wait_until has_line "$SERVER_ERR" 'cannot be opened'
    idles
    talk -n <<<$'S~ 220\nC: QUIT\nS~ 221'
    : >over
    wait_until greets
    said 1 'is lost'
    said 1 'cannot be opened'
}

@test "an interface that goes and comes back stops nothing, and nobody loops meanwhile" {
    namespace 10.9.9.9/32
    start_server
    open tcp -a 10.9.9.9; open udp -u; open numbered -n
    say tcp 'S~ 220'; say udp 'S~ 220'; say numbered 'S~ 220'
    "${RUN_IN[@]}" ip link set lo down
    "${RUN_IN[@]}" ip addr del 10.9.9.9/32 dev lo
    refute greets
    idles
    "${RUN_IN[@]}" ip link set lo up
    "${RUN_IN[@]}" ip addr add 10.9.9.9/32 dev lo
    say tcp 'C: NOOP' 'S~ 250' 'C: QUIT' 'S~ 221' closed
    say udp 'C: QUIT' 'S~ 221'
    say numbered 'C: QUIT' 'S~ 221' closed
    wait_until greets -a 10.9.9.9
    wait_until greets -n
    wait_until greets -u
    becomes 0 concurrent
}

# --- folders ----------------------------------------------------------------------------------------------------------

@test "a log folder that is removed and put back is written again after SIGHUP, and nothing stops meanwhile" {
    allow_stderr '/(peticiones|smtpd)\.log: No such file or directory: '
    start_server
    open old
    say old 'S~ 220' 'C: HELO x' 'S~ 250'
    rm -r "$LOGS"
    after_helo usal <<<$'C: QUIT\nS~ 221\nclosed'
    after_helo usal -n <<<$'C: QUIT\nS~ 221'
    kill -HUP "$SERVER_PID"
    wait_until has_line "$SERVER_ERR" 'smtpd\.log'
    say old 'C: NOOP' 'S~ 250'
    after_helo usal <<<$'C: QUIT\nS~ 221\nclosed'
    mkdir "$LOGS"
    kill -HUP "$SERVER_PID"
    wait_until logs_a_session
    say old 'C: NOOP' 'S~ 250'      # its lines still go to the old file; then the new one is opened
    say old 'C: MAIL FROM:<a@b.es>' 'S~ 250' 'C: QUIT' 'S~ 221' closed
    has_line "$LOGS/peticiones.log" 'RECIBO: MAIL FROM:<a@b\.es>$'
    [ -s "$LOGS/smtpd.log" ]
    becomes 0 concurrent
    stop_server
}

logs_a_session() { talk <<<$'S~ 220\nC: QUIT\nS~ 221\nclosed' && has_line "$LOGS/peticiones.log" 'RECIBO: QUIT$'; }

@test "contadores that is removed, or cut, under the server: it counts on, and the next one counts anew" {
    start_server
    open old
    say old 'S~ 220'
    truncate -s 100 "$LOGS/contadores"
    talk <<<$'S~ 220\nC: QUIT\nS~ 221\nclosed'
    rm "$LOGS/contadores"
    talk <<<$'S~ 220\nC: QUIT\nS~ 221\nclosed'
    talk -n <<<$'S~ 220\nC: QUIT\nS~ 221'
    say old 'C: QUIT' 'S~ 221' closed
    becomes 0 concurrent
    (($(ask historic) >= 3))
    stop_server
    start_server
    tells '0 0' historic concurrent
    talk <<<$'S~ 220\nC: QUIT\nS~ 221\nclosed'
    becomes 1 historic
}

# --- the clock --------------------------------------------------------------------------------------------------------

# start_with_clock [OPTION...]: a server whose wall clock jump moves.
start_with_clock() {
    "${CC:-cc}" -O1 -shared -fPIC -o clock.so "$TOOLS/clock.c"
    jump 0
    local asan=$ASAN_OPTIONS
    RUN_IN=(env "LD_PRELOAD=$PWD/clock.so" "CLOCK_OFFSET=$PWD/offset" "ASAN_OPTIONS=$asan:verify_asan_link_order=0")
    start_server "$@"
    RUN_IN=()
}

# jump SECONDS: from now on the clock is so far off.
jump() {
    echo "$1" >offset.new
    mv offset.new offset
}

AN_HOUR=3600

# The mail of box, all of it: told by the session `name` of our own.
keeps_mail() {
    say "$1" "C: MAIL FROM:<a@b.es>" 'S~ 250' "C: RCPT TO:<box@d.es>" 'S~ 250' 'C: DATA' 'S~ 354' 'C: text' 'C: .' \
        'S~ 250 2\.0\.0 Ok: queued as '
}

@test "a clock that jumps an hour amid sessions stops none, and no file or id comes twice" {
    start_with_clock -d itba -m "$PWD/mails" -o read-timeout=600 -o session-timeout=1200
    local name names=(tcp1 tcp2 udp1 udp2 numbered1 numbered2) far
    open tcp1; open tcp2; open udp1 -u; open udp2 -u; open numbered1 -n; open numbered2 -n
    for name in "${names[@]}"; do say "$name" 'S~ 220' 'C: HELO x' 'S~ 250'; done
    for far in 0 -$AN_HOUR $AN_HOUR 0 -$AN_HOUR; do
        jump "$far"
        for name in "${names[@]}"; do keeps_mail "$name"; done
        talk <<<$'S~ 220\nC: QUIT\nS~ 221\nclosed'
        talk -u <<<$'S~ 220\nC: QUIT\nS~ 221'
    done
    # And between the lines of a mail, either way.
    for name in "${names[@]}"; do
        jump 0
        say "$name" "C: MAIL FROM:<a@b.es>" 'S~ 250' "C: RCPT TO:<box@d.es>" 'S~ 250' 'C: DATA' 'S~ 354' 'C: one'
        jump $AN_HOUR
        say "$name" 'C: two' 'C: .' 'S~ 250'
        jump -$AN_HOUR
        say "$name" 'C: QUIT' 'S~ 221'
    done
    same 36 "$(find mails/box/new -type f | wc -l)"
    same '' "$(find mails -path '*/tmp/*')"
    sed -n 's/^S: .* queued as //p' ./*.said | sort >ids
    same 36 "$(wc -l <ids)"
    same '' "$(uniq -d ids)"
    # The times in the names are the clock's: they show that it jumped. The uptime is none of it.
    find mails/box/new -type f -printf '%f\n' | sort -n | cut -d . -f 1 >seconds
    (($(tail -n 1 seconds) - $(head -n 1 seconds) >= 2 * AN_HOUR))
    (($(ask uptime) > 0))
    jump $AN_HOUR
    (($(ask uptime) < AN_HOUR))
    becomes 0 concurrent
}

@test "a clock that jumps between cookie and hello's return harms no handshake" {
    start_with_clock
    local far
    for far in -$AN_HOUR $AN_HOUR; do
        jump 0
        "$PYTHON" "$TOOLS/numbered.py" "$PORT" "$far" >told 2>&1 <<'END' || fail "$(tail -n 5 told)"
import os
wire, cn = Wire(), nonce()
cookie = wire.cookie(cn)
with open("offset.new", "w") as file: file.write(ARGUMENTS[0])
os.rename("offset.new", "offset")
wire.send(hello(cn, cookie=cookie))
assert wire.get("W").cn == cn
END
    done
}

@test "a clock that jumps ends no wait, and makes none longer" {
    start_with_clock -d itba -o read-timeout=5 -o session-timeout=600
    local far begun
    for far in -$AN_HOUR $AN_HOUR; do
        jump 0
        open tcp; open udp -u; open numbered -n
        say tcp 'S~ 220'; say udp 'S~ 220'; say numbered 'S~ 220'
        begun=$(now_ms)
        say tcp 'C: NOOP' 'S~ 250'; say udp 'C: NOOP' 'S~ 250'; say numbered 'C: NOOP' 'S~ 250'
        jump "$far"
        say tcp 'S~ 421 4\.4\.2 ' closed
        (($(now_ms) - begun >= 5000)) || fail "it took $(($(now_ms) - begun)) ms"
        say udp 'S~ 421 4\.4\.2 '
        say numbered 'S~ 421 4\.4\.2 ' closed
        (($(now_ms) - begun < 60000)) || fail "it took $(($(now_ms) - begun)) ms"
    done
}

@test "a clock that jumps while a filter works neither ends it nor lets it go on" {
    cat >filter <<'END'
#!/bin/sh
: >"$PWD/works"
grep -q endless && while :; do sleep 0.05; done
while ! [ -e go ]; do sleep 0.05; done
echo filtered
END
    chmod +x filter
    allow_stderr "^servidor: .*filter.*(longer|time)"
    start_with_clock -d itba -m "$PWD/mails" -T "$PWD/filter" -o filter-timeout=60
    local far
    for far in -$AN_HOUR $AN_HOUR; do
        jump 0
        rm -f works go
        open tcp
        say tcp 'S~ 220' 'C: MAIL FROM:<a@b.es>' 'S~ 250' 'C: RCPT TO:<box@d.es>' 'S~ 250' 'C: DATA' 'S~ 354'
        say tcp 'C: text' 'C: .'
        wait_until [ -e works ]
        jump "$far"
        talk <<<$'S~ 220\nC: QUIT\nS~ 221\nclosed'
        : >go
        say tcp 'S~ 250' 'C: QUIT' 'S~ 221' closed
    done
    same 2 "$(find mails/box/new -type f | wc -l)"
}

@test "a clock that jumps while the server drains neither ends the drain nor makes it longer" {
    local far
    for far in -$AN_HOUR $AN_HOUR; do
        start_with_clock -d itba -o drain-timeout=600
        open tcp; open numbered -n
        say tcp 'S~ 220'; say numbered 'S~ 220'
        kill -TERM "$SERVER_PID"
        wait_until refute greets
        jump "$far"
        say tcp 'C: NOOP' 'S~ 250' 'C: QUIT' 'S~ 221' closed
        refute gone "$SERVER_PID"
        say numbered 'C: NOOP' 'S~ 250' 'C: QUIT' 'S~ 221' closed
        server_ends 0
        start_with_clock -d itba -o drain-timeout=4
        open tcp
        say tcp 'S~ 220'
        kill -TERM "$SERVER_PID"
        wait_until refute greets
        jump "$far"
        say tcp 'S~ 421 4\.3\.2 ' closed
        server_ends 0
    done
}

# --- a day in little --------------------------------------------------------------------------------------------------

# need_plain_memory: a server whose memory is its own. A sanitizer keeps what was freed, and has stacks of its own; under
# a program that runs the server it is that program's.
need_plain_memory() {
    [ "$(head -c 4 "$SERVIDOR" | tail -c 3)" = ELF ] || skip "the server is run by another program"
    ! grep -q __asan_init "$SERVIDOR" || skip "a sanitizer keeps what was freed"
}

# soak SESSIONS AT_ONCE SETTING...: a small scripts/resistencia.sh, which is made for a million. Its report is in the
# file soaked.
soak() {
    local options
    printf -v options -- '-o %s ' "${@:3}"
    OPTIONS=$options timeout 300 "$ROOT/scripts/resistencia.sh" -n "$1" -e "$1" -j "$2" >soaked 2>&1 3>&- 4>&-
}

@test "after 2,500 sessions, each with a worker of its own, the server is as it was" {
    need_plain_memory
    # How many processes there were at once, on a busy machine a thousand, is seen by the shared memory, so it is limited.
    soak 2500 20 sessions-per-worker=1 workers-max=200 udp-workers-max=200 || fail "$(cat soaked)"
    same 'ended where it began' "$(tail -n 1 soaked)"
}

@test "after 2,500 sessions that few workers had, each is as it was" {
    need_plain_memory
    soak 2500 2 sessions-per-worker=100000 workers-min=1 || fail "$(cat soaked)"
    same 'ended where it began' "$(tail -n 1 soaked)"
}

# leaky WHAT: from now on the server loses memory or descriptors (see tools/leak.c).
leaky() {
    need_plain_memory
    "${CC:-cc}" -O1 -shared -fPIC -o leak.so "$TOOLS/leak.c" -ldl
    printf '#!/bin/sh\nLD_PRELOAD=%s LEAK=%s exec %s "$@"\n' "$PWD/leak.so" "$1" "$SERVIDOR" >leaky
    chmod +x leaky
}

@test "resistencia.sh finds 1,000 octets that are lost with each session and each birth" {
    leaky memory
    SERVIDOR=$PWD/leaky refute soak 500 20 sessions-per-worker=1
    grep -q '^master: from ' soaked || fail "$(cat soaked)"
    SERVIDOR=$PWD/leaky refute soak 1500 2 sessions-per-worker=100000 workers-min=1
    grep -q '^child: from ' soaked || fail "$(cat soaked)"
}

@test "resistencia.sh finds a descriptor that is lost with each session and each birth" {
    leaky descriptor
    SERVIDOR=$PWD/leaky refute soak 200 2 sessions-per-worker=100000 workers-min=1
    grep -q '^fds-master: from ' soaked || fail "$(cat soaked)"
    grep -q '^fds-child: from ' soaked || fail "$(cat soaked)"
}

# --- memory -----------------------------------------------------------------------------------------------------------

# secret_session OPTION...: a session whose every word is unique, and which is over then. Sets WORKER, who had it.
secret_session() {
    need_root "looking into the memory of another process"
    open secret "$@"
    say secret 'S~ 220' 'C: HELO heloword' 'S~ 250'
    WORKER=$(worker_of "$LPORT" "$PROTOCOL")
    say secret 'C: VRFY <vrfyword@d.es>' 'S~ 25' 'C: unknownword' 'S~ 500' 'C: MAIL FROM:<senderword@b.es>' 'S~ 250' \
        'C: RCPT TO:<firstword@d.es>' 'S~ 250' 'C: RCPT TO:<otherword@d.es>' 'S~ 250' \
        'C: DATA' 'S~ 354' 'C: Subject: subjectword' 'C: ' 'C: textword' 'C: .' 'S~ 250' \
        'C: MAIL FROM:<droppedword@b.es>' 'S~ 250' 'C: RCPT TO:<thirdword@d.es>' 'S~ 250'
    if [ "$PROTOCOL" = t ]; then
        say secret 'C| BDAT 50\r\nchunkword{0123456789*4}x' 'S~ 250' 'C: RSET' 'S~ 250'
        say secret 'C: MAIL FROM:<x@b.es>' 'S~ 250' 'C: RCPT TO:<x@d.es>' 'S~ 250' 'C: DATA' 'S~ 354' 'C: deadword' \
            "C: {longword*20000}" 'C| endword' reset
    else
        say secret 'C: QUIT' 'S~ 221'
    fi
    becomes '0 0' concurrent workers-busy
}

# forgotten: nothing of the secret session is left, where the worker waits for the next.
forgotten() {
    "$PYTHON" "$TOOLS/residue.py" "$WORKER" heloword vrfyword unknownword senderword firstword otherword subjectword \
        textword droppedword thirdword chunkword deadword longword endword >residue
}

@test "a worker that is reused has nothing of a session over TCP in its memory" {
    need_plain_memory
    start_server -m mails
    PROTOCOL=t
    secret_session
    wait_until forgotten || fail "$(cut -d ' ' -f 1-3 residue | sort | uniq -c)"
}

@test "a worker that is reused has nothing of a session in the plain mode in its memory" {
    need_plain_memory
    start_server -m mails
    PROTOCOL=u
    secret_session -u
    wait_until forgotten || fail "$(cut -d ' ' -f 1-3 residue | sort | uniq -c)"
}

@test "a worker that is reused has nothing of a session in the numbered mode in its memory" {
    need_plain_memory
    start_server -m mails
    PROTOCOL=u
    secret_session -n
    wait_until forgotten || fail "$(cut -d ' ' -f 1-3 residue | sort | uniq -c)"
}

@test "a worker that is reused has nothing in its memory of what passed a filter, nor of what that complained of" {
    need_plain_memory
    start_server -m mails -T "sh -c 'cat; echo complaint of \$RECIPIENTS >&2'"
    allow_stderr '^servidor: filter of [^ ]*: complaint of |^servidor: filter of [^ ]*: otherword'
    PROTOCOL=t
    secret_session
    wait_until forgotten || fail "$(cut -d ' ' -f 1-3 residue | sort | uniq -c)"
}
