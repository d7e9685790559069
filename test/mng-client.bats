#!/usr/bin/env bats
# mng_client alone, against a monitor that is a script (tools/fake_monitor.py, written from the ITBA report's tables).

load helper

local_setup() { unset SERVIDOR_SECRET FAKE; }

# One that was stopped would not end.
local_teardown() { [ ! -v FAKE ] || kill -CONT "$FAKE" 2>/dev/null || true; }

# serve [OPTION...]: starts a fake monitor on a free port, with the record of what it got in record. Sets PORT and FAKE.
serve() { start_fake fake_monitor.py --record record "$@"; }

# mng ARGUMENT...: runs the client. Sets status; leaves the files out and err.
mng() {
    status=0
    timeout 120 "$MNG_CLIENT" "$@" >out 2>err 3>&- 4>&- || status=$?
}

# ask COMMAND [HOST]: of the fake, with the secret that it has.
ask() { mng "${2:-localhost}" secretpa "$PORT" "$1"; }

# answers LINE: the last answer is an identifier and this line, and all is well.
answers() {
    same "0 " "$status $(cat out err | grep -E '^(Error|mng_client):' || true)"
    same 2 "$(wc -l <out)"
    matches '^Identifier: [0-9]+$' "$(sed -n 1p out)"
    same "$1" "$(sed -n 2p out)"
}

# says STATUS LINE: the last run ended so, with that line alone on stderr (a regular expression) and nothing on stdout.
says() {
    same "$1" "$status"
    same "" "$(cat out)"
    same 1 "$(wc -l <err)"
    matches "^$2\$" "$(cat err)"
}

# datagrams: what the fake got, in hexadecimal, without repetitions, which a slow machine may cause; ids: their ids, in
# decimal.
datagrams() { cut -d ' ' -f 2 record | uniq; }
ids() { local id; for id in $(datagrams | cut -c 7-10); do echo $((16#$id)); done; }

# --- what the report prints -------------------------------------------------------------------------------------------

@test "the seven commands of the report print its lines" {
    serve --values 0=1094,1=8,2=189705,3=1299,4=1
    ask 0 && answers 'Historic connections: 1094'
    ask 1 && answers 'Concurrent connections: 8'
    ask 2 && answers 'Bytes transfered: 189705'
    ask 3 && answers 'Mails sent: 1299'
    ask 4 && answers 'Transformations: enabled'
    ask 5 && answers 'Transformations enabled'
    ask 6 && answers 'Transformations disabled'
}

@test "a filter that is off is told" {
    serve --values 4=0
    ask 4 && answers 'Transformations: disabled'
}

@test "a question is the report's datagram, and its identifier is the one that is printed" {
    serve
    ask 3
    same 1 "$(datagrams | wc -l)"
    same "Identifier: $(ids)" "$(head -n 1 out)"
    same "$(printf 'fffe00%04x%s03' "$(ids)" "$(printf secretpa | od -An -tx1 | tr -d ' ')")" "$(datagrams)"
}

@test "a wrong secret is the report's error, alone on standard output" {
    serve
    mng localhost mipass23 "$PORT" 3
    same 1 "$status"
    same 'Error: Auth failed' "$(cat out)"
    same "" "$(cat err)"
}

@test "each status has its text" {
    local text n=1
    for text in 'Auth failed' 'Invalid version' 'Invalid command' 'Invalid request' \
        'No transformation program defined' 'Unexpected error' 'Unknown status 7'; do
        serve --statuses 3=$n
        ask 3
        same 1 "$status"
        same "Error: $text" "$(cat out)"
        same "" "$(cat err)"
        kill "$FAKE"
        n=$((n + 1))
    done
}

@test "counters have 64 bits" {
    serve --values 0=4294967296,2=18446744073709551615,3=4294967295
    ask 0 && answers 'Historic connections: 4294967296'
    ask 2 && answers 'Bytes transfered: 18446744073709551615'
    ask 3 && answers 'Mails sent: 4294967295'
}

# --- commands ---------------------------------------------------------------------------------------------------------

@test "a command is a name as well as a number" {
    serve
    ask bytes && answers 'Bytes transfered: 3'
    ask filter-off && answers 'Transformations disabled'
    ask tcp-sessions && answers 'Sessions over TCP: 14'
    ask 13 && answers 'Sessions over TCP: 14'
    ask log-text && answers 'Logging of texts: enabled'
    same '02 06 0d 0d 24' "$(datagrams | cut -c 27- | xargs)"
}

@test "each name that -h shows is asked by its number" {
    local number name
    serve
    mng -h
    grep -oE '[0-9]+ [a-z0-9-]+' <<<"$(grep -E '^ +[0-9]+ ' out)" >names
    same 38 "$(wc -l <names)"
    while read -r number name; do
        ask "$name"
        same 0 "$status"
        same "$(printf %02x "$number")" "$(datagrams | tail -n 1 | cut -c 27-)"
    done <names
}

@test "NAME=VALUE sets what can be set" {
    serve
    ask message-size=1M && answers 'Message size set to 1048576'
    ask message-size=1048576 && answers 'Message size set to 1048576'
    ask message-size=64K && answers 'Message size set to 65536'
    ask message-size=1G && answers 'Message size set to 1073741824'
    ask sessions-per-address=64 && answers 'Sessions per address set to 64'
    ask log-text=no && answers 'Logging of texts disabled'
    ask log-text=yes && answers 'Logging of texts enabled'
    ask 97 && answers 'Logging of texts enabled'
    same '44 44 40 4e 56 60 61 61' "$(datagrams | cut -c 27- | xargs)"
}

@test "what cannot be set, or not to that, is said with what can" {
    serve
    ask message-size=3M && says 2 'mng_client: message-size=3M: a message size is a power of two from 64K to 1G'
    ask message-size=2G && says 2 'mng_client: message-size=2G: a message size is .*'
    ask message-size=99999999999999999999K && says 2 'mng_client: .*: a message size is .*'
    ask message-size= && says 2 'mng_client: message-size=: a message size is .*'
    ask message-size=M && says 2 'mng_client: message-size=M: a message size is .*'
    ask sessions-per-address=0 && says 2 'mng_client: .*=0: sessions per address are a power of two from 1 to 32768'
    ask log-text=1 && says 2 'mng_client: log-text=1: log-text is yes or no'
    ask mails=3 &&
        says 2 'mng_client: mails=3: what can be set is message-size, sessions-per-address and log-text'
    ask nothing=3 && says 2 'mng_client: nothing=3: no such command; mng_client -h shows them'
    same "" "$(cat record)"
}

@test "a number that has no name is asked as it is" {
    serve
    ask 200
    same 1 "$status"
    same 'Error: Invalid command' "$(cat out)"
    same c8 "$(datagrams | cut -c 27-)"
    serve --commands 256
    ask 200 && answers 'Command 200 done'
}

# --- over the network -------------------------------------------------------------------------------------------------

@test "IPv4 and IPv6, addresses and names" {
    serve --host 127.0.0.1
    ask mails 127.0.0.1 && answers 'Mails sent: 4'
    ask mails localhost && answers 'Mails sent: 4'
    need_ipv6
    serve --host ::1
    ask mails ::1 && answers 'Mails sent: 4'
}

@test "what is lost is asked again with the same id" {
    serve --drop 3
    ask mails 127.0.0.1 && answers 'Mails sent: 4'
    (($(wc -l <record) >= 4))
    same 1 "$(sort -u record | wc -l)"
}

@test "without an answer there is an end after 5 seconds" {
    local begun times
    serve --serves 0
    begun=$(now_ms)
    ask mails 127.0.0.1
    (($(now_ms) - begun >= 5000))
    says 1 "mng_client: 127\.0\.0\.1 port $PORT: no answer in 5 s \(asked [0-9]+ times\)"
    times=$(sed 's/.*asked \([0-9]*\) times.*/\1/' err)
    ((times >= 2))
    wait_until has_lines record "$times"
    same "$times" "$(wc -l <record)"
    same 1 "$(sort -u record | wc -l)"
}

@test "an answer from another port is not taken" {
    serve --stranger
    ask mails 127.0.0.1
    says 1 "mng_client: .*: no answer in 5 s .*"
}

@test "a port that all addresses refuse is told at once" {
    mng localhost secretpa 1 mails
    says 1 'mng_client: localhost port 1: Connection refused; the port of the monitor is that of servidor -P'
}

@test "a name that does not exist is told" {
    mng nowhere.invalid secretpa 2626 mails
    says 1 'mng_client: nowhere\.invalid: .+'
}

@test "what has the wrong length, id, signature or version is no answer" {
    local lie
    for lie in garbage id signature version; do
        serve --lie $lie
        ask mails && answers 'Mails sent: 4'
        mng -1 localhost secretpa "$PORT" mails && answers 'Mails sent: 4'
        kill "$FAKE"
    done
}

# of_addresses ADDRESS...: the last mng, of a name that has these addresses in this order.
of_addresses() {
    printf '%s mng.test\n' "$@" >hosts
    status=0
    timeout 120 unshare -m sh -c 'mount --bind hosts /etc/hosts && exec "$@"' sh "$MNG_CLIENT" \
        mng.test secretpa "$PORT" mails >out 2>err 3>&- 4>&- || status=$?
}

# The answer of the one address that works is found behind one that refuses and one that is silent.
@test "a name's addresses are asked in turn until one answers" {
    need_root "a hosts file of its own"
    unshare -m true 2>/dev/null || skip "no mount namespace here"
    serve --host 127.0.0.2
    of_addresses 127.0.0.1 127.0.0.2
    answers 'Mails sent: 4'
    of_addresses 127.0.0.2 127.0.0.1
    answers 'Mails sent: 4'
    mv record answering
    "$PYTHON" "$TOOLS/fake_monitor.py" --host 127.0.0.3 --port "$PORT" --serves 0 --record silent >mute.port 3>&- 4>&- &
    sessions+=($!)
    wait_until [ -s mute.port ]
    of_addresses 127.0.0.1 127.0.0.3 127.0.0.2
    answers 'Mails sent: 4'
    of_addresses 127.0.0.3 127.0.0.1 127.0.0.2
    answers 'Mails sent: 4'
    [ -s silent ]
}

@test "a name of both families is asked over both" {
    need_root "a hosts file of its own"
    need_ipv6
    unshare -m true 2>/dev/null || skip "no mount namespace here"
    serve --host ::1
    of_addresses 127.0.0.1 ::1
    answers 'Mails sent: 4'
    serve --host 127.0.0.1
    of_addresses ::1 127.0.0.1
    answers 'Mails sent: 4'
}

# --- the secret -------------------------------------------------------------------------------------------------------

@test "the secret is the first line of a file" {
    local text
    serve
    for text in 'secretpa\n' 'secretpa' 'secretpa\r\n' 'secretpa\nmore of it\n'; do
        # shellcheck disable=SC2059
        printf "$text" >secret
        mng -s secret localhost "$PORT" mails && answers 'Mails sent: 4'
    done
    SERVIDOR_SECRET=mipass23 mng -s secret localhost "$PORT" mails && answers 'Mails sent: 4'
}

@test "a file without a secret of 8 octets is told, without the secret" {
    echo secretpas >secret
    mng -s secret localhost 2626 mails && says 1 'mng_client: secret: a secret has exactly 8 octets, not 9'
    : >secret
    mng -s secret localhost 2626 mails && says 1 'mng_client: secret: a secret has exactly 8 octets, not 0'
    mng -s . localhost 2626 mails && says 1 'mng_client: \.: Is a directory'
    mng -s nowhere localhost 2626 mails && says 1 'mng_client: nowhere: No such file or directory'
}

@test "the secret is in the environment, unless it is an operand" {
    serve
    SERVIDOR_SECRET=secretpa mng localhost "$PORT" mails && answers 'Mails sent: 4'
    SERVIDOR_SECRET=mipass23 mng localhost secretpa "$PORT" mails && answers 'Mails sent: 4'
    SERVIDOR_SECRET=secret mng localhost "$PORT" mails &&
        says 2 'mng_client: SERVIDOR_SECRET: a secret has exactly 8 octets, not 6'
}

@test "the secret of the command line does not stay there" {
    not_under_valgrind 'the arguments are those of valgrind'
    serve
    "$MNG_CLIENT" -w 60 127.0.0.1 secretpa "$PORT" mails >out 2>err 3>&- 4>&- &
    sessions+=($!)
    wait_until has_line out '^Mails'
    same "$MNG_CLIENT -w 60 127.0.0.1 ******** $PORT mails" "$(tr '\0' ' ' <"/proc/$!/cmdline" | sed 's/ $//')"
}

@test "any 8 octets are a secret" {
    serve --secret $'\303\261and\303\272s'
    mng localhost $'\303\261and\303\272s' "$PORT" mails
    answers 'Mails sent: 4'
}

# --- version 1 --------------------------------------------------------------------------------------------------------

@test "in version 1 the secret does not travel, and the server knows it all the same" {
    local run
    serve
    for run in 1 2 3; do
        mng -1 localhost secretpa "$PORT" mails && answers 'Mails sent: 4'
    done
    same 3 "$(datagrams | grep -c '^fffe01')"
    refute grep -q "$(printf secret | od -An -tx1 | tr -d ' ')" record
    (($(ids | sort -u | wc -l) > 1))
    (($(datagrams | cut -c 11-26 | sort -u | wc -l) > 1))
    mng -1 localhost mipass23 "$PORT" mails
    same 'Error: Auth failed' "$(cat out)"
}

@test "a server that does not know version 1 says so" {
    serve --newest 0
    mng -1 localhost secretpa "$PORT" mails
    same 1 "$status"
    same 'Error: Invalid version' "$(cat out)"
    ask mails && answers 'Mails sent: 4'
}

# --- all --------------------------------------------------------------------------------------------------------------

@test "all is a table of what can be read" {
    serve --values 0=1094,2=18970500000,7=93784,8=1719330859,17=1023,18=1024,34=10240000,35=64,36=0
    TZ=UTC mng localhost secretpa "$PORT" all
    same 0 "$status"
    same "" "$(cat err)"
    diff - out <<'END'
historic                     1094
concurrent                      2
bytes                 18970500000  17.7 GiB
mails                           4
filter                    enabled
uptime                      93784  1 d 2:03:04 h
started                1719330859  Tue Jun 25 15:54:19 2024
workers-idle                   10
workers-busy                   11
workers-born                   12
workers-died                   13
tcp-sessions                   14
udp-sessions                   15
tcp-mails                      16
udp-mails                      17
tcp-received                 1023
udp-received                 1024  1.0 KiB
tcp-sent                       20
udp-sent                       21
tcp-refused-4                  22
udp-refused-4                  23
tcp-refused-5                  24
udp-refused-5                  25
mails-refused-4                26
mails-refused-5                27
octets-refused-4               28
octets-refused-5               29
udp-resends                    30
udp-duplicates                 31
filter-runs                    32
filter-failures                33
lost-records                   34
message-size             10240000  9.8 MiB
sessions-per-address           64
log-text                 disabled
udp-dropped                    38
END
    same 36 "$(ids | sort -u | wc -l)"
}

@test "units are those of the table at their ends" {
    serve --values 2=18446744073709551615,7=59,8=18446744073709551615,17=1048524,18=1048525,19=1073741823
    TZ=UTC ask all
    same 'bytes 18446744073709551615 16.0 EiB' "$(grep ^bytes out | xargs)"
    same 'uptime 59' "$(grep ^uptime out | xargs)"
    same 'started 18446744073709551615' "$(grep ^started out | xargs)"
    same 'tcp-received 1048524 1023.9 KiB' "$(grep ^tcp-received out | xargs)"
    same 'udp-received 1048525 1.0 MiB' "$(grep ^udp-received out | xargs)"
    same 'tcp-sent 1073741823 1.0 GiB' "$(grep ^tcp-sent out | xargs)"
}

@test "what an old server does not know, and a filter that it does not have, is left out" {
    serve --commands 7 --statuses 4=5
    ask all
    same 0 "$status"
    same "" "$(cat err)"
    diff - out <<'END'
historic    1
concurrent  2
bytes       3
mails       4
END
    mng -o prometheus localhost secretpa "$PORT"
    same 0 "$status"
    same 'connections_total 1 open_connections 2 transferred_bytes_total 3 mails_total 4' \
        "$(sed -n 's/^servidor_//p' out | xargs)"
}

@test "an error is not in a table, but beside it" {
    serve
    mng localhost mipass23 "$PORT" all && says 1 'Error: Auth failed'
    mng -o prometheus localhost mipass23 "$PORT" && says 1 'Error: Auth failed'
    serve --statuses 20=6
    ask all && says 1 'Error: Unexpected error'
}

@test "a server that goes silent in the middle of a table leaves none" {
    serve --serves 5
    ask all 127.0.0.1
    says 1 'mng_client: .*: no answer in 5 s .*'
    same 6 "$(ids | sort -u | wc -l)"
}

# --- Prometheus -------------------------------------------------------------------------------------------------------

@test "promtool has nothing against the metrics" {
    command -v promtool >/dev/null || skip "promtool is not here (apt-get install prometheus)"
    serve --values 2=18446744073709551615
    mng -o prometheus localhost secretpa "$PORT"
    same 0 "$status"
    promtool check metrics <out >checked 2>&1 || { cat checked; return 1; }
    same "" "$(cat checked)"
}

@test "the metrics are named, typed and labelled" {
    serve --values 4=0,8=1719330859,36=1
    mng -o prometheus localhost secretpa "$PORT"
    same 0 "$status"
    same "" "$(cat err)"
    diff <(sed 's/^  *//' <<'END'
        servidor_connections_total 1
        servidor_open_connections 2
        servidor_transferred_bytes_total 3
        servidor_mails_total 4
        servidor_filter_enabled 0
        servidor_uptime_seconds 8
        servidor_start_time_seconds 1719330859
        servidor_workers{state="idle"} 10
        servidor_workers{state="busy"} 11
        servidor_workers_born_total 12
        servidor_workers_died_total 13
        servidor_sessions_total{transport="tcp"} 14
        servidor_sessions_total{transport="udp"} 15
        servidor_accepted_mails_total{transport="tcp"} 16
        servidor_accepted_mails_total{transport="udp"} 17
        servidor_received_bytes_total{transport="tcp"} 18
        servidor_received_bytes_total{transport="udp"} 19
        servidor_sent_bytes_total{transport="tcp"} 20
        servidor_sent_bytes_total{transport="udp"} 21
        servidor_refusals_total{transport="tcp",class="4"} 22
        servidor_refusals_total{transport="udp",class="4"} 23
        servidor_refusals_total{transport="tcp",class="5"} 24
        servidor_refusals_total{transport="udp",class="5"} 25
        servidor_refused_mails_total{class="4"} 26
        servidor_refused_mails_total{class="5"} 27
        servidor_refused_bytes_total{class="4"} 28
        servidor_refused_bytes_total{class="5"} 29
        servidor_udp_resends_total 30
        servidor_udp_duplicates_total 31
        servidor_filter_runs_total 32
        servidor_filter_failures_total 33
        servidor_lost_records_total 34
        servidor_message_size_limit_bytes 35
        servidor_sessions_per_address_limit 36
        servidor_log_text_enabled 1
        servidor_udp_dropped_total 38
END
    ) <(grep -v '^#' out)
    # each metric has one HELP and one TYPE, in this order, before its samples
    same "" "$(awk '$2 == "HELP" { help = $3; if (NF < 4 || seen[$3]++) print }
        $2 == "TYPE" { type = $3; if (type != help || $4 != ($3 ~ /_total$/ ? "counter" : "gauge")) print }
        !/^#/ { sub(/[ {].*/, ""); if ($0 != type) print }' out)"
}

@test "with a row left out the metric of its neighbour keeps its help" {
    serve --statuses 13=3
    mng -o prometheus localhost secretpa "$PORT"
    same '# HELP servidor_sessions_total Sessions by transport.' "$(grep 'HELP servidor_sessions_total' out)"
    same 'servidor_sessions_total{transport="udp"} 15' "$(grep '^servidor_sessions_total' out)"
}

@test "-o prometheus takes its secret from everywhere, and may be told all" {
    serve
    echo secretpa >secret
    mng -o prometheus localhost secretpa "$PORT" all && grep -qx 'servidor_mails_total 4' out
    mng -o prometheus -s secret localhost "$PORT" && grep -qx 'servidor_mails_total 4' out
    SERVIDOR_SECRET=secretpa mng -1 -o prometheus localhost "$PORT" && grep -qx 'servidor_mails_total 4' out
    SERVIDOR_SECRET=mipass23 mng -o prometheus localhost secretpa "$PORT" && grep -qx 'servidor_mails_total 4' out
}

# --- again and again --------------------------------------------------------------------------------------------------

# watch ARGUMENT...: the client in the background, as WATCHER.
watch() {
    "$MNG_CLIENT" "$@" >out 2>err 3>&- 4>&- &
    WATCHER=$!
    sessions+=("$WATCHER")
}

# interrupted STATUS: the watcher ends so when SIGINT comes.
interrupted() {
    status=0
    kill -INT "$WATCHER"
    wait_until gone "$WATCHER"
    wait "$WATCHER" || status=$?
    same "$1" "$status"
}

# has_times COUNT REGEX FILE
has_times() { (($(grep -Ec -e "$2" "$3") >= $1)); }

@test "-w asks again each period, with the rate of a counter, until SIGINT" {
    serve --growing 3
    watch -w 0.2 127.0.0.1 secretpa "$PORT" mails
    wait_until has_times 4 '^Mails' out
    interrupted 0
    same "" "$(cat err)"
    matches "^127\.0\.0\.1 port $PORT, [A-Z][a-z]{2} [A-Z][a-z]{2} .*20[0-9]{2}\$" "$(sed -n 1p out)"
    same "Identifier: $(ids | head -n 1)" "$(sed -n 2p out)"
    same 'Mails sent: 5' "$(sed -n 3p out)"
    matches '^Mails sent: 6 \([0-9]+\.[0-9]/s\)$' "$(sed -n 6p out)"
    matches '^Mails sent: 7 \([0-9]+\.[0-9]/s\)$' "$(sed -n 9p out)"
    same "$(ids | wc -l)" "$(ids | sort -u | wc -l)"
    refute grep -q $'\033' out
}

@test "-w of all has rates in the table" {
    serve --growing 2
    watch -w 0.2 127.0.0.1 secretpa "$PORT" all
    wait_until has_times 2 '^log-text' out
    interrupted 0
    same 'bytes 6' "$(grep -m 1 ^bytes out | xargs)"
    matches '^bytes +42  [0-9]+\.[0-9]/s *$' "$(grep ^bytes out | sed -n 2p)"
    same 'mails 4 0.0/s' "$(grep '^mails ' out | sed -n 2p | xargs)"
    same 'concurrent 2' "$(grep ^concurrent out | sed -n 2p | xargs)"
    refute grep -q ' $' out
}

@test "-w goes on when the server does not answer, and ends at once at SIGINT" {
    local count
    serve
    watch -w 0.2 127.0.0.1 secretpa "$PORT" mails
    wait_until has_times 1 '^Mails' out
    kill -STOP "$FAKE"
    WITHIN=60 wait_until has_line err 'no answer in 5 s'
    kill -CONT "$FAKE"
    count=$(grep -c ^Mails out)
    wait_until has_times $((count + 1)) '^Mails' out
    # a question that is under way is left too
    kill -STOP "$FAKE"
    interrupted 0
    kill -CONT "$FAKE"
}

@test "-w goes on when the server is away" {
    watch -w 0.2 127.0.0.1 secretpa 1 mails
    wait_until has_times 3 '^mng_client: .*Connection refused' err
    interrupted 0
    same "" "$(cat out)"
}

@test "-w ends at an error of the server" {
    serve
    mng -w 0.2 localhost mipass23 "$PORT" mails
    same 1 "$status"
    same 'Error: Auth failed' "$(cat out)"
    same 1 "$(datagrams | wc -l)"
}

@test "-w on a terminal clears the screen, and ends with Ctrl-C" {
    serve
    "$PYTHON" - "$MNG_CLIENT" -w 0.2 localhost secretpa "$PORT" all >screen 3>&- 4>&- <<'END'
import os, pty, sys
child, terminal = pty.fork()
if child == 0:
    os.execv(sys.argv[1], sys.argv[1:])
seen = b""
try:
    while True:
        seen += os.read(terminal, 4096)
        if seen.count(b"\033[H\033[2J") == 2:
            os.write(terminal, b"\x03")
except OSError:
    pass
sys.stdout.write(seen.decode())
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
END
    grep -q '^historic ' screen
}

# --- the command line -------------------------------------------------------------------------------------------------

@test "a wrong command line is one line that says what is right" {
    local use='; mng_client -h shows the usage'
    mng && says 2 "mng_client: HOST is missing$use"
    mng localhost && says 2 "mng_client: SECRET is missing$use"
    mng localhost secretpa && says 2 "mng_client: PORT is missing$use"
    mng localhost secretpa 2626 && says 2 "mng_client: COMMAND is missing$use"
    mng localhost secretpa 2626 1 2 && says 2 "mng_client: 2: one operand too many$use"
    mng localhost secretp 2626 1 && says 2 'mng_client: SECRET: a secret has exactly 8 octets, not 7'
    mng localhost secretpas 2626 1 && says 2 'mng_client: SECRET: a secret has exactly 8 octets, not 9'
    mng localhost secretpa 0 1 && says 2 'mng_client: 0: a port is 1 to 65535'
    mng localhost secretpa 65536 1 && says 2 'mng_client: 65536: a port is 1 to 65535'
    mng localhost secretpa smtp 1 && says 2 'mng_client: smtp: a port is 1 to 65535'
    mng localhost secretpa 2626 256 && says 2 "mng_client: 256: a command's number is 0 to 255"
    mng localhost secretpa 2626 mail && says 2 'mng_client: mail: no such command; mng_client -h shows them'
    mng localhost secretpa 2626 '' && says 2 'mng_client: : no such command; mng_client -h shows them'
    mng -- localhost secretpa 2626 -1 && says 2 'mng_client: -1: no such command; mng_client -h shows them'
    mng -x && says 2 "mng_client: -x: no such option$use"
    mng -w && says 2 "mng_client: -w: its value is missing$use"
}

@test "options that do not go together are told" {
    local period use='; mng_client -h shows the usage'
    for period in 0 0.05 86401 -1 1e3 nan '' 1.2.3 0x10 5s; do
        mng -w "$period" localhost secretpa 2626 mails
        says 2 "mng_client: -w $period: a period is 0.1 to 86400 seconds"
    done
    echo secretpa >secret
    mng -o json localhost secretpa 2626 && says 2 'mng_client: -o json: the other form of output is prometheus'
    mng -o prometheus localhost secretpa 2626 mails &&
        says 2 'mng_client: mails: -o prometheus prints all that can be read; leave the command out'
    mng -w 1 -o prometheus localhost secretpa 2626 &&
        says 2 'mng_client: -w and -o prometheus: it is Prometheus that asks again'
    mng -w 1 localhost secretpa 2626 filter-on &&
        says 2 'mng_client: filter-on: it sets something, and -w is for what can be read'
    mng -w 1 localhost secretpa 2626 message-size=1M && says 2 'mng_client: message-size=1M: it sets something, .*'
    mng -s secret localhost secretpa 2626 mails && says 2 "mng_client: -s and SECRET: one of them$use"
    mng -s secret localhost 2626 && says 2 "mng_client: COMMAND is missing$use"
    SERVIDOR_SECRET=secretpa mng localhost && says 2 "mng_client: PORT is missing$use"
}

@test "-h shows the usage and -v the version" {
    mng -h
    same 0 "$status"
    matches '^usage: mng_client ' "$(cat out)"
    mng -v
    same 0 "$status"
    same "mng_client $("$CLIENTE" -v | cut -d ' ' -f 2)" "$(cat out)"
}

@test "an output that takes nothing is an error" {
    serve
    status=0
    "$MNG_CLIENT" localhost secretpa "$PORT" mails >/dev/full 2>err || status=$?
    same 1 "$status"
    same 'mng_client: standard output: No space left on device' "$(cat err)"
    status=0
    "$MNG_CLIENT" -h >/dev/full 2>err || status=$?
    same 1 "$status"
}

@test "the manual has each command with its number, name and metric" {
    local page=$ROOT/cliente/mng_client.1 number name
    serve
    mng -h
    grep -oE '[0-9]+ [a-z0-9-]+' <<<"$(grep -E '^ +[0-9]+ ' out)" >names
    while read -r number name; do
        grep -Eq "^\.It $number Ta $name Ta( |\$)" "$page" || fail "not in the manual: $number $name"
    done <names
    mng -o prometheus localhost secretpa "$PORT"
    same "$(sed -n 's/^# TYPE servidor_\([a-z_]*\) .*/\1/p' out)" \
        "$(sed -n 's/^\.It [0-9]* Ta [a-z0-9-]* Ta \([a-z_]*\).*/\1/p' "$page" | uniq)"
}
