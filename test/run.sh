#!/usr/bin/env bash
# What `make test` runs: the tests of this folder, all of them or the files that are named. Ends as bats ends.
# Installs what the tests need where it may (root, with apt-get), and says in one line what is missing where it may not.
#
#   test/run.sh                     all
#   test/run.sh test/udp.bats       one file
#   JOBS=1 test/run.sh              one test at a time, TIME_FACTOR=20 for a slow machine
set -u
cd "$(dirname "$0")/.." || exit 1

# command:package of Debian, for each thing that a test calls and a small system may lack.
NEEDED='bats:bats gnuplot:gnuplot-nox parallel:parallel python3:python3 nc:netcat-openbsd swaks:swaks curl:curl ss:iproute2 ps:procps
setsid:util-linux nsenter:util-linux mount:mount make:make tar:tar strace:strace setpriv:util-linux
prlimit:util-linux msmtp:msmtp mutt:mutt nft:nftables'

missing() {
    local pair
    {
        for pair in $NEEDED; do
            command -v "${pair%%:*}" >/dev/null || echo "${pair#*:}"
        done
        # swaks speaks IPv6 by a module that it does not bring with it.
        perl -MIO::Socket::INET6 -e 1 2>/dev/null || echo libio-socket-inet6-perl
    } | sort -u
}

mapfile -t packages < <(missing)
if [ ${#packages[@]} != 0 ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "test/run.sh: installing ${packages[*]}"
    {
        apt-get update
        DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${packages[@]}"
    } >/dev/null 2>&1 </dev/null
    mapfile -t packages < <(missing)
fi
if [ ${#packages[@]} != 0 ]; then
    echo "test/run.sh: install first: ${packages[*]}" >&2
    exit 1
fi

# A python3 that is a script of a version manager would be looked up anew by every test.
PYTHON=$(command -v /usr/bin/python3 || python3 -c 'import sys; print(sys.executable)') || exit 1
export PYTHON
# No test may hang for ever: its time is far beyond what a slow machine takes.
export BATS_TEST_TIMEOUT=${BATS_TEST_TIMEOUT:-400}

# GNU parallel, which bats uses, would keep its files in the home folder.
export PARALLEL_HOME=$PWD/.build/parallel
mkdir -p "$PARALLEL_HOME" || exit 1

[ $# != 0 ] || set -- test/*.bats
# Most of a test is waiting for a server or a client: two processors have time for eight.
exec bats --jobs "${JOBS:-$((4 * $(getconf _NPROCESSORS_ONLN)))}" "$@"
