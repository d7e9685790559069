#!/usr/bin/env bats
# shellcheck disable=SC2030,SC2031 # each test is a subshell, and sets what it needs
# The monitoring protocol: what one datagram of 14 octets asks, and what one of 14 answers, to the bit. Written from the
# tables of the ITBA report; what goes beyond them stands in servidor(8).

load helper

S=6d69706173733233      # mipass23
ZERO=0000000000000000   # eight octets of data that mean nothing
DEATH='^servidor: .*(killed|signal|died|SIGKILL|9)'

# answers ANSWER HEX...: each of these datagrams is answered by this one, or by silence.
answers() {
    local want=$1 got
    shift
    got=$(raw "$@" | sort -u)
    same "$want" "$got" || fail "the datagrams were: $*"
}

# one_session: a session that begins and ends.
one_session() { talk <<<$'S~ 220\nC: QUIT\nS~ 221\nclosed'; }

# monitors: the children of the master that have the monitor's socket.
monitors() {
    "${RUN_IN[@]}" ss -Hulnp "sport = :$MPORT" | grep -o 'pid=[0-9]*' | cut -d = -f 2 | sort -u | grep -vx "$SERVER_PID"
}

# listens: the addresses that the monitor's port is bound to, as in "127.0.0.1 [::1]".
listens() {
    "${RUN_IN[@]}" ss -Huln "sport = :$MPORT" | awk '{ sub(/:[0-9]+$/, "", $4); print $4 }' | LC_ALL=C sort |
        paste -s -d ' '
}

# --- the report's examples --------------------------------------------------------------------------------------------

@test "the report's request and reply, byte for byte" {
    # The report prints its request with one 00 too many: its table has 14 octets, and so has the datagram here.
    SECRET=$'\x56\x78\x9a\xbc\xde\xf0\x12\x34'
    MONITOR=(-P 0 -u "$SECRET")
    start_server
    one_session
    one_session
    answers fffe0012340000000002"00000000" fffe00123456789abcdef0123400
}

@test "the report's request as it is printed has 15 octets, and is an invalid request" {
    SECRET=$'\x56\x78\x9a\xbc\xde\xf0\x12\x34'
    MONITOR=(-P 0 -u "$SECRET")
    start_server
    answers "fffe00123404$ZERO" fffe00123456789abcdef012340000
}

@test "the report's identifiers and commands: historic, concurrent and mails are counted in big-endian" {
    not_under_valgrind '300 sessions at once take too long'
    start_server
    after_helo usal <<<$'C| MAIL FROM:<a@b.es>\\r\\nRCPT TO:<c@d.es>\\r\\nDATA\\r\\n.\\r\\n
S~ 250\nS~ 250\nS~ 354\nS~ 250\nC: QUIT\nS~ 221\nclosed'
    open one
    say one 'S~ 220'
    becomes '2 1 1' historic concurrent mails
    answers fffe00ff94000000000200000000 "fffe00ff94${S}00"     # Identifier: 65428
    answers fffe001e21000000000100000000 "fffe001e21${S}01"     # Identifier: 7713
    answers fffe00023c000000000100000000 "fffe00023c${S}03"     # Identifier: 572
    hold crowd 300
    answers fffe0000000000"00012d"00000000 "fffe000000${S}01"
    answers fffe00ffff0000"00012e"00000000 "fffe00ffff${S}00"
    say crowd quit
}

@test "bytes transferred are those of both directions" {
    start_server
    one_session
    local goodbye='221 Cerrando el servicio'
    local octets=$((${#GREETING} + 2 + 6 + ${#goodbye} + 2))
    becomes "$octets" bytes
    answers "fffe00c9bd00$(printf %08x "$octets")00000000" "fffe00c9bd${S}02"
}

@test "the manual's example, byte for byte, and its table of commands" {
    start_server
    for _ in 1 2; do
        after_helo usal <<<$'C| MAIL FROM:<a@b.es>\\r\\nRCPT TO:<c@d.es>\\r\\nDATA\\r\\n.\\r\\n
S~ 250\nS~ 250\nS~ 354\nS~ 250\nC: QUIT\nS~ 221'
    done
    becomes 2 mails
    local shown
    shown=$(grep -x 'FF FE[0-9A-F ]*' "$ROOT/servidor/servidor.8" | tr -d ' ' | tr A-F a-f | xargs)
    [ -n "$shown" ]
    answers "${shown#* }" "${shown% *}"
    PYTHONPATH=$TOOLS "$PYTHON" -c 'from monitor import NAMES; print(*NAMES, sep="\n")' | nl -v 0 -w 1 -s ' ' >known
    sed -nE 's/^\.It ([0-9]+) Ta ([a-z0-9-]*) Ta (quantity|boolean|none) Ta .*/\1 \2/p' "$ROOT/servidor/servidor.8" |
        diff known -
}

# --- filters ----------------------------------------------------------------------------------------------------------

@test "without a filter program the filter commands have status 5" {
    start_server
    answers "fffe00abcd05$ZERO" "fffe00abcd${S}04" "fffe00abcd${S}05" "fffe00abcd${S}06"
}

@test "with a filter program: seen, switched off, switched on, as booleans and as nothing" {
    start_server -T cat
    answers fffe00000400"01"00000000000000 "fffe000004${S}04"
    answers "fffe00000600$ZERO" "fffe000006${S}06"
    answers "fffe00000400$ZERO" "fffe000004${S}04"
    answers "fffe00000600$ZERO" "fffe000006${S}06"
    answers "fffe00000500$ZERO" "fffe000005${S}05"
    answers fffe00000400"01"00000000000000 "fffe000004${S}04"
}

@test "a filter that was switched off stays so over a restart, and so does one that was switched on" {
    start_server -T cat
    tells 'done' filter-off
    stop_server
    start_server -T cat
    tells no filter
    stop_server
    start_server    # one without a filter in between
    tells 'status 5' filter
    stop_server
    start_server -T cat
    tells no filter
    tells 'done' filter-on
    kill -HUP "$SERVER_PID"
    stop_server
    start_server -T cat
    tells yes filter
}

# --- statuses, in their order -----------------------------------------------------------------------------------------

@test "no signature, no answer" {
    start_server
    answers silence '' ff fe 00 0000 fffd fefe 00fe ff00 fefffe 0d0a 48454c4f20780d0a "$(printf '00%.0s' {1..1500})" \
        "fffd001234${S}00" "fefe001234${S}00" "feff001234${S}00" "0000001234${S}00" "00fffe001234${S}00" \
        "fffd001234${S}0000"
}

# By a forged address a monitor is made to ask another one, or itself: they would refuse each other's refusals for ever.
@test "the refusal of another monitor is no question, and gets no answer" {
    start_server
    local status
    for status in 01 02 03 04 05 06; do
        answers silence "fffe001234$status$ZERO" "fffe01ffff$status$ZERO"
    done
    answers "fffe00123401$ZERO" "fffe00123400$ZERO" "fffe00123407$ZERO" "fffe0012340100000000000000ff" \
        "fffe001234ff$ZERO"
}

@test "another length is status 4, with version and identifier as far as they go" {
    start_server
    answers "fffe00000004$ZERO" fffe fffe00
    answers "fffe01000004$ZERO" fffe01
    answers "fffe00123404$ZERO" fffe001234 "fffe001234$S" "fffe001234${S}0000" "fffe001234${S}" \
        "fffe001234${S}00$(printf '5a%.0s' {15..1500})" "fffe001234${S}00$(printf '00%.0s' {15..60000})"
    answers "fffe01123404$ZERO" fffe011234 "fffe011234$S" "fffe011234${S}0000"
    matches "^fffe00....04$ZERO\$" "$(raw fffe0012)"
}

@test "a wrong length is told before a wrong version, secret or command" {
    start_server
    matches "^fffe..123404$ZERO\$" "$(raw "fffe071234${S}0000")"
    answers "fffe00123404$ZERO" fffe001234"$ZERO"0000 fffe001234"$ZERO"00ff "fffe001234${S}ffff"
}

@test "a version that is neither 0 nor 1 is status 2, told before the secret and the command" {
    start_server
    local version
    for version in 02 03 7f 80 fe ff; do
        answers "fffe00123402$ZERO" "fffe${version}1234${S}00" "fffe${version}1234${ZERO}00" \
            "fffe${version}1234${ZERO}ff"
    done
}

@test "a wrong secret is status 1, whichever octet is wrong, told before the command and the filter" {
    start_server
    local i wrong=(0000000000000000 6d69706173733200 6369706173733233 MIPASS23 7365637265747061)
    wrong[3]=4d49504153533233
    for i in {0..7}; do wrong+=("${S:0:2 * i}ff${S:2 * i + 2}"); done
    for i in "${wrong[@]}"; do
        answers "fffe00123401$ZERO" "fffe001234${i}00" "fffe001234${i}06" "fffe001234${i}24" "fffe001234${i}40" \
            "fffe001234${i}ff"
    done
    tells 10240000 message-size
}

@test "an unknown command is status 3: all of them" {
    start_server
    local commands=() c
    for ((c = 0x26; c < 256; c++)); do
        ((c >= 0x40 && c <= 0x4e || c >= 0x50 && c <= 0x61)) || commands+=("fffe001234$S$(printf %02x "$c")")
    done
    answers "fffe00123403$ZERO" "${commands[@]}"
}

@test "every command up to 37 has an answer, and those that set something are done" {
    start_server
    local c known=() sets=()
    for ((c = 0; c < 0x26; c++)); do known+=("$c"); done
    for ((c = 0x40; c <= 0x61; c++)); do ((c == 0x4f)) || sets+=("$c"); done
    ask "${known[@]}" >told
    same 34 "$(grep -cE '^[0-9]+$' told)"
    same 'status 5 status 5 status 5 yes' "$(grep -vE '^[0-9]+$' told | xargs)"
    same '33 done' "$(ask "${sets[@]}" | sort | uniq -c | xargs)"
}

@test "the identifier is copied, whatever it is" {
    start_server
    local id
    for id in 0000 0001 00ff 0100 7fff 8000 fffe ffff; do
        answers "fffe00${id}0000000000"00000000 "fffe00$id${S}00"
        answers "fffe00${id}01$ZERO" "fffe00$id${ZERO}00"
        answers "fffe00${id}03$ZERO" "fffe00$id${S}3f"
    done
}

@test "one datagram in, one out: equal questions are answered each" {
    start_server
    "$PYTHON" - "$MPORT" <<'PY'
import socket, sys
client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
client.settimeout(20)
client.connect(("127.0.0.1", int(sys.argv[1])))
ask = b"\xff\xfe\0\x12\x34mipass23\0"
for _ in range(50): client.send(ask)
client.send(ask[:3] + b"\0\0" + ask[5:])
heard = [client.recv(2048) for _ in range(51)]
assert heard == [b"\xff\xfe\0\x12\x34" + bytes(9)] * 50 + [b"\xff\xfe\0\0\0" + bytes(9)], heard
PY
}

@test "random datagrams do no harm" {
    start_server
    local before
    before=$(monitors)
    "$PYTHON" - "$MPORT" <<'PY'
import random, select, socket, sys
dice = random.Random(4)
client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
client.connect(("127.0.0.1", int(sys.argv[1])))
good = b"\xff\xfe\0\x12\x34mipass23\0"
def mutant():
    octets = bytearray(good)
    octets[5 + dice.randrange(8)] ^= 1 + dice.randrange(255)    # never the secret
    for _ in range(dice.randrange(4)): octets[dice.choice((0, 1, 2, 3, 4, 13))] = dice.randrange(256)
    return bytes(octets)
for turn in range(3000):
    kind = turn % 3
    client.send(dice.randbytes(dice.choice((0, 1, 2, 3, 13, 14, 15, 100, 1400))) if kind == 0 else
                b"\xff\xfe" + dice.randbytes(dice.choice((0, 1, 2, 3, 11, 12, 13, 400))) if kind == 1 else mutant())
    while select.select([client], [], [], 0)[0]:
        answer = client.recv(2048)
        assert len(answer) == 14 and answer[:2] == b"\xff\xfe" and answer[5] in (1, 2, 4), answer
        assert answer[2] in ((0, 1) if answer[5] != 4 else range(256)) and answer[6:] == bytes(8), answer
PY
    tells '0 0 10240000' historic bytes message-size
    same "$before" "$(monitors)"
}

# --- version 1 --------------------------------------------------------------------------------------------------------

@test "the client's SipHash is that of its authors" {
    # The vectors of appendix A and of the authors' reference code: the key is 00 01 ... 0f.
    PYTHONPATH=$TOOLS "$PYTHON" -c '
from monitor import siphash
key = bytes(range(16))
assert siphash(key, b"") == 0x726FDB47DD0E0E31
assert siphash(key, bytes(range(15))) == 0xA129CA6149BE45E5
assert siphash(key, bytes(range(63))) == 0x958A324CEB064572'
}

# both_say_the_same: every counter but for the uptime; a worker that is born in between makes a difference.
both_say_the_same() {
    local c known=()
    for ((c = 0; c < 0x26; c++)); do ((c == 7)) || known+=("$c"); done
    ask "${known[@]}" >plain
    ask -1 "${known[@]}" >hashed
    diff plain hashed
}

@test "version 1 reads every counter, as version 0 does" {
    start_server
    one_session
    becomes '1 0 1' historic concurrent tcp-sessions
    wait_until both_say_the_same
    tells 'done' -1 0x60
    tells no log-text
}

@test "version 1: the reply has version 1, whatever the status" {
    start_server
    answers "fffe01123401$ZERO" "fffe011234${ZERO}00" "fffe011234${ZERO}ff" "fffe011234${S}00"
    tells 'status 3' -1 0x3f    # the client checks the version of each answer
    tells 'status 5' -1 filter
    tells 0 -1 historic
}

@test "version 1: the step of the clock and its neighbours are good, others are not" {
    start_server
    local step
    for step in -1 0 1; do tells 0 -1 --step="$step" historic; done
    for step in -2 2 -3 3 -1000 1000; do tells 'status 1' -1 --step="$step" historic; done
}

@test "version 1: a hash of another secret, identifier or command is refused" {
    start_server
    SECRET=mipass24 tells 'status 1' -1 historic
    PYTHONPATH=$TOOLS "$PYTHON" -c '
from monitor import request
good = request(1, 0x1234, b"mipass23", 0)
print(good.hex(), (good[:3] + b"\x12\x35" + good[5:]).hex(), (good[:13] + b"\1").hex())
print((good[:2] + b"\0" + good[3:]).hex())
print(*((good[:at] + bytes([good[at] ^ 1]) + good[at + 1:]).hex() for at in range(5, 13)))' >made
    # shellcheck disable=SC2046 # a list
    raw $(cat made) >said
    same fffe0112340000000000"00000000" "$(sed -n 1p said)"
    same "fffe01123501$ZERO" "$(sed -n 2p said)"
    same "fffe01123401$ZERO" "$(sed -n 3p said)"
    same "fffe00123401$ZERO" "$(sed -n 4p said)"
    same "8 fffe01123401$ZERO" "$(sed -n '5,$p' said | uniq -c | xargs)"
}

@test "version 1: the secret is in no datagram, and no hash is that of another question" {
    start_server
    "$PYTHON" - "$TOOLS" "$MPORT" <<'PY'
import socket, sys
sys.path.insert(0, sys.argv[1])
from monitor import now_step, request
client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
client.settimeout(20)
client.connect(("127.0.0.1", int(sys.argv[2])))
crossed, tokens = [], set()
for number in range(60):
    asked = request(1, number, b"mipass23", number % 4, now_step())
    client.send(asked)
    answer = client.recv(2048)
    assert answer[:6] == asked[:5] + b"\0", (asked, answer)
    crossed += [asked, answer]
    tokens.add(asked[5:13])
assert len(tokens) == 60, len(tokens)
for octets in crossed:
    for at in range(5): assert b"mipass23"[at:at + 4] not in octets, octets
PY
}

@test "monitor-plain=no: version 0 is status 2, version 1 goes on" {
    start_server -o monitor-plain=no
    answers "fffe00123402$ZERO" "fffe001234${S}00" "fffe001234${ZERO}00"
    tells '0 status 3' -1 historic 0xff
}

# --- who may ask ------------------------------------------------------------------------------------------------------

@test "with the default secret the monitor listens on loopback alone, and says so at the start" {
    namespace 10.9.9.9/32 fd00::9/128
    expect_stderr 'secretpa|default secret'
    MONITOR=(-P 0) SECRET=secretpa
    start_server
    same '127.0.0.1 [::1]' "$(listens)"
    tells 0 historic
    tells 0 -a ::1 historic
    same refused "$(raw -a 10.9.9.9 "fffe001234${S}00")"
    same refused "$(raw -a fd00::9 "fffe001234${S}00")"
    same 1 "$(complaints | wc -l)"
    talk -a 10.9.9.9 <<<'S~ 220'    # mail is taken there nevertheless
}

@test "the default secret is no safer for being chosen" {
    expect_stderr 'secretpa|default secret'
    MONITOR=(-P 0 -u secretpa) SECRET=secretpa
    start_server
    tells 0 historic
    refute grep -qE '(0\.0\.0\.0|\*|\[::\])$' <<<"$(listens | tr ' ' '\n')"
}

@test "with another secret the monitor answers on every address, IPv4 and IPv6" {
    namespace 10.9.9.9/32 fd00::9/128
    start_server
    for address in 127.0.0.1 10.9.9.9 ::1 fd00::9; do
        tells 0 -a "$address" historic
        tells 0 -1 -a "$address" historic
        SECRET=secretpa tells 'status 1' -a "$address" historic
    done
    same "" "$(complaints)"
}

@test "where no interface has IPv6 the monitor answers over IPv4, with any secret" {
    namespace 10.9.9.9/32
    "${RUN_IN[@]}" sh -c 'echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6'
    allow_stderr 'IPv6|secretpa|default secret'
    start_server
    tells 0 -a 10.9.9.9 historic
    stop_server
    MONITOR=(-P 0) SECRET=secretpa
    start_server
    tells 0 historic
    same refused "$(raw -a 10.9.9.9 "fffe001234${S}00")"
}

# --- options ----------------------------------------------------------------------------------------------------------

# free_udp_port: a port that nobody had a moment ago.
free_udp_port() { "$PYTHON" -c 'import socket; s = socket.socket(type=2); s.bind(("", 0)); print(s.getsockname()[1])'; }

@test "the third ready line names the monitor's port, and -P chooses it" {
    start_server
    # shellcheck disable=SC2153 # start_server sets PORT
    same "Listening on TCP port $PORT
Listening on UDP port $PORT
Listening on UDP port $MPORT (monitor)" "$(cat "$SERVER_OUT")"
    refute [ "$MPORT" = 0 ]
    refute [ "$MPORT" = "$PORT" ]
    stop_server
    local port
    port=$(free_udp_port)
    MONITOR=(-P "$port" -u "$SECRET")
    start_server
    same "$port" "$MPORT"
    tells 0 historic
}

@test "the monitor's port is 2626 where nothing else is said" {
    namespace
    allow_stderr 'secretpa|default secret'
    MONITOR=() SECRET=secretpa
    start_server
    same 2626 "$MPORT"
    tells 0 historic
}

@test "a port that is in use is refused, and named" {
    start_server
    mkdir other
    refused -f -p 0 -P "$MPORT" -u mipass23 -l other
    same 1 "$status"
    matches "$MPORT" "$output"
    tells 0 historic
    local port
    port=$(free_udp_port)
    refused -f -p "$port" -P "$port" -u mipass23 -l other
    matches "$port" "$output"
}

@test "a port is 0 to 65535, a secret 8 octets" {
    mkdir other
    for value in -1 65536 99999999999999999999 25x x ''; do
        refused -f -p 0 -P "$value" -u mipass23 -l other
        same 2 "$status"
        matches '-P' "$output"
    done
    for value in '' x mipass2 mipass234 "$(printf 'x%.0s' {1..300})" ñandúes; do
        refused -f -p 0 -P 0 -u "$value" -l other
        same 2 "$status"
        matches '-u' "$output"
    done
    refute matches 'mipass2' "$output"
}

# secret_file TEXT [MODE]: a server with this file would start with it, or not: see refused.
secret_file() {
    printf %s "$1" >secret
    chmod "${2:-600}" secret
}

@test "the secret comes from a file: its first line" {
    MONITOR=(-P 0)
    for text in fromfile $'fromfile\n' $'fromfile\nanother line\n'; do
        secret_file "$text" 600
        start_server -o secret-file="$PWD/secret"
        SECRET=fromfile tells 0 historic
        SECRET=fromfile tells 0 -1 historic
        SECRET=secretpa tells 'status 1' historic
        stop_server
    done
    secret_file fromfile 400
    echo "secret-file=$PWD/secret" >settings
    start_server -c settings
    SECRET=fromfile tells 0 historic
    refute grep -rqF fromfile "$LOGS"
    stop_server
    MONITOR=(-P 0 -u mipass23)      # which beats the file
    start_server -c settings
    tells 0 historic
    SECRET=fromfile tells 'status 1' historic
}

@test "a secret-file that others may read is refused" {
    mkdir other
    for mode in 640 604 644 660 444; do
        secret_file fromfile "$mode"
        refused -f -p 0 -P 0 -l other -o secret-file="$PWD/secret"
        same 1 "$status"
        matches "$PWD/secret" "$output"
    done
}

@test "a secret-file that is missing, or has no 8 octets in its first line, is refused" {
    mkdir other
    refused -f -p 0 -P 0 -l other -o secret-file="$PWD/nowhere"
    same 1 "$status"
    matches "$PWD/nowhere" "$output"
    for text in '' $'\n' $'\nfromfile\n' short $'short\n' $'toolong!!\n' ' fromfile'; do
        secret_file "$text"
        refused -f -p 0 -P 0 -l other -o secret-file="$PWD/secret"
        same 1 "$status"
        matches "$PWD/secret" "$output"
    done
    refute grep -q fromfile <<<"$output"
}

# --- a process of its own ---------------------------------------------------------------------------------------------

@test "the monitor is a process of its own, a child of the master, beside the door and the workers" {
    start_server
    local monitor door
    monitor=$(monitors)
    same 1 "$(wc -l <<<"$monitor")"
    same "$SERVER_PID" "$(ps -o ppid= -p "$monitor" | tr -d ' ')"
    door=$(ss -Hulnp "sport = :$PORT" | grep -o 'pid=[0-9]*' | cut -d = -f 2 | sort -u | grep -vx "$SERVER_PID")
    refute [ "$monitor" = "$door" ]
    same "" "$(ss -Htlnp "sport = :$PORT" | grep -o "pid=$monitor,")"
}

@test "kill -9 of the monitor harms no session, and a new monitor answers at the same port" {
    allow_stderr "$DEATH"
    start_server
    open tcp; open udp -u
    say tcp 'S~ 220'
    say udp 'S~ 220' 'C: HELO x' 'S~ 250'
    becomes '2 2' historic concurrent
    local monitor
    for _ in 1 2 3; do
        monitor=$(monitors)
        kill -9 "$monitor"
        wait_until gone "$monitor"
        becomes '2 2' historic concurrent
        refute [ "$monitor" = "$(monitors)" ]
        same 1 "$(monitors | wc -l)"
    done
    say tcp 'C: NOOP' 'S~ 250' 'C: QUIT' 'S~ 221' closed
    say udp 'C: NOOP' 'S~ 250' 'C: QUIT' 'S~ 221'
}

@test "SIGTERM to the monitor does not end the server" {
    allow_stderr '^servidor: .*(signal|died|15)'
    start_server
    kill -TERM "$(monitors)"
    becomes 0 historic
    wait_until greets
}

@test "SIGHUP does not lose the monitor" {
    start_server
    for _ in {1..5}; do
        kill -HUP "$SERVER_PID"
        tells 0 historic
    done
    one_session
    becomes 1 historic
    wait_until is_alone
    tells 1 historic
}

is_alone() { same 1 "$(monitors | wc -l)"; }

@test "the monitor answers while the server drains, and is gone with it" {
    start_server -o drain-timeout=600
    open tcp; open udp -u
    say tcp 'S~ 220'
    say udp 'S~ 220' 'C: HELO x' 'S~ 250'
    becomes '2 2' historic concurrent
    kill -TERM "$SERVER_PID"
    wait_until no_more_connections
    tells '2 2' historic concurrent
    say tcp 'C: QUIT' 'S~ 221' closed
    becomes '2 1' historic concurrent
    say udp 'C: QUIT' 'S~ 221'
    server_ends 0
    same refused "$(raw "fffe001234${S}00")"
}

no_more_connections() {
    refute "$PYTHON" -c "import socket; socket.create_connection(('127.0.0.1', $PORT))" 2>/dev/null
}

@test "a monitor that was killed comes back while the server drains" {
    allow_stderr "$DEATH"
    start_server -o drain-timeout=600
    open tcp
    say tcp 'S~ 220'
    becomes 1 concurrent
    kill -TERM "$SERVER_PID"
    wait_until no_more_connections
    kill -9 "$(monitors)"
    becomes 1 concurrent
    say tcp 'C: QUIT' 'S~ 221' closed
    server_ends 0
}

@test "without its master the monitor leaves, and frees its port" {
    start_server
    open tcp
    say tcp 'S~ 220'
    local old=$MPORT monitor
    monitor=$(monitors)
    kill_server KILL
    wait_until gone "$monitor"
    MONITOR=(-P "$old" -u "$SECRET")
    start_server
    tells 1 historic
    say tcp 'C: QUIT' 'S~ 221' closed
}

@test "the monitor answers each of 500 questions while 500 sessions are held" {
    start_server
    hold crowd 500
    same 'greeted 500 of 500' "${GREETED% in *}"
    becomes '500 500' historic concurrent
    # shellcheck disable=SC2046 # a list
    same '500 500' "$(ask $(printf 'concurrent %.0s' {1..500}) | sort | uniq -c | xargs)"
    WITHIN=120 say crowd noop quit
    WITHIN=60 becomes '500 0' historic concurrent
}

@test "latencia.sh measures both, leaves nothing, and does not take what it does not know" {
    local status=0
    SERVIDOR=$SERVIDOR timeout 120 "$ROOT/scripts/latencia.sh" 50 20 </dev/null >said 2>&1 3>&- 4>&- || status=$?
    ((status < 2)) || fail "$status: $(cat said)"   # 1 is a slow machine, which is no fault here
    grep -Eqx 'nothing happens( +[0-9.]+){5} % +0' said
    grep -Eqx '20 sessions( +[0-9.]+){5} % +0' said
    grep -Eq '^meanwhile: [1-9][0-9]* commands, ' said
    same "" "$(ls "$TMPDIR")"
    for arguments in '0' 'x' '5 0' '5 5 5' '-z'; do
        status=0
        # shellcheck disable=SC2086 # a list
        "$ROOT/scripts/latencia.sh" $arguments >said 2>&1 || status=$?
        same 2 "$status"
    done
}

@test "the secret of -u does not stay in the list of processes, and a SIGHUP does not mind" {
    not_under_valgrind 'the arguments are those of valgrind'
    : >settings
    start_server -c settings
    refute grep -q "$SECRET" "/proc/$SERVER_PID/cmdline"
    mv "$LOGS/smtpd.log" moved
    kill -HUP "$SERVER_PID"
    wait_until [ -e "$LOGS/smtpd.log" ]
    becomes 0 historic
}
