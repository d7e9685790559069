#!/bin/sh
# Ends the server that logs to DIR (default: log): it takes no new session, lets running
# ones finish, and ends. Usage: scripts/paraServidor.sh [DIR]
set -u
cd "$(dirname "$0")/.." || exit 1

file=${1:-log}/servidor.pid
pid=$(cat "$file" 2>/dev/null)
# A file that a crash left behind may name a process that is somebody else's by now.
case $(ps -o comm= -p "${pid:-0}" 2>/dev/null) in
*servidor) ;;
*) pid= ;;
esac
if [ -z "$pid" ] || ! kill -s TERM "$pid" 2>/dev/null; then
    echo "paraServidor.sh: $file: no server is running there" >&2
    exit 1
fi
# The server ends within its drain-timeout and removes the file as its last act.
while [ -e "$file" ] && kill -s 0 "$pid" 2>/dev/null; do
    sleep 0.1
done
echo "The server (process $pid) has ended."
