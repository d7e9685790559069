#!/usr/bin/env bash
# Measures how many mails this server takes as its sessions become more, and as its mails become larger, and plots both.
# Starts a server of its own and ends it. See usage below.
#
# Everything happens in one temporary folder, the working folder from here on. The mail of each run is moved aside, and
# removed at the end of all: files are slow to create soon after many were removed.
set -u
umask 022
export LC_ALL=C

usage() {
    cat <<USAGE
usage: curvas.sh [-n COUNT] [-r ROUNDS] [-s 'SESSIONS...'] [-l 'OCTETS...'] [FOLDER]

Has a server take mails of 1 KiB in SESSIONS (1, 20, 100, 500, 2000 and 10000) at once, several mails in each, and in 20
sessions mails of OCTETS (1 KiB, 10 KiB, 100 KiB, 1 MB and 10 MB), all of it ROUNDS (3) times, each behind a run with a
mail a session that is not measured: in it the server comes by its processes. Writes curvas.csv, a line
for each run, and curvas.svg, which shows the medians, into FOLDER (log), and prints the medians. Takes about 5 minutes.
Ends with 0 if the rate in up to 2000 sessions stays above 75 % of its best in fewer, with 1 otherwise.

  -n COUNT          so many mails a run, whatever time that takes, but two for each session
  -r ROUNDS         1 to 99
  -s '1 20'         these numbers of sessions, up to 10000
  -l '1024 102400'  these sizes, up to 10000000
  -h                show this

Mail is kept in TMPDIR (/var/tmp), which has 20 GB or more. CLIENTE sends it, by a process for each session, and begins
when all of them are there; gnuplot makes the picture. SERVIDOR and CLIENTE are the programs, those of this tree by
default.
Settings of the server may stand in OPTIONS, as in OPTIONS='-o sync=no'.
USAGE
}

# shellcheck source=scripts/medida.bash
. "$(dirname "$0")/medida.bash"

rounds=3 run_ms=3000 fixed='' crowds='1 20 100 500 2000 10000' sizes='1024 10240 102400 1000000 10000000'
while getopts :hl:n:r:s: option; do
    case $option in
    h) usage; exit 0 ;;
    n) fixed=$OPTARG ;;
    l) sizes=$OPTARG ;;
    r) rounds=$OPTARG ;;
    s) crowds=$OPTARG ;;
    *) usage >&2; exit 2 ;;
    esac
done
shift $((OPTIND - 1))
[ $# -le 1 ] || { usage >&2; exit 2; }
check_counts "$rounds" "$fixed"
for number in $crowds; do
    [[ $number =~ ^([1-9][0-9]{0,3}|10000)$ ]] || refuse "-s $number: a number from 1 to 10000 is wanted"
done
for number in $sizes; do
    [[ $number =~ ^([1-9][0-9]{0,6}|10000000)$ ]] || refuse "-l $number: a number from 1 to 10000000 is wanted"
done

need_programs SERVIDOR CLIENTE
command -v gnuplot >/dev/null || die "gnuplot is missing: apt-get install gnuplot-nox"
folder=$(realpath "${1:-$tree/log}")
[ -d "$folder" ] || refuse "${1:-$tree/log}: a folder is wanted"

enter_folder

# --- a run ------------------------------------------------------------------------------------------------------------

# run SESSIONS OCTETS COUNT: about so many mails, of which a session has a megabyte at most; then another begins in its
# place. Sets seconds and sent, and took, in microseconds.
run() {
    local each=$(($3 / $1))
    ((each * $2 <= 1000000)) || each=$((1000000 / $2))
    ((each >= 1)) || each=1
    make_orders b@example.org "$each" "$2" >orders
    "$CLIENTE" -n $(($3 / each)) -j "$1" -C -t 100 -p "${port[ours]}" 127.0.0.1 TCP orders \
        >said 2>client.said </dev/null &
    load=$!
    wait "$load" || die "$1 sessions, $2 octets: $(tail -n 2 client.said)"
    load=''
    read -r seconds sent < <(awk -F , 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
        { print $at["seconds"], $at["mails"] }' said)
    took=$(awk -v s="$seconds" 'BEGIN { printf "%d", s * 1000000 + 1 }')
    move_aside
}

# calibrate SESSIONS OCTETS: sets count, with which a run takes about as long as it should. The first is not looked at,
# as the one before each that is measured is not: in it the server comes by as many processes as it takes. Large mails
# fill the disk soon, and are slow to remove.
calibrate() {
    local more run_ms=$run_ms
    (($2 < 100000)) || run_ms=$((run_ms / 2))
    count=$(($1 * 2))
    if [ -n "$fixed" ]; then
        ((count >= fixed)) || count=$((fixed - fixed % $1))
        return
    fi
    run "$1" "$2" "$count"
    while run "$1" "$2" "$count"; do
        more=$((run_ms * 1000 / took + 1))
        ((more <= 8)) || more=8
        ((took < run_ms * 250)) || break
        count=$((count * more))
    done
    count=$((sent * (run_ms * 10) / (took / 100)))
    count=$((count - count % $1))
    ((count >= $1 * 2)) || count=$(($1 * 2))
}

# --- all runs ---------------------------------------------------------------------------------------------------------

points=()
for sessions in $crowds; do points+=("sessions $sessions 1024"); done
for octets in $sizes; do points+=("size 20 $octets"); done

ulimit -n "$(ulimit -Hn)"
# shellcheck disable=SC2119 # no command
start_server
echo 'curve,sessions,octets,round,mails,seconds,per_second,mib_per_second' >runs
declare -A counts=()
for ((round = 1; round <= rounds; round++)); do
    for point in "${points[@]}"; do
        read -r curve sessions octets <<<"$point"
        [ -n "${counts[$point]:-}" ] || { calibrate "$sessions" "$octets"; counts[$point]=$count; }
        run "$sessions" "$octets" "$sessions"
        run "$sessions" "$octets" "${counts[$point]}"
        awk -v name="$curve,$sessions,$octets,$round" -v sent="$sent" -v seconds="$seconds" -v octets="$octets" 'BEGIN {
            printf "%s,%d,%s,%.1f,%.3f\n", name, sent, seconds, sent / seconds, sent * octets / seconds / 1048576
        }' >>runs
    done
done

# medians CURVE: "SESSIONS OCTETS MAILS MIB" a second, a line for each point.
medians() {
    sort -t , -k 2,2n -k 3,3n -k 7,7g runs | awk -F , -v curve="$1" -v rounds="$rounds" '
        $1 == curve && ++n[$2, $3] == int((rounds + 1) / 2) { print $2, $3, $7, $8 }'
}
medians sessions >by_sessions
medians size >by_size
cp runs "$folder/curvas.csv" || exit 1

# --- the picture ------------------------------------------------------------------------------------------------------

gnuplot - >gnuplot.said 2>&1 <<PLOT || die "gnuplot: $(cat gnuplot.said)"
set terminal svg size 900,380 font 'sans-serif,12' background '#ffffff'
set output '$folder/curvas.svg'
set multiplot layout 1,2
set grid lt 1 lc rgb '#dddddd'
set key bottom left
set yrange [0:*]
set logscale x
set title 'Mails of 1 KiB'
set xlabel 'sessions at once'
set ylabel 'mails a second'
set xtics (1, 20, 100, 500, '2,000' 2000, '10,000' 10000)
plot 'by_sessions' using 1:3 with linespoints lw 2 pt 7 ps 0.6 lc rgb '#1f5fa8' notitle
set title '20 sessions at once'
set xlabel 'size of a mail'
set xtics ('1 KiB' 1024, '10 KiB' 10240, '100 KiB' 102400, '1 MB' 1e6, '10 MB' 1e7)
set ytics nomirror
set y2label 'MiB a second'
set y2range [0:*]
set y2tics
set key top center
plot 'by_size' using 2:3 with linespoints lw 2 pt 7 ps 0.6 lc rgb '#1f5fa8' title 'mails', \
     'by_size' using 2:4 axes x1y2 with linespoints lw 2 pt 5 ps 0.6 lc rgb '#c4570f' title 'MiB'
unset multiplot
PLOT

printf '%10s %10s %10s %10s\n' sessions octets mails/s MiB/s
cat by_sessions by_size | while read -r sessions octets mails mib; do
    printf '%10d %10d %10.1f %10.2f\n' "$sessions" "$octets" "$mails" "$mib"
done
awk '$1 <= 2000 { if ($3 > best) { best = $3; at = $1 } if (!share || $3 / best < share) share = $3 / best }
    END {
        printf "Up to 2000 sessions it stays above %d %% of its best, which it has in %d.\n", int(share * 100), at
        exit share < 0.75
    }' by_sessions
