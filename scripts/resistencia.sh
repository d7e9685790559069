#!/usr/bin/env bash
# Shows that a server does not grow: short sessions without end, and what it has of memory, descriptors and processes
# before, meanwhile and after. Starts a server of its own and ends it. See usage below.
#
# Everything happens in one temporary folder, the working folder from here on.
set -u
umask 077
export LC_ALL=C

usage() {
    cat <<USAGE
usage: resistencia.sh [-n SESSIONS] [-e EVERY] [-j PROCESSES]

Has a server hold SESSIONS (1000000) short sessions, PROCESSES (20) at once: of a hundred 70 are over TCP and 18 over
UDP without a mail, 9 over TCP and 2 over UDP have one, and one has a mail that a filter drops. Before them, after each
EVERY (100000) and at the end, when the server has come to rest, a line tells

  pss      KiB of memory of all its processes: what several share counts once
  master   KiB of the master's own
  child    KiB of the child's own that has the most
  shared   KiB that the processes share by intent, as the master has used it
  slab     KiB of the whole system's kernel: not the server's alone, and not judged
  fds      descriptors of the master, and of the child that has the most
  procs    processes of the server

The first line is of a server that has had a hundredth of the sessions, and at least 1000, so that it has touched
what it uses. Ends with "ended where it began" and 0 if at the end there are no more descriptors than then; of the
master's, a child's and the shared memory no more than 64 KiB more, which a piece that is lost with each session or each
birth passes by far; and at most twice the processes, as the pool lets up to twice workers-min wait. Otherwise it says
what grew, and ends with 1.

  -h  show this

Mails are removed between the steps; TMPDIR (/var/tmp) may be a file system in memory, and needs 1 GB. SERVIDOR, CLIENTE
and MNG_CLIENT are the programs, those of this tree by default. Settings of the server may stand in OPTIONS, as in
OPTIONS='-o sessions-per-worker=10000', with which it is a worker's own growth that is seen.
USAGE
}

# shellcheck source=scripts/medida.bash
. "$(dirname "$0")/medida.bash"

sessions=1000000 every=100000 at_once=20
while getopts :hn:e:j: option; do
    case $option in
    h) usage; exit 0 ;;
    n) sessions=$OPTARG ;;
    e) every=$OPTARG ;;
    j) at_once=$OPTARG ;;
    *) usage >&2; exit 2 ;;
    esac
done
[ "$OPTIND" -gt "$#" ] || { usage >&2; exit 2; }
[[ $sessions =~ ^[1-9][0-9]{2,8}$ ]] || refuse "-n $sessions: a number from 100 to 999999999 is wanted"
[[ $every =~ ^[1-9][0-9]{2,8}$ ]] || refuse "-e $every: a number from 100 to 999999999 is wanted"
[[ $at_once =~ ^[1-9][0-9]?$ ]] || refuse "-j $at_once: a number from 1 to 99 is wanted"
need_programs SERVIDOR CLIENTE MNG_CLIENT

ROOM_KIB=64 # by which memory may be more at the end: a few pages are touched late

ask() { "$MNG_CLIENT" -1 localhost "$SECRET" "$monitor" "$1"; }

# --- sessions ---------------------------------------------------------------------------------------------------------

# some PERCENT TRANSPORT ORDERS: so many of the hundred parts of the step.
some() {
    local count=$((step * $1 / 100))
    ((count == 0)) || "$CLIENTE" -n "$count" -j "$at_once" -p "${port[ours]}" 127.0.0.1 "$2" "$3" >report 2>&1 ||
        die "$(cat report errors)"
}

# hold STEP: so many sessions.
hold() {
    step=$1
    some 70 TCP quit
    some 18 UDP quit
    some 9 TCP mail
    some 2 UDP mail
    ask filter-on >answer || die "$(cat answer)"
    some 1 TCP mail
    ask filter-off >answer || die "$(cat answer)"
    rm -rf mails/b/new
    : >log/peticiones.log
    : >log/smtpd.log
}

# --- what there is ----------------------------------------------------------------------------------------------------

children() { pgrep -P "${root[ours]}"; }

# rest: no session is left, and the pool has been as it is for longer than it waits before it retires somebody.
rest() {
    local count='' now since=$SECONDS deadline=$((SECONDS + patience))
    while ((SECONDS - since < 4)); do
        now=$(children | wc -l)
        [ "$now" = "$count" ] || count=$now since=$SECONDS
        ((SECONDS < deadline)) || die "the server does not come to rest: it has $now children"
        sleep 0.2
    done
}

descriptors() { find "/proc/$1/fd" -mindepth 1 2>/dev/null | wc -l; }

most() { sort -n | tail -n 1; }

# look HELD: sets the arrays now and columns, and prints a line.
columns=(pss master child shared slab fds-master fds-child procs)
look() {
    local pids pid
    rest
    mapfile -t pids < <(children)
    now=(
        "$(for pid in "${root[ours]}" "${pids[@]}"; do cat "/proc/$pid/smaps_rollup"; done 2>/dev/null |
            awk '$1 == "Pss:" { sum += $2 } END { print sum }')"
        "$(awk '$1 == "RssAnon:" { print $2 }' "/proc/${root[ours]}/status")"
        "$(for pid in "${pids[@]}"; do awk '$1 == "RssAnon:" { print $2 }' "/proc/$pid/status"; done 2>/dev/null |
            most)"
        "$(awk '$1 == "RssShmem:" { print $2 }' "/proc/${root[ours]}/status")"
        "$(awk '$1 == "Slab:" { print $2 }' /proc/meminfo)"
        "$(descriptors "${root[ours]}")"
        "$(for pid in "${pids[@]}"; do descriptors "$pid"; done | most)"
        "$((${#pids[@]} + 1))"
    )
    printf '%10s %6s %8s %7s %7s %7s %8s %6s %5s %6s\n' "$1" "$SECONDS" "${now[@]}"
}

# may NAME ROOM: says so if more than ROOM has come.
may() {
    local i
    for ((i = 0; i < ${#columns[@]}; i++)); do
        [ "${columns[i]}" = "$1" ] || continue
        ((now[i] <= first[i] + $2)) || { echo "$1: from ${first[i]} to ${now[i]}"; grown=yes; }
    done
}

judge() {
    grown=no
    may master "$ROOM_KIB"
    may child "$ROOM_KIB"
    may shared "$ROOM_KIB"
    may fds-master 0
    may fds-child 0
    may procs "$((first[7] + 1))"   # twice as many
    [ "$grown" = no ] && echo 'ended where it began'
}

# ----------------------------------------------------------------------------------------------------------------------

enter_folder
echo QUIT >quit
make_orders b@localhost 1 256 >mail
printf '#!/bin/sh\ncat >/dev/null\nexit 99\n' >drop
chmod +x drop
OPTIONS="-o sync=no -T $PWD/drop ${OPTIONS:-}"
# shellcheck disable=SC2119 # no command runs it
start_server
ask filter-off >answer || die "$(cat answer)"
warm=$((sessions / 100))
hold "$((warm < 1000 ? 1000 : warm))"
printf '%10s %6s %8s %7s %7s %7s %8s %6s %5s %6s\n' sessions s pss master child shared slab fds of-ch procs
look 0
first=("${now[@]}")
for ((held = 0; held < sessions; held += step)); do
    hold "$((sessions - held < every ? sessions - held : every))"
    look "$((held + step))"
done
judge || exit 1
stop_server
