#!/usr/bin/env bats
# shellcheck disable=SC2030,SC2031,SC2153 # each test is a subshell, and sets what it needs; helper.bash sets the rest
# The client and the server in the numbered mode, when the network loses, doubles and disorders what they say, when one
# of them dies, and when strangers flood the door. What is kept is what was sent, once, or the client says so.

load helper

RELAY=${RELAY:-$ROOT/test/relay/relay}

# seeds OPTION...: see tools/seeds.py. Leaves what it said in the file seeds.
seeds() {
    "${RUN_IN[@]}" "$PYTHON" "$TOOLS/seeds.py" -C "$CLIENTE" "$@" "$PORT" mails >seeds 2>&1 3>&- 4>&- ||
        { cut -c 1-600 seeds; return 1; }
}

# complete LEAST: of the sessions at least so many.
complete() { [ "$(sed -n '1s/ complete.*//p' seeds)" -ge "$1" ] || fail "$(cut -c 1-300 seeds)"; }

# --- loss, duplicates, disorder ---------------------------------------------------------------------------------------

@test "5 % lost, 2 % doubled, 10 to 50 ms: all of 40 sessions are complete, their mails whole and once" {
    start_server -m mails
    seeds -r "$RELAY" -x '-d 5 -D 2 -m 10,50' -l 200 -c -1
    complete 40
}

@test "20 % lost, 10 % doubled, 10 to 200 ms: at least 39 of 40 are complete, and the other says that it is not" {
    start_server -m mails
    seeds -r "$RELAY" -x '-d 20 -D 10 -m 10,200' -l 200
    complete 39
}

@test "40 % lost, 20 % doubled, 10 to 400 ms: no mail is altered or twice there, and none that was told is missing" {
    start_server -m mails
    seeds -r "$RELAY" -x '-d 40 -D 20 -m 10,400' -l 60
    complete 20
}

# texts BOX: the mails of the box without what the server adds, each as one word.
texts() { for file in mails/"$1"/new/*; do sed 1,4d "$file" | md5sum; done; }

@test "ordenes2 through such a network gives its golden log and the same mails as over TCP, 39 of 40 times at least" {
    start_server -m mails
    local box
    "$CLIENTE" -l . -p "$PORT" localhost TCP "$ROOT/ordenes/ordenes2.txt" >tcp 2>&1
    for box in mails/*; do texts "${box#mails/}" >"${box#mails/}.tcp"; done
    seeds -r "$RELAY" -x '-d 20 -D 10 -m 10,200' -o "$ROOT/ordenes/ordenes2.txt" -g "$ROOT/test/golden/ordenes2.UDP.log"
    complete 39
    for box in mails/*; do
        box=${box#mails/}
        same "$(sort -u "$box.tcp")" "$(texts "$box" | sort -u)"
        (($(texts "$box" | wc -l) >= 40 * $(wc -l <"$box.tcp"))) || fail "$box: $(texts "$box" | wc -l)"
        (($(texts "$box" | wc -l) <= 41 * $(wc -l <"$box.tcp"))) || fail "$box: $(texts "$box" | wc -l)"
    done
}

# lossy_namespace PERCENT: like namespace; there the kernel drops so many of the datagrams, the monitor's apart.
lossy_namespace() {
    command -v nft >/dev/null || skip "nft is not here"
    namespace
    "${RUN_IN[@]}" nft -f - <<END || skip "this kernel has no such rules"
table inet lossy {
    set spared { type inet_service; }
    counter dropped { }
    chain input {
        type filter hook input priority 0;
        udp dport @spared accept
        udp sport @spared accept
        meta l4proto udp numgen random mod 100 < $1 counter name dropped drop
    }
}
END
}

@test "20 % lost by the kernel: the sessions are complete, their mails whole and once" {
    lossy_namespace 20
    start_server -m mails
    "${RUN_IN[@]}" nft add element inet lossy spared "{ $MPORT }"
    seeds -n 20 -l 100
    complete 19
    "${RUN_IN[@]}" nft list counter inet lossy dropped >counted
    refute grep -q 'packets 0 ' counted
}

# --- the one or the other dies ----------------------------------------------------------------------------------------

# client ORDERS [OPTION...]: the client in the background. Sets CLIENT, its pid, and LPORT; client_ends STATUS waits.
client() {
    local orders=$1
    shift
    : >out
    timeout 300 "$CLIENTE" "$@" -l . -p "$PORT" localhost UDP "$orders" >out 2>err 3>&- 4>&- &
    CLIENT=$!
    sessions+=("$CLIENT")
    wait_until grep -q '^Connected' out
    LPORT=$(sed -n 's/^Connected to .* on port \([0-9]*\) at .*/\1/p' out)
}

# It ends by itself, long before 100 s without a word would tell it.
client_ends() {
    local status=0
    WITHIN=80 wait_until gone "$CLIENT"
    wait "$CLIENT" || status=$?
    same "$1" "$status" || { cat err; return 1; }
}

kill_worker() {
    local pid
    pid=$(worker_of "$LPORT" u)
    [ "$(wc -w <<<"$pid")" = 1 ] || fail "port $LPORT is had by: $pid"
    kill -9 "$pid"
}

# told N OUTCOME: of mail N.
told() { grep -Eq "^cliente: mail $1 \(line [0-9]+\): $2\$" err || fail "$(cat err)"; }

count() { find "mails/$1/new" -type f 2>/dev/null | wc -l; }

DEATH='^servidor: .*(killed|signal|died|SIGKILL|9)'

# mail BOX LINE...: orders.
mail() { printf '%s\n' 'MAIL FROM:<a@b.es>' "RCPT TO:<$1@d.es>" DATA "${@:2}" .; }

@test "a worker killed while a mail is filtered: the client says that it does not know, and what it knows" {
    allow_stderr "$DEATH"
    printf '%s\n' '#!/bin/sh' "cat >'$PWD/text'" "grep -q wait '$PWD/text' && : >'$PWD/waiting'" \
        "until [ ! -e '$PWD/waiting' ] || [ -e '$PWD/go' ]; do sleep 0.1; done" "cat '$PWD/text'" >slow
    chmod +x slow
    start_server -m mails -T "$PWD/slow" -o filter-timeout=300
    { echo 'HELO usal.es'; mail one text; mail no@ text; echo RSET; mail two wait; mail three text; echo QUIT; } >orders
    client orders
    wait_until test -e waiting
    kill_worker
    client_ends 3
    : >go
    told 1 stored
    told 2 refused
    told 3 'outcome unknown'
    same 1 "$(count one)"
    [ "$(count two)" -le 1 ]
    wait_until greets -n
}

@test "a worker killed amid a text: the client says that the mail was not sent, and it is not there" {
    allow_stderr "$DEATH"
    start_server -m mails -o message-size=100000000
    { echo 'HELO usal.es'; mail one text; mail two; } | sed '$d' >orders
    seq -f 'line %.0f of a text that is neither short nor long' 400000 >>orders
    printf '%s\n' . QUIT >>orders
    client orders -1
    wait_until grep -q 'RECIBO: line 100 ' "$LOGS/peticiones.log"
    kill_worker
    client_ends 1
    told 1 stored
    told 2 'not sent'
    same '1 0' "$(count one) $(count two)"
}

@test "a server killed between two mails of a client: it says so" {
    start_server -m mails
    { echo 'HELO usal.es'; mail one text; mail two; } | sed '$d' >orders
    seq -f 'line %.0f of a text that is neither short nor long' 150000 >>orders
    printf '%s\n' . QUIT >>orders
    client orders -1
    wait_until grep -q 'RECIBO: line 100 ' "$LOGS/peticiones.log"
    kill -9 "$SERVER_PID" "$(worker_of "$LPORT" u)"
    wait_until gone "$SERVER_PID"
    wait "$SERVER_PID" || true
    forget_server "$SERVER_PID"
    wait_until only_left
    client_ends 1
    told 1 stored
    told 2 'not sent'
    same '1 0' "$(count one) $(count two)"
}

@test "when a client is gone the worker is free again after 100 seconds, whatever the session was at" {
    start_server -m mails -o read-timeout=1000 -o session-timeout=1000
    WITHIN=200 PATIENCE=20 "$PYTHON" "$TOOLS/numbered.py" "$PORT" >gone 2>&1 <<'END' || fail "$(cat gone)"
greeted, idle, unread, in_text, closed = (Hand() for _ in range(5))
for hand in idle, unread, in_text, closed:
    hand.begin()
in_text.mail("c")
unread.say("NOOP")
closed_port = closed.local_port
for hand in greeted, idle, in_text, closed:
    hand.ping()
closed.close()
begun, ends = time.monotonic(), {}
while len(ends) < 5:
    for hand in {greeted, idle, unread, in_text, closed} - set(ends):
        if not workers_of(hand.local_port):
            ends[hand] = time.monotonic() - begun
    assert time.monotonic() < begun + 180, ends.values()
    time.sleep(0.2)
assert all(99 <= end for end in ends.values()), ends.values()
assert unread.look(0) and not in_text.look(0)
END
    becomes '0 0' concurrent mails
    same '' "$(find mails -type f)"
}

# --- a flood ----------------------------------------------------------------------------------------------------------

# The process that reads the well-known UDP socket; the master holds it for the next one.
door() { ss -Hunlp "sport = :$PORT" | grep -o 'pid=[0-9]*' | cut -d = -f 2 | grep -vx "$SERVER_PID"; }

resident() { sed -n 's/^VmRSS:[^0-9]*\([0-9]*\) kB/\1/p' "/proc/$(door)/status"; }

@test "200,000 hellos from everywhere take no worker and no memory, and a client gets its session all the time" {
    not_under_valgrind 'the memory is that of valgrind'
    local before born flood served=0
    start_server -o workers-min=4
    for _ in {1..10}; do greets -n; done
    becomes 0 concurrent
    before=$(resident) born=$(ask workers-born)
    "$PYTHON" "$TOOLS/flood.py" "$PORT" >flood 2>&1 3>&- 4>&- &
    flood=$!
    sessions+=("$flood")
    until gone "$flood"; do
        PATIENCE=60 after_helo usal -n <<<$'C: MAIL FROM:<a@b.es>\nS: 250 OK\nC: QUIT\nS~ 221\nclosed'
        served=$((served + 1))
    done
    wait "$flood"
    cat flood
    [ "$served" -ge 3 ] || fail "$served sessions during the flood"
    becomes "$((10 + served)) 0 0" historic concurrent workers-busy
    same "$born" "$(ask workers-born)"
    (($(resident) <= before + 200)) || fail "the door had $before kB, and has $(resident)"
    local hellos octets answers answered longest
    read -r hellos octets answers answered longest < <(tr -dc '0-9 ' <flood | xargs)
    same "200000 $((64 * hellos)) 48" "$hellos $octets $longest"
    ((answers > 1000 && answered == 48 * answers && answered <= octets)) || fail "$(cat flood)"
}
