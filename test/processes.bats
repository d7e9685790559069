#!/usr/bin/env bats
# shellcheck disable=SC2030,SC2031 # each test is a subshell, and sets what it needs
# Who runs: one process for each live session, a pool that grows and shrinks, deaths that harm one session only, and the
# ways to an end.

load helper

# one_worker PORT [PROTOCOL]: the one pid that holds the session of our local port PORT: a child of the master.
one_worker() {
    local pids
    pids=$(worker_of "$@")
    [ -n "$pids" ] || fail "nobody has the session of port $1" || return 1
    [ "$(wc -l <<<"$pids")" = 1 ] || fail "several have the session of port $1: $pids" || return 1
    same "$SERVER_PID" "$(ps -o ppid= -p "$pids" | tr -d ' ')" >&2 || return 1
    echo "$pids"
}

# held_ports NAME: our local ports of the sessions that hold keeps.
held_ports() { sed -n 's/^ports //p' "$1.said"; }

# session_pids PROTOCOL: "OUR_PORT PID" for each process and each connected socket of the server. Over TCP a client of
# another test's server may have the same port as one of ours.
session_pids() {
    local server=()
    [ "$1" = u ] || server=("sport = :$PORT")
    "${RUN_IN[@]}" ss -H "-$1np" state connected "${server[@]}" |
        sed -nE 's/.*:([0-9]+) +users:(.*"servidor".*)/\1 \2/p' |
        awk '{ port = $1
               while (match($0, /pid=[0-9]+/)) {
                   print port, substr($0, RSTART + 4, RLENGTH - 4)
                   $0 = substr($0, RSTART + RLENGTH) } }'
}

# each_has_its_own NAME COUNT PROTOCOL: COUNT sessions are held by COUNT processes, all children of the master.
each_has_its_own() {
    not_under_valgrind 'a process has another name'
    local mine
    held_ports "$1" | tr ' ' '\n' | sort >held
    session_pids "$3" | sort | join - held >mine
    same "$2" "$(wc -l <held)"
    same "$2" "$(wc -l <mine)"
    same "$2" "$(cut -d ' ' -f 2 mine | sort -u | wc -l)"
    mine=$(comm -23 <(cut -d ' ' -f 2 mine | sort -u) <(children | sort))
    same "" "$mine"
}

population() { children | wc -l; }

fewer_than() { [ "$(population)" -lt "$1" ]; }

# own_pages FOLDER...: how many pages of the program's variables are had by one process alone, of those with these
# folders in /proc. Linux shows variables without first values as a mapping without a name behind the program's own.
own_pages() {
    cat "${@/%//smaps}" | awk -v program="$(realpath "$SERVIDOR")" '
        /^[0-9a-f]+-[0-9a-f]+ / {
            split($1, range, "-")
            is_ours = NF == 5 && range[1] == end
            end = $6 == program ? range[2] : ""
        }
        is_ours && $1 == "Private_Dirty:" { kib += $2 }
        END { print kib / 4 }'
}

# They were 9, since small variables that all sessions write to stood between large buffers.
@test "what a session writes to from its start is on few pages of memory" {
    local own port pids=()
    refute grep -q __asan_init "$SERVIDOR" || skip "this build has its own layout"
    [ -r /proc/self/smaps ] || skip "needs /proc/PID/smaps"
    start_server
    hold crowd 30
    for port in $(held_ports crowd); do
        pids+=("/proc/$(one_worker "$port")")
    done
    own=$(own_pages "${pids[@]}")
    echo "# $own pages in 30 sessions" >&3
    ((own < 30 * 4))
    say crowd noop quit
}

# --- one process each -------------------------------------------------------------------------------------------------

@test "each live TCP session has exactly one process of its own, a child of the master" {
    start_server
    hold crowd 60
    same 'greeted 60 of 60' "${GREETED% in *}"
    each_has_its_own crowd 60 t
    say crowd noop quit
}

@test "each live UDP session has exactly one process of its own, a child of the master" {
    start_server
    hold crowd 60 -u
    same 'greeted 60 of 60' "${GREETED% in *}"
    each_has_its_own crowd 60 u
    say crowd noop quit
}

@test "the master reads no client byte: it holds no session's socket" {
    start_server
    hold tcp 10
    hold udp 10 -u
    same "" "$( { session_pids t; session_pids u; } | grep " $SERVER_PID\$")"
    say tcp quit
    say udp quit
}

@test "a worker takes sessions one after the other" {
    start_server
    for _ in {1..60}; do talk <<<$'S~ 220\nC: QUIT\nS~ 221\nclosed'; done
    fewer_than 40
}

@test "sessions-per-worker=1 gives each session a process that no other session had" {
    start_server -o sessions-per-worker=1
    for i in {1..6}; do
        open "one$i"
        say "one$i" 'S~ 220'
        one_worker "$LPORT" >>pids
        say "one$i" 'C: QUIT' 'S~ 221' closed
    done
    same 6 "$(sort -u pids | wc -l)"
}

@test "sessions-per-worker=1 holds for UDP too" {
    start_server -o sessions-per-worker=1
    for i in {1..4}; do
        open "one$i" -u
        say "one$i" 'S~ 220'
        one_worker "$LPORT" u >>pids
        say "one$i" 'C: QUIT' 'S~ 221'
        wait_until gone "$(tail -n 1 pids)"
    done
    same 4 "$(sort -u pids | wc -l)"
}

# --- the pool ---------------------------------------------------------------------------------------------------------

@test "the pool grows when idle workers run out, and shrinks after" {
    start_server
    local before
    before=$(population)
    hold crowd 150
    refute fewer_than 150
    say crowd quit
    bye crowd
    WITHIN=120 wait_until fewer_than $((before + 20))
    talk <<<'S~ 220'
}

@test "workers-min is how many stand ready" {
    start_server -o workers-min=30
    wait_until refute fewer_than 30
}

@test "500 TCP sessions held at once are all greeted" {
    not_under_valgrind '500 sessions at once take too long'
    start_server
    hold crowd 500
    echo "# 500 TCP sessions: $GREETED" >&3
    same 'greeted 500 of 500' "${GREETED% in *}"
    quick_enough
    say crowd noop
    each_has_its_own crowd 500 t
    WITHIN=120 say crowd quit
}

@test "200 UDP sessions held at once are all greeted" {
    start_server
    hold crowd 200 -u
    echo "# 200 UDP sessions: $GREETED" >&3
    same 'greeted 200 of 200' "${GREETED% in *}"
    quick_enough
    say crowd noop
    each_has_its_own crowd 200 u
    WITHIN=120 say crowd quit
}

# 3 seconds on a quiet machine; other tests run at the same time.
quick_enough() {
    local seconds=${GREETED##* in } factor=${TIME_FACTOR:-6}
    seconds=${seconds%% *}
    ((${seconds%.*} < 3 * factor)) || fail "$GREETED, and 3 s are the aim"
}

@test "more sessions than workers-max get 421 and are closed, and room made is used again" {
    start_server -d itba -o workers-max=5 -o workers-min=1
    hold full 5
    same 'greeted 5 of 5' "${GREETED% in *}"
    talk <<<$'S~ 421 4\\.\nclosed'
    talk <<<$'S~ 421 4\\.\nclosed'
    say full noop quit
    wait_until greets
}

@test "the 421 of a full server is said in the words of the usal dialect" {
    start_server -o workers-max=2 -o workers-min=1
    hold full 2
    talk <<<$'S~ 421 [A-Z]\nclosed'
    say full quit
}

@test "sessions-per-address holds for other addresses than loopback" {
    namespace 10.9.9.9/32
    start_server -o sessions-per-address=3
    hold three 3 -a 10.9.9.9 -b 10.9.9.9
    same 'greeted 3 of 3' "${GREETED% in *}"
    talk -a 10.9.9.9 -b 10.9.9.9 <<<$'S~ 421 \nclosed'
    hold loop 10
    same 'greeted 10 of 10' "${GREETED% in *}"
    say three quit
    wait_until greets -a 10.9.9.9 -b 10.9.9.9
}

@test "50 sessions of an address outside loopback are the default limit" {
    namespace 203.0.113.5/32
    start_server
    hold fifty 50 -a 203.0.113.5 -b 203.0.113.5
    same 'greeted 50 of 50' "${GREETED% in *}"
    talk -a 203.0.113.5 -b 203.0.113.5 <<<$'S~ 421 \nclosed'
    say fifty noop quit
}

# --- deaths -----------------------------------------------------------------------------------------------------------

@test "kill -9 of a worker harms its own session only" {
    allow_stderr '^servidor: .*(killed|signal|died|SIGKILL|9)'
    start_server
    local worker
    open a; open b; open c -u; open d -u
    say a 'S~ 220'; say b 'S~ 220'; say c 'S~ 220' 'C: NOOP' 'S~ 250'; say d 'S~ 220' 'C: NOOP' 'S~ 250'
    worker=$(one_worker "$(sed -n 's/^port //p' a.said)")
    kill -9 "$worker"
    wait_until gone "$worker"
    worker=$(one_worker "$(sed -n 's/^port //p' c.said)" u)
    kill -9 "$worker"
    say a closed
    say b 'C: NOOP' 'S~ 250'
    say d 'C: NOOP' 'S~ 250'
    talk <<<'S~ 220'
    wait_until greets -u
}

@test "room is made for new sessions when busy workers die" {
    allow_stderr '^servidor: .*(killed|signal|died|SIGKILL|9)'
    start_server -o workers-max=4 -o workers-min=1
    hold full 4
    for port in $(held_ports full); do kill -9 "$(one_worker "$port")"; done
    wait_until greets
    hold again 4
    same 'greeted 4 of 4' "${GREETED% in *}"
    say again quit
}

@test "idle workers that are killed are replaced" {
    allow_stderr '^servidor: .*(killed|signal|died|SIGKILL|9)'
    start_server
    open kept
    say kept 'S~ 220'
    local worker
    worker=$(one_worker "$LPORT")
    for pid in $(children); do [ "$pid" = "$worker" ] || kill -9 "$pid"; done
    say kept 'C: NOOP' 'S~ 250'
    wait_until greets
    wait_until greets -u
}

# doors: the children of the master that have the well-known UDP socket.
doors() {
    # shellcheck disable=SC2153 # start_server sets PORT
    ss -Hulnp "sport = :$PORT" | grep -o 'pid=[0-9]*' | cut -d = -f 2 | sort -u | grep -vx "$SERVER_PID"
}

@test "one child only has the well-known UDP socket: the door" {
    start_server
    same 1 "$(doors | wc -l)"
    same "$SERVER_PID" "$(ps -o ppid= -p "$(doors)" | tr -d ' ')"
}

@test "kill -9 of the door harms no session, and a new door opens" {
    allow_stderr '^servidor: .*(killed|signal|died|SIGKILL|9)'
    start_server
    open tcp; open udp -u
    say tcp 'S~ 220'
    say udp 'S~ 220' 'C: HELO x' 'S~ 250'
    local door
    door=$(doors)
    kill -9 "$door"
    wait_until gone "$door"
    say tcp 'C: NOOP' 'S~ 250'
    say udp 'C: NOOP' 'S~ 250'
    wait_until greets -u
    say udp 'C: QUIT' 'S~ 221'
}

@test "kill -9 of the master: all but the busy workers leave at once, and these after their session" {
    start_server
    open tcp; open udp -u
    say tcp 'S~ 220' 'C: HELO x' 'S~ 250'
    say udp 'S~ 220' 'C: HELO x' 'S~ 250'
    local busy=() begun old=$PORT
    busy+=("$(one_worker "$(sed -n 's/^port //p' tcp.said)")" "$(one_worker "$(sed -n 's/^port //p' udp.said)" u)")
    begun=$(now_ms)
    kill_server KILL
    wait_until only_left "${busy[@]}"
    echo "# without the master the idle left within $(($(now_ms) - begun)) ms" >&3
    (($(now_ms) - begun < 2000 * ${TIME_FACTOR:-6}))
    say tcp 'C: MAIL FROM:<a@b.es>' 'S~ 250' 'C: RCPT TO:<c@d.es>' 'S~ 250' 'C: DATA' 'S~ 354' 'C: .' 'S~ 250'
    say udp 'C: MAIL FROM:<a@b.es>' 'S~ 250'
    start_server -p "$old"
    same "$old" "$PORT"
    talk <<<'S~ 220'
    talk -u <<<'S~ 220'
    say tcp 'C: NOOP' 'S~ 250' 'C: QUIT' 'S~ 221' closed
    say udp 'C: NOOP' 'S~ 250' 'C: QUIT' 'S~ 221'
    wait_until gone "${busy[0]}"
    wait_until gone "${busy[1]}"
}

# Once the port was kept by a worker that a slow disk, or here a signal, kept from seeing that its master was gone.
@test "kill -9 of the master: the ports are free though a worker is stuck in its session" {
    start_server
    open tcp
    say tcp 'S~ 220' 'C: HELO x' 'S~ 250'
    local stuck old=$PORT
    stuck=$(one_worker "$LPORT")
    kill -STOP "$stuck"
    kill_server KILL
    start_server -p "$old"
    same "$old" "$PORT"
    talk <<<'S~ 220'
    kill -CONT "$stuck"
    say tcp 'C: NOOP' 'S~ 250' 'C: QUIT' 'S~ 221' closed
    wait_until gone "$stuck"
}

@test "kill -9 of an idle server frees the ports, and its pid file keeps nobody out" {
    start_server
    local old=$PORT
    kill_server KILL
    wait_until none_is_ours
    start_server -p "$old"
    same "$old" "$PORT"
    talk <<<'S~ 220'
}

# --- ends -------------------------------------------------------------------------------------------------------------

no_more_connections() { refute "$PYTHON" -c "import socket; socket.create_connection(('127.0.0.1', $PORT))" 2>/dev/null; }

@test "SIGTERM with nobody there ends the server at once, with 0" {
    start_server -o drain-timeout=600
    stop_server
    same "" "$(ours)"
}

@test "SIGTERM drains: no new sessions, the running ones go on to their end" {
    start_server -o drain-timeout=600
    open tcp; open udp -u
    say tcp 'S~ 220' 'C: HELO x' 'S~ 250' 'C: MAIL FROM:<a@b.es>' 'S~ 250'
    say udp 'S~ 220' 'C: HELO x' 'S~ 250'
    kill -TERM "$SERVER_PID"
    wait_until no_more_connections
    say tcp 'C: RCPT TO:<c@d.es>' 'S~ 250' 'C: DATA' 'S~ 354' 'C: text' 'C: .' 'S~ 250'
    say udp 'C: MAIL FROM:<a@b.es>' 'S~ 250' 'C: RCPT TO:<c@d.es>' 'S~ 250' 'C: DATA' 'S~ 354' 'C: .' 'S~ 250'
    talk -u <<<'quiet 0.5'
    say tcp 'C: QUIT' 'S~ 221' closed
    refute gone "$SERVER_PID"
    say udp 'C: QUIT' 'S~ 221'
    server_ends 0
}

@test "sessions that outlast drain-timeout get 421, and the server ends with 0" {
    start_server -d itba -o drain-timeout=2
    open tcp; open half; open udp -u; open fresh -u
    say tcp 'S~ 220' 'C: HELO x' 'S~ 250'
    say half 'S~ 220' 'C: MAIL FROM:<a@b.es>' 'S~ 250' 'C: RCPT TO:<c@d.es>' 'S~ 250' 'C: DATA' 'S~ 354' 'C| half'
    say udp 'S~ 220' 'C: HELO x' 'S~ 250'
    say fresh 'S~ 220'
    kill -TERM "$SERVER_PID"
    say tcp 'S~ 421 4\.3\.2 ' closed
    say half 'S~ 421 4\.3\.2 ' closed
    say udp 'S~ 421 4\.3\.2 '
    say fresh 'S~ 421 4\.3\.2 '
    server_ends 0
}

# second_signal SIGNAL: behind a SIGTERM it ends the server at once, though sessions are running.
second_signal() {
    start_server -o drain-timeout=600
    open tcp; open udp -u
    say tcp 'S~ 220'
    say udp 'S~ 220'
    kill -TERM "$SERVER_PID"
    wait_until no_more_connections
    kill_server "$1"
    wait_until only_left
    say tcp 'S~ 421 ' closed
}

@test "a second SIGTERM ends the server at once" { second_signal TERM; }
@test "a SIGINT behind a SIGTERM ends the server at once" { second_signal INT; }

@test "SIGINT alone drains and ends with 0, like SIGTERM" {
    start_server
    kill -INT "$SERVER_PID"
    server_ends 0
}

@test "a server that is stopped while it is loaded leaves nothing" {
    start_server -o drain-timeout=1
    hold tcp 50
    hold udp 50 -u
    stop_server
    wait_until only_left
}

@test "SIGTERM to a child does not end the server" {
    allow_stderr '^servidor: .*(signal|died|15)'
    start_server
    kill -TERM "$(children | head -n 1)"
    wait_until greets
    wait_until greets -u
}

# --- SIGHUP -----------------------------------------------------------------------------------------------------------

@test "SIGHUP reads the settings file again: new sessions have the new settings, running ones go on" {
    echo message-size=200000 >settings
    start_server -c settings
    open old
    say old 'S~ 220'
    session_offers 200000
    echo message-size=300000 >settings
    kill -HUP "$SERVER_PID"
    wait_until session_offers 300000
    for _ in {1..15}; do session_offers 300000; done
    say old 'C: NOOP' 'S~ 250' 'C: QUIT' 'S~ 221' closed
}

@test "a setting that left the file has its default after SIGHUP, and -o still beats the file" {
    printf '%s\n' message-size=200000 recipients=1 >settings
    start_server -c settings -o recipients=2
    session_offers 200000
    echo '# nothing' >settings
    kill -HUP "$SERVER_PID"
    wait_until session_offers 10240000
    printf 'C: MAIL FROM:<a@b.es>\nS~ 250\nC: RCPT TO:<c@d.es>\nS~ 250\nC: RCPT TO:<e@d.es>\nS~ 250\nC: RCPT TO:<f@d.es>\nS~ 452\n' |
        after_helo usal
}

@test "a bad settings file at SIGHUP is named with its line, and the old settings stay" {
    echo message-size=200000 >settings
    expect_stderr 'settings: line 2: nonsense'
    allow_stderr '^servidor: the old settings stay$'
    start_server -c settings
    printf '%s\n' message-size=300000 nonsense=1 >settings
    kill -HUP "$SERVER_PID"
    wait_until grep -q "line 2" "$SERVER_ERR"
    session_offers 200000
    for _ in {1..10}; do session_offers 200000; done
}

@test "a settings file that is gone at SIGHUP is named, and the old settings stay" {
    echo message-size=200000 >settings
    expect_stderr 'settings'
    allow_stderr '^servidor: the old settings stay$'
    start_server -c settings
    rm settings
    kill -HUP "$SERVER_PID"
    wait_until grep -q settings "$SERVER_ERR"
    session_offers 200000
}

@test "SIGHUP without a settings file harms nothing" {
    start_server
    hold some 5
    for _ in 1 2 3; do kill -HUP "$SERVER_PID"; talk <<<'S~ 220'; done
    say some noop quit
}
