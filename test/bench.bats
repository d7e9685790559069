#!/usr/bin/env bats
# shellcheck disable=SC2030,SC2031 # each test is a subshell, and sets what it needs
# bench.sh and curvas.sh, with so few mails that nothing is measured: their numbers belong together and agree with what
# the servers hold, they say what goes wrong, and leave nothing. How fast the server is, is no matter of these tests.

load helper

local_setup() {
    leaks_unseen    # bench.sh traces a server
    export SMTP_SOURCE=
}

# bench ARGUMENT...: what it says in said and problems, the CSV in runs.csv, how it ended in $status.
bench() {
    status=0
    timeout 300 "$ROOT/scripts/bench.sh" -o runs.csv "$@" </dev/null >said 2>problems 3>&- 4>&- || status=$?
    same "" "$(ls "$TMPDIR")"
    none_is_ours_but_peer || fail "a process was left"
}

none_is_ours_but_peer() { wait_until only_left ${SERVER_PID:+"$SERVER_PID" $(children)}; }

# start_peer: our server once more, which keeps mail for b in peer/b.
start_peer() {
    start_server -q -m "$PWD/peer" "$@"
    export RCPT=b@example.org
}

HEADER=workload,server,round,count,seconds,per_second,cpu_s,cpu_s_per_1000,kib_each,greeting_p99_ms,monitor_p99_ms
HEADER+=,calls_each,syncs_each

# The lines of the CSV are whole, and the rates are what counts and times make.
consistent() {
    same "$HEADER" "$(head -n 1 runs.csv)"
    awk -F , '
        function far(a, b) { return a - b > 0.01 * b + 0.06 || b - a > 0.01 * b + 0.06 }
        NR == 1 { next }
        NF != 13 || $4 !~ /^[1-9][0-9]*$/ { print "not whole: " $0 }
        $5 != "" && far($6, $4 / $5) { print "rate: " $0 }
        $7 != "" && far($8, $7 * 1000 / $4) { print "CPU: " $0 }' runs.csv >wrong
    same "" "$(cat wrong)"
}

# lines_of: how many rounds of each workload and server there are.
lines_of() { sed 1d runs.csv | cut -d , -f 1,2 | sort | uniq -c | awk '{ printf "%s%s:%d", sep, $2, $1; sep = " " }'; }

# verdict: the exit status is what the last line of the table says.
verdict() {
    case $status in
    0) matches '^All [1-9][0-9]* targets that were measured are met\.$' "$(tail -n 1 said)" ;;
    1) matches '^[0-9]+ targets are met, [1-9][0-9]* missed: W' "$(tail -n 1 said)" ;;
    *) fail "$status: $(cat said problems)" ;;
    esac
    same "$(grep -c ' met$' said)" "$(tail -n 1 said | grep -o '[0-9]* targets' | cut -d ' ' -f 1)"
}

# row_of NAME: what the table says behind that name.
row_of() { grep "^$1" said | cut -c 45-; }

as_printed() { awk '{ printf $1 < 10 ? "%.2f" : $1 < 100 ? "%.1f" : "%.0f", $1 }'; }

# used_by PID: the CPU seconds of that process, of its children and of the dead ones.
used_by() { bash -c '. "$1" && root[it]=$2 && cpu it' used_by "$ROOT/scripts/medida.bash" "$1"; }

@test "bench.sh measures this server and another in six ways, and its counts are the mails that the other has" {
    start_peer
    bench -n 20 -r 2 "127.0.0.1:$PORT"
    same "" "$(grep -v 'smtp-sink' problems)"
    verdict
    consistent
    local ours ratio sink=' W6,sink:2'
    command -v smtp-sink >/dev/null || [ -x /usr/sbin/smtp-sink ] || sink=
    same "W1,ours:2 W1,peer:2 W1-calls,ours:1 W1-meanwhile,ours:1 W2,disk:2 W2,ours:2 W2,peer:2 W3,ours:2 W3,peer:2 \
W4,ours:2 W4,peer:2 W5,ours:2 W5,peer:1 W6,ours:2 W6,peer:2$sink" "$(lines_of)"
    same "$(awk -F , '$2 == "peer" && $1 != "W5" { n += $4 } END { print n }' runs.csv)" \
        "$(find peer/b/new -type f | wc -l)"
    same 40 "$(find peer/b/new -size +95k -size -110k | wc -l)"
    same 4 "$(find peer/b/new -size +4800k | wc -l)"
    # Of two rounds the median is the lower one; a ratio is one of the rounds', not that of the medians.
    read -r ours _ ratio _ <<<"$(row_of 'W1  1 KiB')"
    same "$(awk -F , '$1 == "W1" && $2 == "ours" { print $6 }' runs.csv | sort -g | head -n 1 | as_printed)" "$ours"
    same "$(awk -F , '$1 == "W1" { rate[$2, $3] = $6 }
        END { for (i = 1; i <= 2; i++) print rate["ours", i] / rate["peer", i] }' runs.csv | sort -g | head -n 1 |
        as_printed)" "$ratio"
    # The peer's processes are found, and no run has the CPU of another: in all it is no more than the peer has used.
    awk -F , -v all="$(used_by "$SERVER_PID")" '
        $2 == "peer" { sum += $7 }
        END { if (sum <= 0 || sum > all + 0.02) print sum, all }' runs.csv >wrong
    same "" "$(cat wrong)"
}

@test "bench.sh sends by smtp-source where it is, and so many mails too" {
    SMTP_SOURCE=$(PATH=$PATH:/usr/sbin command -v smtp-source) || skip "no smtp-source"
    start_peer
    bench -n 40 -r 1 -w 'W1 W2' "127.0.0.1:$PORT"
    grep -q 'sent by smtp-source' said
    same 80 "$(find peer/b/new -type f | wc -l)"
    # One that asks who is there, 40 of a mail each, and 20 that have two.
    tells 61 historic
}

@test "bench.sh without a peer prints the CSV below its table" {
    local status=0
    "$ROOT/scripts/bench.sh" -n 40 -r 1 -w 'W2 W1' </dev/null >said 2>problems 3>&- 4>&- || status=$?
    same "" "$(cat problems)"
    sed '1,/^$/d' said >runs.csv
    sed -i '/^$/,$d' said
    grep -q 'sent by cliente' said
    verdict
    consistent
    same 'W1,ours:1 W1-calls,ours:1 W1-meanwhile,ours:1 W2,disk:1 W2,ours:1' "$(lines_of)"
    same "" "$(ls "$TMPDIR")"
}

@test "bench.sh counts the system calls of a mail, and its syncs, from the end of the start to that of the server" {
    OPTIONS='-o sync=no' bench -n 40 -r 1 -w W1
    verdict
    same 0.000 "$(awk -F , '$1 == "W1-calls" { print $13 }' runs.csv)"
    bench -n 40 -r 1 -w W1
    # A mail and its folder are synced, the folder for many at once.
    awk -F , '$1 == "W1-calls" && $12 > 15 && $12 < 200 && $13 >= 1 && $13 < 5 { good = 1 } END { exit !good }' runs.csv
}

@test "bench.sh says that a peer is not there, is no SMTP server, or does not take the mail" {
    bench 127.0.0.1:9
    same 1 "$status"
    same 'bench.sh: 127.0.0.1:9: no SMTP server answers there' "$(cat problems)"
    same "" "$(cat said)"
    start_peer -o domain=example.net
    bench -n 20 -r 1 -w W3 "127.0.0.1:$PORT"
    same 1 "$status"
    matches '^bench.sh: W3, peer: ' "$(cat problems)"
    same 'W3,ours:1' "$(lines_of)"
    matches '^ *[0-9.]+ +- +- +>= 2$' "$(row_of 'W3  100 KiB')"
}

# A machine whose free memory never comes to rest, and where waiting for that takes no time.
restless() {
    mkdir bin
    cat >bin/sed <<END
#!/bin/sh
case \$* in
*MemAvailable*) echo look >>'$PWD/looks'; echo "\$((\$(wc -l <'$PWD/looks') % 2 * 100000 + 8000000))" ;;
*) exec $(command -v sed) "\$@" ;;
esac
END
    cat >bin/sleep <<END
#!/bin/sh
[ "\$1" = 0.5 ] || exec $(command -v sleep) "\$@"
END
    chmod +x bin/sed bin/sleep
}

@test "bench.sh of few sessions does not wait for minutes until all memory is at rest" {
    restless
    PATH=$PWD/bin:$PATH bench -n 20 -r 1 -w W5
    verdict
    same W5,ours:1 "$(lines_of)"
    # It does look for some seconds, twice in each.
    [ "$(wc -l <looks)" -ge 6 ]
    [ "$(wc -l <looks)" -le 30 ]
}

@test "bench.sh that is ended leaves no process and no file" {
    local pid status=0
    "$ROOT/scripts/bench.sh" -n 999999 -r 1 -w W1 </dev/null >said 2>&1 3>&- 4>&- &
    pid=$!
    wait_until mail_comes
    kill -TERM "$pid"
    wait "$pid" || status=$?
    same 143 "$status"
    same "" "$(ls "$TMPDIR")"
    wait_until none_is_ours
}

mail_comes() { compgen -G "$TMPDIR/bench.*/*/mails/b/new/*" >/dev/null; }

@test "bench.sh and curvas.sh say how they are used, and do not take what they do not know" {
    local arguments status
    "$ROOT/scripts/bench.sh" -h | grep -q '^usage: bench.sh'
    "$ROOT/scripts/curvas.sh" -h | grep -q '^usage: curvas.sh'
    for arguments in -x --quiet '-n 0' '-n x' '-r 0' '-r 100' '-w W7' 'host' 'host:1 host:2' '-n'; do
        status=0
        # shellcheck disable=SC2086 # a list
        "$ROOT/scripts/bench.sh" $arguments >said 2>problems || status=$?
        same 2 "$status" || fail "bench.sh $arguments"
        [ -s problems ]
    done
    for arguments in -x '-n 0' '-r 0' '-s 0' '-s 10001' '-l 10000001' '-s x' nowhere 'a b'; do
        status=0
        # shellcheck disable=SC2086 # a list
        "$ROOT/scripts/curvas.sh" $arguments >said 2>problems || status=$?
        [ "$status" = 2 ] || command -v gnuplot >/dev/null || [ "$status" = 1 ] || fail "curvas.sh $arguments: $status"
        [ -s problems ]
    done
}

@test "curvas.sh writes its runs and a picture of their medians" {
    command -v gnuplot >/dev/null || skip "no gnuplot"
    local status=0
    mkdir there
    "$ROOT/scripts/curvas.sh" -n 24 -r 3 -s '1 12' -l '1024 20480' there </dev/null >said 2>problems 3>&- 4>&- ||
        status=$?
    ((status < 2)) || fail "$status: $(cat problems)"
    same "" "$(cat problems)"
    same "" "$(ls "$TMPDIR")"
    same 'curve,sessions,octets,round,mails,seconds,per_second,mib_per_second' "$(head -n 1 there/curvas.csv)"
    sed 1d there/curvas.csv >runs.csv
    same '3 sessions,1,1024 3 sessions,12,1024 3 size,20,1024 3 size,20,20480' \
        "$(cut -d , -f 1-3 runs.csv | LC_ALL=C sort | uniq -c | xargs)"
    awk -F , '
        function far(a, b) { return a - b > 0.01 * b + 0.06 || b - a > 0.01 * b + 0.06 }
        $5 != ($2 == 20 ? 40 : 24) || far($7, $5 / $6) || far($8, $7 * $3 / 1048576)' runs.csv >wrong
    same "" "$(cat wrong)"
    same "$(awk -F , '$2 == 12 { print $7 }' runs.csv | sort -g | sed -n 2p)" "$(awk '$1 == 12 { print $3 }' said)"
    grep -q '</svg>' there/curvas.svg
    [ "$(wc -c <there/curvas.svg)" -lt 40000 ]
}
