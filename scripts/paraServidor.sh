#!/bin/sh
# Ends the server that logs to DIR (default: log): it takes no new session, lets running
# ones finish, and ends. Usage: scripts/paraServidor.sh [DIR]
set -u
cd "$(dirname "$0")/.." || exit 1

file=${1:-log}/servidor.pid
pid=$(cat "$file" 2>/dev/null)

# A file that a crash left behind may name a process that is somebody else's by now; and
# one that has ended, but whose parent has not asked how, is called "servidor <defunct>".
runs() {
    case $(ps -o comm= -p "${pid:-0}" 2>/dev/null) in
    *servidor) ;;
    *) return 1 ;;
    esac
}

if ! runs || ! kill -s TERM "$pid" 2>/dev/null; then
    echo "paraServidor.sh: $file: no server is running there" >&2
    exit 1
fi
while runs; do
    sleep 0.1
done
echo "The server (process $pid) has ended."
