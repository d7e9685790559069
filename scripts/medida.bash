# shellcheck shell=bash disable=SC2034 # what is set here, they read
# What bench.sh and curvas.sh share: a folder of their own and its end, our server and what it costs, mail to be sent.
# What they start is in server, load or helpers while it runs, so that it ends with them.

tool=${0##*/}
tree=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd) || exit 1
SERVIDOR=${SERVIDOR:-$tree/servidor/servidor}
CLIENTE=${CLIENTE:-$tree/cliente/cliente}
MNG_CLIENT=${MNG_CLIENT:-$tree/cliente/mng_client}
SECRET=secreto8     # of the monitor
patience=60         # seconds that a server has to come to rest
server='' load='' helpers=''

# Where what is measured listens, and the process of which all of its others descend, by a name as ours.
declare -A port=() root=()

die() {
    echo "$tool: $*" >&2
    exit 1
}

refuse() {
    echo "$tool: $*" >&2
    exit 2
}

# check_counts ROUNDS COUNT: what -r and -n may be; an empty COUNT is not fixed.
check_counts() {
    [[ $1 =~ ^[1-9][0-9]?$ ]] || refuse "-r $1: a number from 1 to 99 is wanted"
    [[ $2 =~ ^([1-9][0-9]{0,5})?$ ]] || refuse "-n $2: a number from 1 to 999999 is wanted"
}

# need_programs NAME...: of the variables above.
need_programs() {
    local name
    for name; do
        [ -x "${!name}" ] || die "${!name}: not there; make builds it"
    done
}

# --- one folder, and its end ------------------------------------------------------------------------------------------

# ext4 does not hand out an inode for five minutes after it was freed, and passes over such inodes one by one for each
# new file near them, which then costs many times as much. In a folder that has +T it puts another, by a hash of its
# name, anywhere on the disk: hardly near those that the last measurement has freed.
enter_folder() {
    work=$(mktemp -d "${TMPDIR:-/var/tmp}/${tool%.sh}.XXXXXX") || exit 1
    chattr +T "$work" 2>/dev/null
    cd "$(mktemp -d "$work/XXXXXXXX")" || exit 1
    trap clean_up EXIT
    trap 'exit 129' HUP
    trap 'exit 130' INT
    trap 'exit 143' TERM
    mkdir log old
}

# shellcheck disable=SC2317 # the trap calls it
clean_up() {
    local process
    trap '' HUP INT TERM
    # Where strace runs the server, it is the server that must be told.
    [ -z "$server" ] || server+=" $(cat log/servidor.pid 2>/dev/null)"
    for process in $load $helpers $server; do kill -s TERM "$process" 2>/dev/null; done
    wait
    cd / && rm -rf "$work"
}

# move_aside: the mail of a run, whose removal would slow down the next one. The folders that files are made in stay.
move_aside() {
    local folder
    for folder in mails/b/new disk/new; do
        [ ! -e "$folder" ] || { mv "$folder" "old/$((++moved))" && mkdir "$folder"; }
    done
}
moved=0

# --- our server -------------------------------------------------------------------------------------------------------

# start_server [COMMAND...]: ours, run by the command. Sets its port and root, and monitor, the port of that.
start_server() {
    local line
    rm -f ready
    mkfifo ready
    # shellcheck disable=SC2086 # a list
    "$@" "$SERVIDOR" -f -q -p 0 -P 0 -u "$SECRET" -l log -m mails -o drain-timeout=2 ${OPTIONS:-} \
        >ready 2>errors </dev/null &
    server=$! monitor=''
    while read -r line; do
        case $line in
        'Listening on TCP port '*) port[ours]=${line##* } ;;
        *'(monitor)') line=${line% *} monitor=${line##* }; break ;;
        *) ;;
        esac
    done <ready
    [ -n "$monitor" ] || die "no start: $(cat errors)"
    root[ours]=$(cat log/servidor.pid)
}

stop_server() {
    kill -s TERM "${root[ours]}"
    wait "$server"
    server=''
}

listens() { ss -Hltnp "sport = :$1" | grep -o 'pid=[0-9]*' | cut -d = -f 2 | sort -un; }

# --- what a server costs ----------------------------------------------------------------------------------------------

# cpu SERVER: the seconds that its processes have used, the dead ones too. schedstat is exact, stat counts whole
# ticks: it says up to two too few of all the dead.
cpu() {
    cat /proc/[0-9]*/stat 2>/dev/null | awk -v root="${root[$1]:-0}" -v tick="$(getconf CLK_TCK)" '
        { pid = $1; sub(/^.*\) /, ""); parent[pid] = $2; own[pid] = ($12 + $13) / tick
          dead[pid] = ($14 + $15) / tick; threads[pid] = $18 }
        END {
            for (pid in parent) {
                for (up = pid; up != root && up > 1; up = parent[up]);
                if (up != root) continue
                if (threads[pid] == 1 && (getline line <("/proc/" pid "/schedstat")) > 0 && split(line, field, " "))
                    own[pid] = field[1] / 1e9
                close("/proc/" pid "/schedstat")
                sum += own[pid] + dead[pid]
            }
            printf "%.3f\n", sum
        }'
}

# calm SERVER: what cpu says when it has become quiet, or after patience seconds.
calm() {
    local before now deadline=$((SECONDS + patience))
    now=$(cpu "$1")
    while :; do
        before=$now
        sleep 0.2
        now=$(cpu "$1")
        ((10#${now/./} - 10#${before/./} > 20)) || break
        ((SECONDS < deadline)) || { echo "$tool: $1 is still busy after $patience s" >&2; break; }
    done
    echo "$now"
}

# --- mail -------------------------------------------------------------------------------------------------------------

# make_orders RECIPIENT MAILS OCTETS: a session of so many mails.
make_orders() {
    awk -v rcpt="$1" -v mails="$2" -v octets="$3" 'BEGIN {
        print "HELO client.example"
        for (m = 1; m <= mails; m++) {
            print "MAIL FROM:<a@example.org>\nRCPT TO:<" rcpt ">\nDATA\nSubject: " m "\n"
            line = "The lines of mails are often as long as this: it has 64 octets"
            for (left = octets; left > 0; left -= 64)
                print substr(line, 1, left < 64 ? left - 2 : 62)
            print "."
        }
        print "QUIT"
    }'
}
