#!/bin/sh
# Shows that an acknowledged mail outlives the server: senders in parallel, kill -9 of the whole server at a random
# moment, a new start on the same folders, and a look at every mail; again and again. See usage below.
#
# Everything happens in one temporary folder, the working folder from here on. A round leaves there, for each sender N:
# sent.N, "ID BOX..." a line for each mail that was tried, and acknowledged.N, the same for those whose dialogue ran to
# its end. A mail says in its text how it must look (see MAIL), so a look at the file alone tells whether it is whole.
set -u
umask 077
LC_ALL=C
export LC_ALL

SENDERS=20
MAILS=500 # of one sender in one round at most; the kill comes long before

usage() {
    cat <<USAGE
usage: tortura.sh [-k] [ROUNDS]

In each of ROUNDS (100) rounds $SENDERS senders send mail after mail to a server of their own, which is ended by kill -9
at a random moment and started again. Then each mail that was acknowledged must be in the new/ of each recipient once
and whole, no mail in any new/ may be damaged, and what was under way must be gone from tmp/.
Ends with "N rounds, M acknowledged mails, 0 lost, 0 damaged" and 0, or with 1.

  -h  show this
  -k  keep the folder with logs and mails when something is wrong, and name it

SEED=NUMBER chooses the mails and the moments; SERVIDOR and CLIENTE are the programs, those of this tree by default.
USAGE
}

keep=no
while getopts :hk option; do
    case $option in
    h) usage; exit 0 ;;
    k) keep=yes ;;
    *) usage >&2; exit 2 ;;
    esac
done
shift $((OPTIND - 1))
rounds=${1:-100}
case $# in [01]) ;; *) usage >&2; exit 2 ;; esac
case $rounds in
'' | *[!0-9]* | 0* | ??????*) echo "tortura.sh: $rounds: the rounds are a number from 1 to 99999" >&2; exit 2 ;;
esac

tree=$(cd "$(dirname "$0")/.." && pwd) || exit 1
SERVIDOR=${SERVIDOR:-$tree/servidor/servidor}
CLIENTE=${CLIENTE:-$tree/cliente/cliente}
for program in "$SERVIDOR" "$CLIENTE"; do
    [ -x "$program" ] || { echo "tortura.sh: $program: not there; make builds it" >&2; exit 1; }
done
SEED=${SEED:-$(awk 'BEGIN { srand(); print srand() % 1000000 }')}
case $SEED in
'' | *[!0-9]* | ???????*) echo "tortura.sh: SEED=$SEED: a seed is a number below 1000000" >&2; exit 2 ;;
esac

# --- one folder, and its end ------------------------------------------------------------------------------------------

work=${TMPDIR:-/tmp}/tortura.$$
server= # the process and the process group of the running server
wrong=0
# shellcheck disable=SC2317 # the trap calls it
clean_up() {
    trap '' HUP INT TERM
    kill_server
    wait # the senders: without a server each ends
    cd /
    if [ "$keep" = yes ] && [ "$wrong" = 1 ]; then
        echo "tortura.sh: logs and mails are in $work" >&2
    else
        rm -rf "$work"
    fi
}
mkdir "$work" && cd "$work" || exit 1
trap clean_up EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
mkdir log

die() {
    echo "tortura.sh: $*" >&2
    wrong=1
    exit 1
}

# --- the server -------------------------------------------------------------------------------------------------------

start_server() {
    "$SERVIDOR" -p 0 -P 0 -u tortura1 -q -l "$work/log" -m "$work/mails" >ready 2>errors </dev/null || die "no start: $(cat errors)"
    port=$(sed -n 's/^Listening on TCP port //p' ready)
    server=$(cat log/servidor.pid)
    [ -n "${port:+$server}" ] || die "no port or no pid file: $(cat ready)"
    # A group that is not the server's own would be somebody else's too.
    [ "$(ps -o pgid= -p "$server" | tr -d ' ')" = "$server" ] || { server=; die "the server has no group of its own"; }
}

# kill_server: the whole group is gone after it. A process that waits for its disk dies a little later. What is dead
# and not yet collected still has its number, so the next server would not sweep for it; but where nobody collects...
kill_server() {
    [ -n "$server" ] || return 0
    kill -s KILL -- "-$server"
    tries=0
    while ps -A -o pgid= -o args= | awk -v "group=$server" -v tries="$tries" '
            $1 == group && (!/<defunct>/ || tries < 50) { n++ } END { exit !n }'; do
        tries=$((tries + 1))
        [ "$tries" -lt 600 ] || { echo "tortura.sh: group $server outlives kill -9" >&2; wrong=1; break; }
        sleep 0.1
    done
    server=
}

# --- mails ------------------------------------------------------------------------------------------------------------

# A mail's text is "BEGIN ID LINES WIDTH", so many numbered lines, and "END ID LINES".
# shellcheck disable=SC2016 # for awk
MAIL='
function line(id, number, width,    letters) {
    letters = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUV"
    return number " " id " " substr(letters, number % 16 + 1, width)
}
# The generator is written here, so that a seed means the same to every awk.
function step() { state = (state * 16807) % 2147483647 }
function stir(number) { state = (state % 65521 * 32003 + number * 7919 + 1) % 2147483646 + 1; step() }
function seed_with(a, b, c, d) { state = 1; stir(a); stir(b); stir(c); stir(d) }
function between(low, high) { step(); return low + int(state / 2147483647 * (high - low + 1)) }
'

# make_mails SENDER FIRST: the order files orders.SENDER.COUNT of ten mails; prints "COUNT ID BOX..." for each. One in
# 16 mails is long, one in two ends its dialogue without QUIT: the 250 is the last that the client hears then.
make_mails() {
    awk -v seed="$SEED" -v round="$round" -v sender="$1" -v first="$2" "$MAIL"'
        function make(count,    id, file, list, name, other, i, lines, width) {
            seed_with(seed, round, sender, count)
            id = "r" round ".s" sender ".m" count
            file = "orders." sender "." count
            print "HELO tortura.example\nMAIL FROM:<tortura@mail.example>" >file
            other = between(1, 4)
            list = count " " id
            for (i = between(0, 2); i >= 0; i--) {
                name = box[(other + i) % 4 + 1]
                list = list " " name
                print "RCPT TO:<" name "@mail.example>" >file
            }
            lines = between(12, 80) * (between(1, 16) == 1 ? 40 : 1)
            width = between(0, 42)
            print "DATA\nSubject: " id "\n\nBEGIN", id, lines, width >file
            for (i = 1; i <= lines; i++) print line(id, i, width) >file
            print "END", id, lines "\n." >file
            if (between(0, 1)) print "QUIT" >file
            close(file)
            print list
        }
        BEGIN {
            split("uno dos tres cuatro", box)
            while (made++ < 10) make(first++)
        }'
}

# refused SENDER: its client heard a 4yz or 5yz, which is then in said.SENDER. A dialogue with one ends well, too.
refused() {
    for log in "client.$1"/*.txt; do
        while read -r reply; do
            case $reply in *' - Recibo: '[45]*) echo "$reply" >"said.$1"; return 0 ;; esac
        done <"$log"
    done
    return 1
}

# sender NUMBER: mail after mail, until one is not acknowledged. Prints a word for each.
sender() {
    mkdir -p "client.$1"
    first=1
    while [ "$first" -lt "$MAILS" ]; do
        rm -f "client.$1"/*.txt "orders.$1".*
        make_mails "$1" "$first" >"list.$1" || break
        first=$((first + 10))
        while read -r count mail; do
            echo "$mail" >>"sent.$1"
            "$CLIENTE" -p "$port" -l "client.$1" 127.0.0.1 TCP "orders.$1.$count" </dev/null >"said.$1" 2>&1 || break 2
            if refused "$1"; then break 2; fi
            echo "$mail" >>"acknowledged.$1"
            echo acknowledged
        done <"list.$1"
    done
    echo "ended $1"
}

# all_senders: whoever opens the pipe news for reading meets all of them, and its end when the last one has ended.
all_senders() {
    number=0
    while [ "$number" -lt "$SENDERS" ]; do
        number=$((number + 1))
        sender "$number" &
    done
    wait
}

# --- a round ----------------------------------------------------------------------------------------------------------

# moment: "ACKNOWLEDGED STEPS", the kill comes so many mails and so many steps of a loop later.
moment() {
    awk -v seed="$SEED" -v round="$round" "$MAIL"'
        BEGIN { seed_with(seed, round, 0, 0); print between(20, 150), between(0, 200000) }'
}

# send_and_kill: the senders work, the server is killed, the senders have ended.
send_and_kill() {
    # shellcheck disable=SC2046 # two numbers
    set -- $(moment)
    all_senders >news &
    behind=$1
    heard=0
    while read -r word number; do
        case $word in
        acknowledged) heard=$((heard + 1)) ;;
        *) [ -z "$server" ] || die "sender $number could not go on: $(cat "said.$number" errors)" ;;
        esac
        if [ "$heard" -ge "$1" ] && [ -n "$server" ]; then
            awk -v steps="$2" 'BEGIN { while (steps-- > 0); }'
            kill_server
        fi
    done <news
    wait
    [ -z "$server" ] || die "the senders ended before the kill"
}

# look_at_all: "ID BOX VERDICT" for each file in any new/, the verdict is whole or says what is wrong.
look_at_all() {
    find mails -path '*/new/*' -type f -exec wc -c {} + | awk "$MAIL"'
        function verdict(path,    text, field, count, octets, stage, lines, width, first) {
            id = "-"
            first = stage = ""
            count = octets = lines = width = 0
            while ((getline text <path) > 0) {
                octets += length(text) + 1
                if (first == "") first = text
                if (stage == "" && text ~ /^BEGIN /) {
                    split(text, field, " ")
                    id = field[2]; lines = field[3]; width = field[4]
                    stage = "text"
                } else if (stage == "text" && count < lines) {
                    if (text != line(id, ++count, width)) stage = "line " count " is wrong"
                } else if (stage == "text") {
                    stage = text == "END " id " " lines ? "end" : "no end mark"
                } else if (stage == "end") {
                    stage = "text behind the end mark"
                }
            }
            close(path)
            if (first != "Return-Path: <tortura@mail.example>") return "its first line is " first
            if (stage == "") return "no begin mark"
            if (stage == "text") return "cut behind line " count
            if (stage != "end") return stage
            if (octets != size) return "the last line is cut"
            return "whole"
        }
        $2 ~ /\/new\// {
            size = $1
            text = verdict($2)
            split($2, part, "/")
            print id, part[2], text
        }'
}

# judge: what is wrong, a line each, and last "ACKNOWLEDGED STORED UNACKNOWLEDGED LOST DAMAGED".
judge() {
    for list in sent acknowledged; do
        cat "$list".* 2>/dev/null | sed "s/^/$list /"
    done | awk '
        FILENAME != "-" {
            file = $1 " " $2
            $1 = $2 = ""
            sub(/^ */, "")
            found[file]++
            verdict[file] = $0
            next
        }
        $1 == "sent" { for (i = 3; i <= NF; i++) sent[$2 " " $i] = 1 }
        $1 == "acknowledged" {
            acknowledged++
            missing = ""
            for (i = 3; i <= NF; i++) {
                due[$2 " " $i] = 1
                if (!(($2 " " $i) in found)) missing = missing " " $i
            }
            if (missing != "") { lost++; print "lost: " $2 " is not in" missing }
        }
        END {
            for (file in found) {
                kept += found[file]
                if (!(file in due)) extra += found[file]
                why = ""
                if (verdict[file] != "whole") why = verdict[file]
                else if (!(file in sent)) why = "nobody sent it there in this round"
                else if (found[file] > 1) why = found[file] " times there"
                if (why != "") { damaged++; print "damaged: " file ": " why }
            }
            print acknowledged + 0, kept + 0, extra + 0, lost + 0, damaged + 0
        }' stored -
}

leftovers() { find mails -path '*/tmp/*' -type f; }

# stale_leftovers: those whose process, told by the name, does not run. Another process may have its number by now.
stale_leftovers() {
    leftovers | while read -r path; do
        pid=$(expr "$path" : '.*M[0-9]*P\([0-9]*\)Q')
        ps -p "${pid:-0}" >/dev/null 2>&1 || echo "not swept: $path"
    done
}

# one_round: sets acknowledged, lost and damaged, and prints the line.
one_round() {
    rm -f sent.* acknowledged.*
    send_and_kill
    swept=$(leftovers | wc -l)
    start_server
    look_at_all >stored
    judge >judged
    # shellcheck disable=SC2046 # five numbers
    set -- $(tail -n 1 judged)
    acknowledged=$1 lost=$4 damaged=$5
    echo "round $round: killed behind $behind, $1 acknowledged, $2 files in new/ ($3 unacknowledged)," \
        "$((swept)) left in tmp/, $4 lost, $5 damaged"
    sed '$d' judged >complaints
    stale_leftovers >>complaints
    [ ! -s complaints ] || { wrong=1; sed 's/^/    /; 20q' complaints; }
    # The next round begins with empty boxes.
    find mails -path '*/new/*' -type f -exec rm -f {} +
}

echo "SEED=$SEED"
mkfifo news || exit 1
start_server
round=0 all_acknowledged=0 all_lost=0 all_damaged=0
while [ "$round" -lt "$rounds" ]; do
    round=$((round + 1))
    one_round
    all_acknowledged=$((all_acknowledged + acknowledged))
    all_lost=$((all_lost + lost))
    all_damaged=$((all_damaged + damaged))
done
echo "$rounds rounds, $all_acknowledged acknowledged mails, $all_lost lost, $all_damaged damaged"
exit "$wrong"
