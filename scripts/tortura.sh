#!/usr/bin/env bash
# Shows that an acknowledged mail outlives the server: senders in parallel over TCP and UDP, kill -9 of its workers, its
# door, its monitor, its master and of all at once at random moments, new starts on the same folders and ports, and a
# look at every mail and at the counters; again and again. See usage below.
#
# Everything happens in one temporary folder, the working folder from here on. A round leaves there, for each sender N:
# sent.N, "ID BOX..." a line for each mail that was tried, and acknowledged.N, the same for those whose 250 was heard.
# The file rest asks the senders to come to an end, the file quiet says that they have. How mails look, and are looked
# at, is in correos.bash.
# shellcheck disable=SC2317 # traps and within_patience call functions by their names
set -u
umask 077
export LC_ALL=C

SENDERS=20
SECRET=tortura1 # of the monitor
TCP_WAIT=60     # seconds that a sender waits for a reply
UDP_WAIT=2      # and over UDP, where a server that died may be silent
GOES_ON=120     # seconds that the server has until mails come through again

usage() {
    cat <<USAGE
usage: tortura.sh [-k] [ROUNDS]

In each of ROUNDS (200) rounds $SENDERS senders, half of them over UDP, send mail after mail to a server of their own,
and a few more sessions are held. Meanwhile, up to four times, kill -9 strikes at random moments
  busy     workers that have a session     monitor  the monitor
  idle     workers that have none          several  some of all these at once
  workers  all workers                     master   the master alone, whose children must leave
  door     the door of UDP                 all      the whole server
and behind the last two the server is started again at once, on the same ports; from the others it must recover by
itself. No mail in any new/ may be damaged, be it for a moment. When the senders have ended, each mail that was
acknowledged must be in the new/ of each recipient once and whole, others at most once; the monitor must know how many
sessions there are, and must have counted each acknowledged mail and none that is not there. What a killed process left
in tmp/ must be gone after a start.
Ends with "N rounds, M acknowledged mails, 0 lost, 0 damaged" and 0, or with 1.

  -h  show this
  -k  keep the folder with logs and mails when something is wrong, and name it

SEED=NUMBER chooses the mails, the kills and their moments; SERVIDOR, CLIENTE and MNG_CLIENT are the programs, those of
this tree by default. PATIENCE (60) is how many seconds the server has to come to rest.
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
rounds=${1:-200}
[ $# -le 1 ] || { usage >&2; exit 2; }

# refuse WORDS: what the caller said cannot be.
refuse() { echo "tortura.sh: $*" >&2; exit 2; }

[[ $rounds =~ ^[1-9][0-9]{0,4}$ ]] || refuse "$rounds: the rounds are a number from 1 to 99999"
SEED=${SEED:-$((RANDOM * 30 + RANDOM % 30))}
[[ $SEED =~ ^[0-9]{1,6}$ ]] || refuse "SEED=$SEED: a seed is a number below 1000000"
PATIENCE=${PATIENCE:-60}
[[ $PATIENCE =~ ^[1-9][0-9]{0,3}$ ]] || refuse "PATIENCE=$PATIENCE: a number of seconds from 1 to 9999 is wanted"

tree=$(cd "$(dirname "$0")/.." && pwd) || exit 1
SERVIDOR=${SERVIDOR:-$tree/servidor/servidor}
CLIENTE=${CLIENTE:-$tree/cliente/cliente}
MNG_CLIENT=${MNG_CLIENT:-$tree/cliente/mng_client}
for program in "$SERVIDOR" "$CLIENTE" "$MNG_CLIENT"; do
    [ -x "$program" ] || { echo "tortura.sh: $program: not there; make builds it" >&2; exit 1; }
done

# shellcheck source=scripts/correos.bash
. "$tree/scripts/correos.bash"

# --- one folder, and its end ------------------------------------------------------------------------------------------

work=${TMPDIR:-/tmp}/tortura.$$
server=       # the process and the process group of the running server
holders=()    # the processes that hold sessions open
wrong=0
clean_up() {
    trap '' HUP INT TERM
    : >rest
    [ "${#holders[@]}" = 0 ] || kill -s TERM "${holders[@]}" 2>/dev/null
    while others 0 | kill_those; do sleep 0.1; done
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
    cat complaints 2>/dev/null
    echo "tortura.sh: $*" >&2
    wrong=1
    exit 1
}

# complain WORDS: something is wrong, and the round goes on.
complain() { echo "$*" >>complaints; }

# within_patience COMMAND...: until it succeeds. Fails when that takes too long.
within_patience() {
    local deadline=$((SECONDS + PATIENCE))
    until "$@"; do
        ((SECONDS <= deadline)) || return 1
        sleep 0.05
    done
}

# --- the server -------------------------------------------------------------------------------------------------------

port=0 monitor=0 slowest_ms=0
# start_server: on the ports of the server before, if there was one.
start_server() {
    local begin_us=${EPOCHREALTIME/[.,]/} took_ms
    : >begun
    "$SERVIDOR" -p "$port" -P "$monitor" -u "$SECRET" -q -l "$work/log" -m "$work/mails" \
        >ready 2>errors </dev/null || die "no start: $(cat errors)"
    took_ms=$(((${EPOCHREALTIME/[.,]/} - begin_us) / 1000))
    ((took_ms <= slowest_ms)) || slowest_ms=$took_ms
    port=$(sed -n 's/^Listening on TCP port //p' ready)
    monitor=$(sed -n 's/^Listening on UDP port \(.*\) (monitor)$/\1/p' ready)
    server=$(cat log/servidor.pid)
    [ -n "${port:+${monitor:+$server}}" ] || die "no ports or no pid file: $(cat ready)"
    # A group that is not the server's own would be somebody else's too.
    [ "$(ps -o pgid= -p "$server" | tr -d ' ')" = "$server" ] || die "the server has no group of its own"
    stale_leftovers
}

# others GROUP: the processes of our servers that run, but for those of this group. One that is dead shows no arguments.
others() {
    ps -A -o pgid= -o pid= -o args= | WORK=$work awk -v group="$1" '
        index($0, " -l " ENVIRON["WORK"] "/log ") && $1 != group { print $2 }'
}

# kill_those: the processes that stand in the input. Fails if there is none.
kill_those() {
    local pids
    mapfile -t pids
    [ "${#pids[@]}" != 0 ] && kill -s KILL "${pids[@]}" 2>/dev/null
}

# kill_server: the whole group is gone after it. A process that waits for its disk dies a little later. What is dead
# and not yet collected still has its number, so the next server would not sweep for it; but where nobody collects...
kill_server() {
    local tries=0
    kill -s KILL -- "-$server"
    while ps -A -o pgid= -o args= | awk -v "group=$server" -v tries="$tries" '
            $1 == group && (!/<defunct>/ || tries < 50) { n++ } END { exit !n }'; do
        ((++tries < 600)) || die "group $server outlives kill -9"
        sleep 0.1
    done
}

# kill_master: it has let its pid file go after it; its children may be at work still.
is_dead() { case $(ps -o stat= -p "$server") in '' | Z*) ;; *) return 1 ;; esac }
kill_master() {
    kill -s KILL "$server"
    within_patience is_dead || die "the master $server outlives kill -9"
}

# roles: "ROLE PID" for each process of the server, by its sockets. One that is just being born has them all.
roles() {
    { pgrep -g "$server"; ss -Htunap; } | awk -v port="$port" -v monitor="$monitor" -v master="$server" '
        function role_of(state, at) {
            sub(/.*:/, "", at)
            if (state == "UNCONN") return at == port ? "door" : at == monitor ? "monitor" : ""
            return state == "LISTEN" ? "" : "busy"
        }
        NF == 1 { ours[$1] = 1; next }
        {
            what = role_of($2, $5)
            for (text = $0; what != "" && match(text, /pid=[0-9]+/); text = substr(text, RSTART + RLENGTH))
                role[substr(text, RSTART + 4, RLENGTH - 4)] = what
        }
        END { for (pid in ours) print pid == master ? "master" : pid in role ? role[pid] : "idle", pid }'
}

# --- senders ----------------------------------------------------------------------------------------------------------

# slurp FILE: sets text, without a process.
slurp() { IFS= read -rd '' text <"$1" || :; }

# refused SENDER: its client heard a 4yz or 5yz, whose log is then in said.SENDER. A dialogue with one ends well, too.
refused() {
    local log text
    for log in "client.$1"/*.txt; do
        [ -e "$log" ] && slurp "$log" && [[ $text == *' - Recibo: '[45]* ]] && { echo "$text" >"said.$1"; return 0; }
    done
    return 1
}

# attempt SENDER TRANSPORT WAIT ORDERS: one dialogue. Sets word, which says what became of the mail.
attempt() {
    local status=0 text
    "$CLIENTE" -p "$port" -l "client.$1" -t "$3" 127.0.0.1 "$2" "$4" </dev/null >"said.$1" 2>&1 || status=$?
    slurp "said.$1"
    if refused "$1"; then
        word=refused
    elif [ "$status" = 0 ] || [[ $text == *': stored'* ]]; then
        word=acknowledged
    else
        word=broken
    fi
}

# sender NUMBER: mail after mail, until there shall be rest. Prints "WORD NUMBER AGE" for each: so many kills had been
# when it began.
sender() {
    local way=(TCP "$TCP_WAIT") first=1 count mail word age
    (($1 % 2)) || way=(UDP "$UDP_WAIT")
    mkdir -p "client.$1"
    while [ ! -e rest ]; do
        rm -f "client.$1"/*.txt "orders.$1".*
        make_mails "$1" "$first" >"list.$1"
        ((first += 10))
        while [ ! -e rest ] && read -r count mail; do
            echo "$mail" >>"sent.$1"
            read -r age <strikes
            attempt "$1" "${way[@]}" "orders.$1.$count"
            case $word in
            acknowledged) echo "$mail" >>"acknowledged.$1" ;;
            broken) sleep 0.1 ;; # the server may be just about to start
            *) ;;
            esac
            echo "$word $1 $age"
        done <"list.$1"
    done
}

# all_senders: whoever opens the pipe news for reading meets all of them, and its end when the last one has ended.
all_senders() {
    local number
    for ((number = 1; number <= SENDERS; number++)); do sender "$number" & done
    wait
    : >quiet
}

# hold TRANSPORT COUNT: so many sessions are open until end_holders.
hold() {
    [ "$2" = 0 ] || {
        "$CLIENTE" -n "$2" -H 86400 -p "$port" 127.0.0.1 "$1" farewell </dev/null >>holders.said 2>&1 &
        holders+=($!)
    }
}

# busy_are COUNT: so many processes have sessions; they are the indices of the array held.
busy_are() {
    local pid
    held=()
    for pid in $(roles | sed -n 's/^busy //p'); do held[pid]=1; done
    [ "${#held[@]}" = "$1" ]
}

# hold_sessions TCP UDP: so many sessions are open, and no other.
hold_sessions() {
    holders=()
    within_patience busy_are 0 || die "these are still busy: ${!held[*]}"
    hold TCP "$1"
    hold UDP "$2"
    within_patience busy_are $(($1 + $2)) || die "$1 + $2 sessions cannot be held: $(cat holders.said)"
}

end_holders() {
    [ "${#holders[@]}" = 0 ] || { kill -s TERM "${holders[@]}"; wait "${holders[@]}"; }
    held=() holders=()
}

# --- kills ------------------------------------------------------------------------------------------------------------

# plan: "TCP UDP", the sessions to hold, and lines "KIND ACKNOWLEDGED STEPS COUNT": the strike comes so many mails and
# so many steps of a loop behind the one before, and of workers it kills COUNT. The last one is rest.
plan() {
    awk -v seed="$SEED" -v round="$round" "$MAIL"'
        BEGIN {
            kinds = split("busy idle workers door monitor several master all", kind)
            seed_with(seed, round, 0, 0)
            print between(0, 3), between(0, 3)
            for (strikes = between(1, 4); strikes > 0; strikes--)
                print kind[between(1, kinds)], between(5, 40), between(0, 200000), between(1, 4)
            print "rest", between(5, 40), 0, 0
        }'
}

# victims KIND COUNT: the processes of a partial strike, of each role so many as come first when they are shuffled.
victims() {
    local kinds=$1 count=$2
    case $1 in
    workers) kinds='busy idle' count=99999 ;;
    several) kinds='busy idle door monitor' ;;
    *) ;;
    esac
    roles | awk -v seed="$SEED" -v round="$round" -v age="$age" "$MAIL"'
        BEGIN { seed_with(seed, round, 0, age + 1) }
        { print between(0, 1000000), $0 }' | sort -n | awk -v kinds=" $kinds " -v count="$count" '
        index(kinds, " " $2 " ") && n[$2]++ < count { print $3 }'
}

# strike KIND COUNT
strike() {
    local pid pids
    case $1 in
    rest) : >rest; return ;;
    master) kill_master ;;
    all) kill_server ;;
    *) mapfile -t pids < <(victims "$1" "$2")
       [ "${#pids[@]}" = 0 ] || kill -s KILL "${pids[@]}" 2>/dev/null
       for pid in "${pids[@]}"; do unset "held[$pid]"; done ;;
    esac
    struck+=" $1"
    ((++strikes[$1]))
    case $1 in master | all) held=(); start_server ;; esac
}

# send_and_strike PLAN...: the senders work, the kills come as planned, but none before mails came through over both
# transports behind the one before, and the senders have ended.
send_and_strike() {
    local age=0 since=(0 0) word number at kind behind steps count watching last=$SECONDS
    read -r kind behind steps count <<<"$1"
    echo "$age" >strikes
    all_senders >news &
    watcher &
    watching=$!
    while read -r -t "$GOES_ON" word number at && ((SECONDS - last <= GOES_ON)); do
        case $word in
        acknowledged) ((at == age && ++since[number % 2])) ;;
        refused) die "sender $number is refused: $(cat "said.$number")" ;;
        *) ((++broken)) ;;
        esac
        if ((since[0] && since[1] && since[0] + since[1] >= behind)) && [ ! -e rest ]; then
            awk -v steps="$steps" 'BEGIN { while (steps-- > 0); }'
            strike "$kind" "$count"
            shift
            read -r kind behind steps count <<<"${1:-}"
            since=(0 0) last=$SECONDS
            echo $((++age)) >strikes
        fi
    done <news
    [ -e rest ] || die "it does not go on behind $struck: ${since[1]} mails over TCP, ${since[0]} over UDP:" \
        "$(cat said.* log/errores.log | tail -n 20)"
    wait "$watching"
}

# --- at rest ----------------------------------------------------------------------------------------------------------

ask() { "$MNG_CLIENT" 127.0.0.1 "$SECRET" "$monitor" "$1" | sed -n '$s/.* //p'; }

tells_sessions() { told=$(ask concurrent) && [ "$told" = "$1" ]; }

expect_sessions() {
    within_patience tells_sessions "$1" || complain "concurrent sessions: the monitor tells $told, but there are $1"
}

# expect_no_orphans: a master that was killed has left no process.
has_no_orphans() { [ -z "$(others "$server")" ]; }
expect_no_orphans() {
    within_patience has_no_orphans || complain "they outlive their master: $(others "$server" | paste -s -d ' ' -)"
}

mails_before=0
# expect_mails ACKNOWLEDGED STORED: the server has counted at least so many in this round, and at most so many.
expect_mails() {
    local told
    told=$(ask mails)
    (($1 <= told - mails_before && told - mails_before <= $2)) ||
        complain "mails: the monitor told $mails_before and tells $told, behind $1 acknowledged and $2 stored ones"
    mails_before=$told
}

# stale_leftovers: what the last start should have swept. A process of an earlier server may still be at work, or has
# come to its end just now. Another process may have the number of a dead one.
stale_leftovers() {
    local path pid
    [ -d mails ] || return 0
    while read -r path; do
        pid=$(expr "$path" : '.*M[0-9]*P\([0-9]*\)Q')
        ps -p "${pid:-0}" >/dev/null 2>&1 || [ ! -e "$path" ] || complain "not swept: $path"
    done < <(find mails -path '*/tmp/*' -type f ! -newer begun 2>/dev/null)
}

# --- a round ----------------------------------------------------------------------------------------------------------

# one_round: sets acknowledged, lost and damaged, and prints the lines.
one_round() {
    local plan files extra mails
    rm -f rest quiet sent.* acknowledged.* glimpsed complaints
    mapfile -t plan < <(plan)
    # shellcheck disable=SC2086 # two numbers
    hold_sessions ${plan[0]}
    struck='' broken=0
    send_and_strike "${plan[@]:1}"
    open=${#held[@]}
    expect_sessions "$open"
    end_holders
    expect_no_orphans
    expect_sessions 0
    stored_mails | look_at >stored
    judge >judged
    read -r acknowledged files extra mails lost damaged < <(tail -n 1 judged)
    expect_mails "$acknowledged" "$mails"
    sed '$d' judged >>complaints
    echo "round $round: killed$struck; $acknowledged acknowledged, $broken broken off, $files files in new/" \
        "($extra unacknowledged), $open sessions held, $lost lost, $damaged damaged"
    [ ! -s complaints ] || { wrong=1; sed 's/^/    /; 20q' complaints; }
    # The next round begins with empty boxes.
    stored_mails | xargs -r rm -f
}

echo "SEED=$SEED"
mkfifo news || exit 1
echo QUIT >farewell
declare -A strikes=()
start_server
all_acknowledged=0 all_lost=0 all_damaged=0
for ((round = 1; round <= rounds; round++)); do
    one_round
    ((all_acknowledged += acknowledged, all_lost += lost, all_damaged += damaged))
done
echo "killed:$(for kind in "${!strikes[@]}"; do echo " $kind ${strikes[$kind]}"; done | sort | paste -s -d , -);" \
    "the slowest start took $slowest_ms ms; mails over UDP: $(ask udp-mails)"
echo "$rounds rounds, $all_acknowledged acknowledged mails, $all_lost lost, $all_damaged damaged"
exit "$wrong"
