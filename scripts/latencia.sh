#!/bin/sh
# Measures how fast the monitor answers: to one question after the other, first while nothing happens, then while many
# SMTP sessions are busy. Starts a server of its own and ends it. See usage below.
#
# Everything happens in one temporary folder, the working folder from here on.
set -u
umask 077
LC_ALL=C
export LC_ALL PYTHONDONTWRITEBYTECODE=1

SECRET=latencia

usage() {
    cat <<USAGE
usage: latencia.sh [QUESTIONS [SESSIONS]]

Asks the monitor of a server QUESTIONS (2000) times, and again while SESSIONS (500) sessions send it commands and mails
without a pause. Prints for both the milliseconds from a question to the arrival of its answer, by the kernel's stamp, so
that it does not matter when this program has its turn to read it; and how many came within 10. Ends with 0 if all
questions were answered and at least 99 % of them within 10 ms, with 1 otherwise.

  -h  show this

SERVIDOR is the program, that of this tree by default; PYTHON is Python 3. Settings of the server may stand in OPTIONS,
as in OPTIONS='-o sync=no'.
USAGE
}

while getopts :h option; do
    case $option in
    h) usage; exit 0 ;;
    *) usage >&2; exit 2 ;;
    esac
done
shift $((OPTIND - 1))
case $# in [012]) ;; *) usage >&2; exit 2 ;; esac
questions=${1:-2000} sessions=${2:-500}
for number in "$questions" "$sessions"; do
    case $number in
    '' | *[!0-9]* | 0* | ??????*) echo "latencia.sh: $number: a number from 1 to 99999 is wanted" >&2; exit 2 ;;
    esac
done

tree=$(cd "$(dirname "$0")/.." && pwd) || exit 1
SERVIDOR=${SERVIDOR:-$tree/servidor/servidor}
PYTHON=${PYTHON:-python3}
[ -x "$SERVIDOR" ] || { echo "latencia.sh: $SERVIDOR: not there; make builds it" >&2; exit 1; }

# --- one folder, and its end ------------------------------------------------------------------------------------------

work=${TMPDIR:-/tmp}/latencia.$$
server= # the process of the running server
load=   # that of the busy sessions
# shellcheck disable=SC2317 # the trap calls it
clean_up() {
    trap '' HUP INT TERM
    [ -z "$load" ] || kill "$load" 2>/dev/null
    [ -z "$server" ] || kill -s TERM "$server" 2>/dev/null
    wait
    cd /
    rm -rf "$work"
}
mkdir "$work" && cd "$work" || exit 1
trap clean_up EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
mkdir log
mkfifo ready held news || exit 1

die() {
    echo "latencia.sh: $*" >&2
    exit 1
}

# --- the server, its load, and the questions --------------------------------------------------------------------------

start_server() {
    # shellcheck disable=SC2086 # a list
    "$SERVIDOR" -f -q -p 0 -P 0 -u "$SECRET" -l log -o drain-timeout=2 ${OPTIONS:-} >ready 2>errors </dev/null &
    server=$!
    while read -r line; do
        case $line in
        'Listening on TCP port '*) port=${line##* } ;;
        *'(monitor)') line=${line% *} monitor=${line##* }; break ;;
        *) ;;
        esac
    done <ready
    [ -n "${port:+${monitor:-}}" ] || die "no start: $(cat errors)"
}

# The load lasts as long as the pipe held is open for writing, which descriptor 3 is.
start_load() {
    "$PYTHON" "$tree/test/tools/busy.py" -n "$sessions" -t 600 "$port" <held >news 2>load.errors &
    load=$!
    exec 3>held 4<news
    read -r word _ <&4 || die "the sessions are not busy: $(cat load.errors)"
    [ "$word" = busy ] || die "the sessions are not busy: $word"
}

stop_load() {
    exec 3>&-
    read -r said <&4 || die "the sessions broke: $(cat load.errors)"
    exec 4<&-
    wait "$load" || die "the sessions broke: $(cat load.errors)"
    load=
    echo "meanwhile: $said"
}

# measure NAME: asks, prints a line, and is false if less than 99 % came within 10 ms.
measure() {
    "$PYTHON" - "$tree/test/tools" "$1" "$monitor" "$questions" "$SECRET" <<'PYTHON'
import select
import socket
import struct
import sys
import time

SO_TIMESTAMPNS = 35     # of Linux, which the module does not name

tools, name, port, count, secret = sys.argv[1:]
sys.path.insert(0, tools)
from monitor import request     # noqa: E402
client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
client.connect(("127.0.0.1", int(port)))
client.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
took, lost = [], 0
for number in range(int(count)):
    time.sleep(0.002)   # so that the questions are spread over some seconds
    asked = request(0, number % 65536, secret.encode(), number % 4)
    begun = time.clock_gettime_ns(time.CLOCK_REALTIME)
    client.send(asked)
    answer = b""
    while answer[3:5] != asked[3:5] and select.select([client], [], [], 5)[0]:
        answer, ancillary, _, _ = client.recvmsg(2048, 64)
    if answer[:6] == asked[:5] + b"\0":
        seconds, nanoseconds = struct.unpack("qq", ancillary[0][2][:16])
        took.append((seconds * 10**9 + nanoseconds - begun) / 1e6)
    else:
        lost += 1
    if lost > 20:
        sys.exit(f"latencia.sh: {name}: the monitor does not answer")
took.sort()
within = 100 * sum(one <= 10 for one in took) / int(count)
print(f"{name:<18} {took[0]:8.3f} {took[len(took) // 2]:8.3f} {took[len(took) * 99 // 100]:8.3f} {took[-1]:8.3f}"
      f" {within:9.2f} % {lost:6d}")
sys.exit(within < 99 or lost > 0)
PYTHON
}

start_server
status=0
printf '%-18s %8s %8s %8s %8s %11s %6s\n' ms min median p99 max 'within 10' lost
measure 'nothing happens' || status=1
start_load
measure "$sessions sessions" || status=1
stop_load
exit "$status"
