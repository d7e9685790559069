#!/usr/bin/env bash
# Compares the two transports of the same server: mails over TCP and over numbered UDP, in turns, so that what else the
# machine does meets both. Starts a server of its own and ends it. See usage below.
#
# Everything happens in one temporary folder, the working folder from here on.
set -u
umask 077
export LC_ALL=C

usage() {
    cat <<USAGE
usage: transportes.sh [ROUNDS]

ROUNDS (9) times it replays, over TCP and then over UDP, one session of 100 mails of 1,000 lines, and 400 sessions of one
short mail each, 4 at a time. Prints the medians of both, and of the rounds' ratios. Ends with 0 if over UDP at least 0.8
of TCP's lines and 0.5 of its sessions per second went through, with 1 otherwise.

  -h  show this

SERVIDOR and CLIENTE are the programs, those of this tree by default. The server is as it is: it syncs each mail to the
disk. OPTIONS='-o sync=no' leaves that out, and compares what is left: a datagram costs more than the same octets of a
connection, so the ratio is lower the less else there is to do.
USAGE
}

while getopts :h option; do
    case $option in
    h) usage; exit 0 ;;
    *) usage >&2; exit 2 ;;
    esac
done
shift $((OPTIND - 1))
[ $# -le 1 ] || { usage >&2; exit 2; }
rounds=${1:-9}
[[ $rounds =~ ^[1-9][0-9]?$ ]] || { echo "transportes.sh: $rounds: a number from 1 to 99 is wanted" >&2; exit 2; }

MAILS=100 LINES_EACH=1000 SESSIONS=400 AT_ONCE=4
tree=$(cd "$(dirname "$0")/.." && pwd) || exit 1
SERVIDOR=${SERVIDOR:-$tree/servidor/servidor}
CLIENTE=${CLIENTE:-$tree/cliente/cliente}
for program in "$SERVIDOR" "$CLIENTE"; do
    [ -x "$program" ] || { echo "transportes.sh: $program: not there; make builds it" >&2; exit 1; }
done

work=$(mktemp -d) && cd "$work" || exit 1
server=
# shellcheck disable=SC2317 # the trap calls it
clean_up() {
    [ -z "$server" ] || kill -s TERM "$server" 2>/dev/null
    wait
    cd / && rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' HUP INT TERM
mkdir log replies

die() {
    echo "transportes.sh: $*" >&2
    exit 1
}

# orders MAILS LINES: a session of so many mails of so many lines.
orders() {
    awk -v mails="$1" -v lines="$2" 'BEGIN {
        print "HELO transportes.example"
        for (m = 1; m <= mails; m++) {
            print "MAIL FROM:<a@example.org>\nRCPT TO:<b@example.org>\nDATA"
            for (i = 1; i <= lines; i++)
                print "Line " i " of mail " m " is about as long as the lines of mails mostly are."
            print "."
        }
        print "QUIT"
    }'
}

start_server() {
    local line
    mkfifo ready
    # shellcheck disable=SC2086 # a list
    "$SERVIDOR" -f -q -p 0 -P 0 -l log -m mails -o drain-timeout=2 ${OPTIONS:-} >ready 2>errors </dev/null &
    server=$!
    while read -r line; do
        case $line in
        'Listening on TCP port '*) port=${line##* } ;;
        *'(monitor)') break ;;
        *) ;;
        esac
    done <ready
    [ -n "${port:-}" ] || die "no start: $(cat errors)"
}

# replay TRANSPORT FILE
# shellcheck disable=SC2317 # compare is told to call these
replay() { "$CLIENTE" -p "$port" -l replies localhost "$1" "$2" >/dev/null; }

# shellcheck disable=SC2317
long_session() { replay "$1" long; }

# shellcheck disable=SC2317
short_sessions() {
    yes short | head -n "$SESSIONS" | xargs -P "$AT_ONCE" -n 1 "$CLIENTE" -p "$port" -l replies localhost "$1" >/dev/null
}

# rate COUNT COMMAND...: COUNT, which the command does, per second.
rate() {
    local count=$1 since=$EPOCHREALTIME until
    shift
    "$@" || die "$*: it failed: $(tail -n 3 errors)"
    until=$EPOCHREALTIME
    rm -rf replies mails/b/new
    mkdir -p replies mails/b/new
    echo $((count * 1000000 / (${until/./} - ${since/./})))
}

# compare WHAT COUNT LEAST COMMAND: in turns over both transports. False if the median ratio is below LEAST percent.
compare() {
    local what=$1 count=$2 least=$3 command=$4 round tcp udp ratio
    for ((round = 0; round < rounds; round++)); do
        tcp=$(rate "$count" "$command" TCP) && udp=$(rate "$count" "$command" UDP) || exit 1
        echo "$tcp $udp $((udp * 1000 / tcp))"
    done >measured
    tcp=$(middle 1) udp=$(middle 2) ratio=$(middle 3)
    printf '%-20s %10d %10d %8d.%03d\n' "$what" "$tcp" "$udp" $((ratio / 1000)) $((ratio % 1000))
    ((ratio >= least * 10))
}

# middle COLUMN: the median of what was measured.
middle() { cut -d ' ' -f "$1" measured | sort -n | sed -n "$(((rounds + 1) / 2))p"; }

orders "$MAILS" "$LINES_EACH" >long
orders 1 3 >short
start_server
rate 1 short_sessions TCP >/dev/null    # until there are as many workers as it takes
rate 1 short_sessions UDP >/dev/null
printf '%-20s %10s %10s %12s\n' 'per second' TCP UDP 'UDP to TCP'
status=0
compare 'lines of mails' $((MAILS * LINES_EACH)) 80 long_session || status=1
compare 'short sessions' "$SESSIONS" 50 short_sessions || status=1
exit "$status"
