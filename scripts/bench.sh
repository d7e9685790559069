#!/usr/bin/env bash
# Measures this server, and another SMTP server beside it: six workloads, by turns, so that what else the machine does
# meets both. Starts a server of its own and ends it. See usage below.
#
# Everything happens in one temporary folder, the working folder from here on. Each run leaves a line in the file runs,
# which is the CSV; the table is made of it. Files are slow to create soon after many were removed, so the mail of each
# run is moved aside, and removed at the end of all.
set -u
umask 077
export LC_ALL=C
PATH=$PATH:/usr/sbin

usage() {
    cat <<USAGE
usage: bench.sh [--quick] [-n COUNT] [-r ROUNDS] [-w 'WORKLOAD...'] [-o FILE] [PEER-HOST:PORT]

Has this server, and the one at PEER-HOST:PORT, take mail in six ways, by turns in ROUNDS (3) rounds. Prints the medians
and those of the rounds' ratios in a table, and each run as CSV, below it or into FILE.

  W1  mails of 1 KiB, one a connection, 20 connections at once
  W2  mails of 1 KiB, many a connection, 20 connections; beside it what the disk can do: a file of 1 KiB is written,
      synced, linked and unlinked, and its folder synced, by 20 processes
  W3  mails of 100 KiB, one a connection, 20 connections
  W4  as W1, 500 connections
  W5  10000 sessions that do nothing: memory of each, the client's too, and time until all are greeted (of the peer,
      if it runs here and was just started, PEER_SESSIONS or 500: the memory)
  W6  mails of 5 MB, 4 connections; beside it smtp-sink, which keeps nothing

Ends with 0 if all that was measured is as it must be, and with 1 if not.

  --quick  one short round of each: under 2 minutes instead of under 15
  -n COUNT    so many mails a run, whatever time that takes, and sessions in W5; of W6 a tenth
  -r ROUNDS   1 to 99
  -w 'W1 W6'  these workloads only
  -o FILE     where the CSV goes
  -h          show this

A second of CPU is one of the server's processes, its dead ones too; the peer's are known if it runs on this machine
and you may see who listens on its port. After a run it has up to a minute to deliver what it queued, and the CPU of
that counts; the rate is that of accepting.

The peer must take mail from a@example.org for RCPT (b@localhost) and as many connections from here as W4 has, without
a greylist, filter or delay. Postfix: default_process_limit=1000, smtpd_client_connection_count_limit=0,
smtpd_client_connection_rate_limit=0, in_flow_delay=0.

Mail is kept in TMPDIR (/var/tmp), which should be on the peer's disk and has 10 GB or more. On ext4, files are slow to
create for five minutes where many were removed: this server's folders are put elsewhere by chattr +T, and so should be
those of the peer's queue and mail.

Mail is sent by SMTP_SOURCE (smtp-source of Postfix, where installed), or if that is empty by CLIENTE. SERVIDOR, CLIENTE
and MNG_CLIENT are the programs, those of this tree by default. Settings of the server may stand in OPTIONS, as in
OPTIONS='-o sync=no'.
USAGE
}

# shellcheck source=scripts/medida.bash
. "$(dirname "$0")/medida.bash"

ALL='W1 W2 W3 W4 W5 W6'
rounds=3 run_ms=3000 fixed='' csv='' chosen=$ALL
while getopts :hn:o:r:w:-: option; do
    case $option${OPTARG:-} in
    h*) usage; exit 0 ;;
    n*) fixed=$OPTARG ;;
    o*) csv=$OPTARG ;;
    r*) rounds=$OPTARG ;;
    w*) chosen=$OPTARG ;;
    -quick) rounds=1 run_ms=1500 patience=8 ;;
    *) usage >&2; exit 2 ;;
    esac
done
shift $((OPTIND - 1))
[ $# -le 1 ] || { usage >&2; exit 2; }
check_counts "$rounds" "$fixed"
for workload in $chosen; do
    [[ " $ALL " == *" $workload "* ]] || refuse "-w $workload: the workloads are $ALL"
done
peer=${1:-}
[[ $peer =~ ^(.+:[0-9]+)?$ ]] || refuse "$peer: HOST:PORT is wanted"
peer_host=${peer%:*} peer_port=${peer##*:}
peer_host=${peer_host#[} peer_host=${peer_host%]}

need_programs SERVIDOR CLIENTE MNG_CLIENT
SMTP_SOURCE=${SMTP_SOURCE-$(command -v smtp-source)}
[ -z "$csv" ] || { : >"$csv" && csv=$(realpath "$csv"); } || exit 1

enter_folder

# --- the servers ------------------------------------------------------------------------------------------------------

# What is loaded besides port and root of medida.bash: the host, and whose mail it takes.
declare -A host=([ours]=127.0.0.1 [sink]=127.0.0.1) rcpt=([ours]=b@example.org [sink]=b@example.org)

start_sink() {
    local tries user=()
    [ "$(id -u)" != 0 ] || user=(-u nobody)
    port[sink]=$((20000 + RANDOM % 10000))
    smtp-sink "${user[@]}" "127.0.0.1:${port[sink]}" 1024 >sink.said 2>&1 </dev/null &
    sink=$!
    helpers=$sink
    for ((tries = 0; tries < 100; tries++)); do
        ! listens "${port[sink]}" | grep -qx "$sink" || return 0
        kill -0 "$sink" 2>/dev/null || break
        sleep 0.1
    done
    echo "bench.sh: no smtp-sink: $(cat sink.said)" >&2
    stop_sink
    return 1
}

stop_sink() {
    [ -z "$sink" ] || kill "$sink" 2>/dev/null
    sink='' helpers=''
}
sink=''

# meet_peer: it is there; and which process it is, if it runs here. Who listens may have been started by another of the
# same program, or have given the socket to its children.
meet_peer() {
    local greeting='' pid parent
    { exec 3<>"/dev/tcp/$peer_host/$peer_port" && read -rt 30 greeting <&3; } 2>/dev/null
    [[ $greeting == 220* ]] || die "$peer: no SMTP server answers there${greeting:+, but: ${greeting%$'\r'}}"
    printf 'QUIT\r\n' >&3
    exec 3>&-
    host[peer]=$peer_host port[peer]=$peer_port rcpt[peer]=${RCPT:-b@localhost}
    [[ $peer_host =~ ^(127\..*|localhost|::1)$ ]] || return 0
    pid=$(listens "$peer_port" | head -n 1)
    while [ -n "$pid" ]; do
        parent=$(ps -o ppid= -p "$pid" | tr -d ' ')
        listens "$peer_port" | grep -qx "$parent" || [ "/proc/$parent/exe" -ef "/proc/$pid/exe" ] || break
        pid=$parent
    done
    [ "$pid" = 1 ] || root[peer]=$pid
}

# --- a run ------------------------------------------------------------------------------------------------------------

declare -A parallel=([W1]=20 [W2]=20 [W3]=20 [W4]=500 [W6]=4)
declare -A octets=([W1]=1024 [W2]=1024 [W3]=102400 [W4]=1024 [W6]=5000000)

# disk COUNT PROCESSES: what a mail asks of the disk, so many times. For the background, where it becomes perl.
disk() {
    mkdir -p disk/tmp disk/new
    # shellcheck disable=SC2016 # for perl
    exec perl -MIO::Handle -e '
        my ($count, $processes) = @ARGV;
        my @children;
        $SIG{TERM} = sub { kill KILL => @children };
        for my $p (1 .. $processes) {
            my $child = fork;
            push @children, $child;
            next if $child;
            $SIG{TERM} = "DEFAULT";
            for my $n (1 .. $count / $processes) {
                my $name = "$p.$n";
                open my $file, ">", "disk/tmp/$name" or die $!;
                syswrite($file, "x" x 1024) == 1024 && $file->sync or die $!;
                link "disk/tmp/$name", "disk/new/$name" and unlink "disk/tmp/$name" or die $!;
                open my $folder, "<", "disk/new" or die $!;
                $folder->sync or die $!;
            }
            exit;
        }
        while (wait != -1) { $bad |= $? }
        exit !!$bad' "$@"
}

# prepare WORKLOAD SERVER COUNT: the command that has so many mails sent, in the list sender.
prepare() {
    local workload=$1 server=$2 at_once=${parallel[$1]} mails=1
    ((at_once <= $3)) || at_once=$3
    if [ "$server" = disk ]; then
        sender=(disk "$3" "$at_once")
    elif [ -n "$SMTP_SOURCE" ]; then
        sender=("$SMTP_SOURCE" -s "$at_once" -m "$3" -l "${octets[$workload]}" -f a@example.org -t "${rcpt[$server]}")
        [ "$workload" != W2 ] || sender+=(-d)
        sender+=("$(address "$server")")
    else
        [ "$workload" != W2 ] || mails=$(($3 / at_once))
        make_orders "${rcpt[$server]}" "$mails" "${octets[$workload]}" >orders
        sender=("$CLIENTE" -n $(($3 / mails)) -j "$at_once" -p "${port[$server]}" "${host[$server]}" TCP orders)
    fi
}

address() { case ${host[$1]} in *:*) echo "[${host[$1]}]:${port[$1]}" ;; *) echo "${host[$1]}:${port[$1]}" ;; esac; }

# whole WORKLOAD COUNT: a count that all of its connections can share evenly, or fewer than they are.
whole() { if (($2 < parallel[$1])); then echo "$2"; else echo $(($2 - $2 % parallel[$1])); fi; }

# run WORKLOAD SERVER COUNT: sends; sets took, in microseconds. False, and says why, if it fails.
run() {
    local since until
    prepare "$@"
    since=$EPOCHREALTIME
    "${sender[@]}" >said 2>&1 </dev/null &
    load=$!
    wait "$load" || { echo "bench.sh: $1, $2: $(tail -n 2 said)" >&2; load=''; return 1; }
    until=$EPOCHREALTIME load=''
    took=$((${until/./} - ${since/./}))
    move_aside
}

# calibrate WORKLOAD SERVER: sets count, with which a run takes about as long as it should. Goes on as long as the rate
# rises, since a server comes by as many processes as it takes. Large mails fill the disk soon, and are slow to remove.
calibrate() {
    local tries more rate best=0 run_ms=$run_ms
    ((octets[$1] < 100000)) || run_ms=$((run_ms > 2000 ? run_ms / 2 : 1000))
    count=$((parallel[$1] * 2))
    run "$1" "$2" "$count" || return 1
    for ((tries = 0; tries < 12; tries++)); do
        run "$1" "$2" "$count" || return 1
        if ((took < run_ms * 250)); then
            more=$((run_ms * 1000 / took + 1)) count=$((count * (more < 8 ? more : 8)))
            continue
        fi
        rate=$((count * 1000000000 / took))
        count=$(whole "$1" $((rate * run_ms / 1000000 + parallel[$1])))
        ((rate > best + best / 4)) || break
        best=$rate
    done
}

# --- what was measured ------------------------------------------------------------------------------------------------

columns=workload,server,round,count,seconds,per_second,cpu_s,cpu_s_per_1000
columns+=,kib_each,greeting_p99_ms,monitor_p99_ms,calls_each,syncs_each
echo "$columns" >runs

# record WORKLOAD SERVER ROUND COUNT MICROSECONDS CPU REST: a line of the CSV; what is not known is empty.
record() {
    awk -v name="$1,$2,$3" -v count="$4" -v us="$5" -v cpu="$6" -v rest="$7" 'BEGIN {
        time = us == "" ? "," : sprintf("%.6f,%.1f", us / 1e6, count * 1e6 / us)
        used = cpu == "" ? "," : sprintf("%.3f,%.4f", cpu, cpu * 1000 / count)
        print name "," count "," time "," used "," rest
    }' >>runs
}

# median WORKLOAD SERVER COLUMN [OTHER]: of the rounds, or of the rounds' ratios to the other server; - if unknown.
median() {
    awk -F , -v workload="$1" -v server="$2" -v column="$3" -v other="${4:-}" '
        NR == 1 { for (i = 1; i <= NF; i++) if ($i == column) at = i; next }
        $1 != workload || $at == "" { next }
        $2 == server { mine[$3] = $at }
        $2 == other { his[$3] = $at }
        END {
            for (round in mine)
                if (other == "") print mine[round]
                else if (his[round] > 0) print mine[round] / his[round]
        }' runs | sort -g | awk '{ all[NR] = $1 } END { print NR ? all[int((NR + 1) / 2)] : "-" }'
}

failed=0 met=0 missed=()
# row NAME OURS OTHER RATIO [FIGURE <=|>= LIMIT]: a line of the table, and whether the figure is as it must be.
row() {
    local verdict=''
    if [ "${5:--}" != - ]; then
        if is_so "$5" "$6" "$7"; then
            verdict=met met=$((met + 1))
        else
            verdict=missed missed+=("${1/  / }")
        fi
    fi
    awk -v name="$1" -v ours="$2" -v other="$3" -v ratio="$4" -v must="${6:-} ${7:-}" -v verdict="$verdict" '
        function form(x) {
            if (x !~ /[0-9]/) return x
            return sprintf(x < 10 ? "%.2f" : x < 100 ? "%.1f" : "%.0f", x)
        }
        BEGIN {
            line = sprintf("%-44s %10s %10s %8s  %-8s%s", name, form(ours), form(other), form(ratio), must, verdict)
            sub(/ +$/, "", line)
            print line
        }'
}

# is_so FIGURE <=|>= LIMIT
is_so() {
    awk -v figure="$1" -v than="$2" -v limit="$3" \
        'BEGIN { exit !(than == ">=" ? figure >= limit : figure <= limit) }'
}

# used SERVER COMMAND...: runs it; sets spent, the CPU of that server meanwhile and until it is calm, or nothing.
used() {
    local server=$1 before
    shift
    spent=''
    [ -n "${root[$server]:-}" ] || { "$@"; return; }
    before=$(cpu "$server")
    "$@" || return 1
    spent=$(awk -v before="$before" -v after="$(calm "$server")" 'BEGIN { printf "%.3f", after - before }')
}

# measure WORKLOAD SERVER...: all rounds, by turns. What fails is told, and not tried again.
measure() {
    local workload=$1 round server servers=() count
    local -A counts=()
    for server in "${@:2}"; do
        count=${fixed:+$(whole "$workload" "$fixed")}
        [ "$workload" != W6 ] || count=${fixed:+$(((fixed + 9) / 10))}
        [ -n "$count" ] || calibrate "$workload" "$server" || { failed=1; continue; }
        counts[$server]=$count
        servers+=("$server")
        [ -z "${root[$server]:-}" ] || calm "$server" >calm.said
    done
    for ((round = 1; round <= rounds; round++)); do
        for server in "${servers[@]}"; do
            used "$server" run "$workload" "$server" "${counts[$server]}" || { failed=1; continue; }
            record "$workload" "$server" "$round" "${counts[$server]}" "$took" "$spent" ,,,,
        done
    done
}

# rates WORKLOAD WHAT LEAST: the rows of both servers.
rates() {
    local ratio
    ratio=$(median "$1" ours per_second peer)
    row "$1  $2" "$(median "$1" ours per_second)" "$(median "$1" peer per_second)" "$ratio" "$ratio" '>=' "$3"
}

# cpus WORKLOAD [MOST]: the seconds for 1,000 mails of both.
cpus() {
    local ours ratio
    ours=$(median "$1" ours cpu_s_per_1000) ratio=$(median "$1" ours cpu_s_per_1000 peer)
    row "$1  s of CPU per 1,000" "$ours" "$(median "$1" peer cpu_s_per_1000)" "$ratio" ${2:+"$ours" '<=' "$2"}
}

# beside WORKLOAD SERVER NAME LEAST: what else was measured with it.
beside() {
    local ratio
    ratio=$(median "$1" ours per_second "$2")
    row "$1  $3" - "$(median "$1" "$2" per_second)" "$ratio" "$ratio" '>=' "$4"
}

# --- a client that comes while W1 is sent -----------------------------------------------------------------------------

# meanwhile: 300 clients, one after the other, while 20 send; and 200 questions to the monitor.
meanwhile() {
    local greeted answered number since until clients=${fixed:-300} questions=${fixed:-200}
    prepare W1 ours 900000
    "${sender[@]}" >said 2>&1 </dev/null &
    load=$!
    greeted=$("$CLIENTE" -n "$clients" -j 1 -C -p "${port[ours]}" 127.0.0.1 TCP quit 2>client.said |
        awk -F , 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == "greeting_p99_ms") at = i } NR == 2 { print $at }')
    for ((number = 0; number < questions; number++)); do
        since=$EPOCHREALTIME
        "$MNG_CLIENT" localhost "$SECRET" "$monitor" mails >/dev/null || break
        until=$EPOCHREALTIME
        echo $((${until/./} - ${since/./}))
    done >answers
    answered=$(sort -n answers | awk -v all="$questions" '
        { us[NR] = $1 }
        NR == all { printf "%.2f", us[int((NR * 99 + 99) / 100)] / 1000 }')
    if [ -n "${greeted:+$answered}" ] && kill -0 "$load" 2>/dev/null; then
        record W1-meanwhile ours 1 "$clients" '' '' ",$greeted,$answered,,"
    else
        echo "bench.sh: W1 meanwhile: $(tail -qn 2 said client.said errors)" >&2
        failed=1
    fi
    kill "$load" 2>/dev/null
    wait "$load" 2>/dev/null
    load=''
    calm ours >calm.said
    move_aside
    greeted=$(median W1-meanwhile ours greeting_p99_ms) answered=$(median W1-meanwhile ours monitor_p99_ms)
    row 'W1  a greeting meanwhile, ms, 99 %' "$greeted" - - "$greeted" '<=' 100
    row 'W1  the monitor meanwhile, ms, 99 %' "$answered" - - "$answered" '<=' 100
}

# --- system calls -----------------------------------------------------------------------------------------------------

# traced COUNT: "CALLS SYNCS" of a server, from its start to its end, that took so many mails.
traced() {
    local status=0
    start_server strace -f -c -o calls
    run W1 ours "$1" || status=1
    stop_server
    awk '$NF != "total" && $4 ~ /^[0-9]+$/ { calls += $4; if ($NF ~ /^f(data)?sync$/) syncs += $4 }
        END { print calls + 0, syncs + 0 }' calls >traced
    return "$status"
}

# system_calls: of a mail of W1: what a server makes for twice as many mails more.
system_calls() {
    local few=${fixed:-200} calls syncs
    strace -c -o /dev/null true 2>/dev/null || { row 'W1  system calls a mail (needs strace)' - - -; return; }
    stop_server
    if traced "$few" && read -r calls syncs <traced && traced $((few * 2)); then
        record W1-calls ours 1 "$few" '' '' ",,,$(awk -v calls="$calls" -v syncs="$syncs" -v mails="$few" \
            '{ printf "%.2f,%.3f", ($1 - calls) / mails, ($2 - syncs) / mails }' traced)"
    else
        failed=1
    fi
    start_server
    row 'W1  system calls a mail' "$(median W1-calls ours calls_each)" - -
    row 'W1  fsyncs a mail, file and folder' "$(median W1-calls ours syncs_each)" - -
}

# --- sessions that do nothing -----------------------------------------------------------------------------------------

available_kib() { sed -n 's/^MemAvailable: *\([0-9]*\) kB/\1/p' /proc/meminfo; }

# settled_kib SESSIONS: MemAvailable, when it has come to rest: what so many processes had that have just ended comes
# back bit by bit, and would be taken for memory that the sessions do not cost. After 10,000 it may take two minutes,
# after a few some seconds: longer is not waited, since where others use the machine there is no rest.
settled_kib() {
    local before now rests=0 tries
    now=$(available_kib)
    for ((tries = 0; tries < 12 + $1 / 44 && rests < 6; tries++)); do
        sleep 0.5
        before=$now now=$(available_kib)
        if ((now - before > 2000 || before - now > 2000)); then rests=0; else rests=$((rests + 1)); fi
    done
    echo "$now"
}

# idle SERVER ROUND COUNT: so many sessions are greeted and held, and a look at the memory then.
idle() {
    local line before after='' greeted seconds
    rm -f news
    mkfifo news
    before=$(settled_kib "$3")
    "$CLIENTE" -n "$3" -j 20 -H 2 -C -t 15 -p "${port[$1]}" "${host[$1]}" TCP quit >said 2>news </dev/null &
    load=$!
    while read -r line; do
        echo "$line" >>idle.said
        [[ $line =~ ^([0-9]+)' sessions greeted of '[0-9]+' in '([0-9.]+)' s' ]] || continue
        after=$(available_kib) greeted=${BASH_REMATCH[1]} seconds=${BASH_REMATCH[2]}
    done <news
    wait "$load"
    load=''
    if [ -z "$after" ] || [ "$greeted" != "$3" ]; then
        echo "bench.sh: W5, $1: $(tail -n 2 idle.said)" >&2
        failed=1
        return 1
    fi
    record W5 "$1" "$2" "$3" "$(awk -v s="$seconds" 'BEGIN { printf "%d", s * 1000000 }')" '' \
        "$((before > after ? (before - after) / greeted : 0)),,,,"
}

# idle_rounds: ours begins each with few workers, and so few sessions that wait for one.
idle_rounds() {
    local round sessions=${fixed:-10000} time memory
    ((sessions <= 10000)) || sessions=10000
    for ((round = 1; round <= rounds; round++)); do
        stop_server
        start_server
        idle ours "$round" "$sessions" || break
    done
    time=$(median W5 ours seconds) memory=$(median W5 ours kib_each)
    row "W5  s until $sessions sessions are greeted" "$time" - - "$time" '<=' 5
    row 'W5  KiB of each, everything included' "$memory" "$(median W5 peer kib_each)" - "$memory" '<=' 128
}

# --- all of it --------------------------------------------------------------------------------------------------------

load_w1() {
    measure W1 ours ${peer:+peer}
    rates W1 '1 KiB, one a connection, 20 at once' 4
    cpus W1 0.35
    system_calls
    meanwhile
}

load_w2() {
    measure W2 disk ours ${peer:+peer}
    rates W2 '1 KiB, many a connection, 20' 5
    beside W2 disk 'what the disk can do' 0.5
    cpus W2
}

load_w3() {
    measure W3 ours ${peer:+peer}
    rates W3 '100 KiB, one a connection, 20' 2
    cpus W3
}

load_w4() {
    measure W4 ours ${peer:+peer}
    rates W4 '1 KiB, one a connection, 500' 5
    cpus W4
}

load_w6() {
    local beside=''
    ! command -v smtp-sink >/dev/null || ! start_sink || beside=sink
    measure W6 ours ${peer:+peer} $beside
    rates W6 '5 MB, one a connection, 4' 1.15
    beside W6 sink 'smtp-sink, which keeps nothing' 0.9
    cpus W6
    stop_sink
}

load_w5() { idle_rounds; }

echo QUIT >quit
[ -z "$peer" ] || meet_peer
start_server
# The peer cannot be started anew, so its memory is looked at before it has the processes of other workloads.
if [[ " $chosen " == *' W5 '* ]] && [ -n "${root[peer]:-}" ]; then
    idle peer 1 "${fixed:-${PEER_SESSIONS:-500}}"
fi
with=${SMTP_SOURCE##*/}
echo "Mails a second where nothing else is said: medians of $rounds rounds, by turns, on $(nproc) processors."
echo "Mail on $(df --output=fstype . | tail -n 1) in ${work%/*}, sent by ${with:-cliente}."
printf '%-44s %10s %10s %8s  %s\n' '' ours "${peer:+peer}" ratio must
for workload in $ALL; do
    [[ " $chosen " != *" $workload "* ]] || "load_${workload,,}"
done
if [ "${#missed[@]}" = 0 ]; then
    echo "All $met targets that were measured are met."
else
    echo "$met targets are met, ${#missed[@]} missed: $(printf '%s; ' "${missed[@]}" | sed 's/; $//')."
fi
if [ -n "$csv" ]; then cat runs >"$csv"; else echo; cat runs; fi
[ "$failed${#missed[@]}" = 00 ]
