#!/bin/sh
# What `make run` shows: the server, six clients at once, what it logged, and its end.
set -u
cd "$(dirname "$0")/.." || exit 1

scripts/lanzaServidor.sh
status=$?
[ -s log/servidor.pid ] || exit "$status"
printf '\nThe last lines of log/peticiones.log:\n'
tail -n 8 log/peticiones.log
echo
scripts/paraServidor.sh || status=$?
exit "$status"
