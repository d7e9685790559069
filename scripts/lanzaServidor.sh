#!/bin/sh
# Starts the server and replays the order files against it, over TCP and UDP, all clients
# at once. Waits for them, says how each fared, and leaves the server running:
# scripts/paraServidor.sh ends it. Arguments go to servidor, as in
#     scripts/lanzaServidor.sh -p 2600 -d itba
set -u
cd "$(dirname "$0")/.." || exit 1

logs=log
while getopts :p:P:u:T:d:n:m:l:c:o:fqshv option; do
    case $option in
    l) logs=$OPTARG ;;
    f | s | h | v)
        echo "lanzaServidor.sh: -$option: not here: start servidor/servidor -$option by hand" >&2
        exit 2
        ;;
    *) ;;
    esac
done

ready=$(servidor/servidor "$@") || exit
echo "$ready"
port=$(echo "$ready" | sed -n 's/^Listening on TCP port //p')

answers=$(mktemp -d) || exit 1
trap 'rm -rf "$answers"' EXIT

# One client in the background: what it says and how it ended go to files of their own.
replay() {
    cliente/cliente -p "$port" -l "$logs" localhost "$1" "ordenes/$2" >"$answers/$1.$2" 2>&1
    echo $? >"$answers/$1.$2.status"
}

for protocol in TCP UDP; do
    for orders in ordenes/*.txt; do
        replay "$protocol" "${orders#ordenes/}" &
    done
done
wait

# How often each reply came in the last dialogue of a client's log, as in "220:1 250:7".
count_replies() {
    awk '/ antes while - Recibo: / { delete count }
         match($0, / - Recibo: [0-9][0-9][0-9]/) { count[substr($0, RSTART + 11, 3)]++ }
         END { for (code in count) print code ":" count[code] }' "$1" | sort | paste -s -d ' ' -
}

failures=0
printf '\n%-9s %-14s %-6s %-34s %s\n' transport orders port replies log
for protocol in TCP UDP; do
    for orders in ordenes/*.txt; do
        name=${orders#ordenes/}
        port=$(sed -n 's/^Connected to .* on port \([0-9]*\) at .*/\1/p' "$answers/$protocol.$name")
        if [ -n "$port" ]; then
            printf '%-9s %-14s %-6s %-34s %s\n' "$protocol" "$name" "$port" \
                "$(count_replies "$logs/$port.txt")" "$logs/$port.txt"
        fi
        if [ "$(cat "$answers/$protocol.$name.status")" -ne 0 ]; then
            failures=$((failures + 1))
            sed "s/^/$protocol $name failed: /" "$answers/$protocol.$name"
        fi
    done
done

printf '\nThe server is running as process %s and logs to %s/peticiones.log.\n' \
    "$(cat "$logs/servidor.pid")" "$logs"
[ "$failures" -eq 0 ]
