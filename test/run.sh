#!/usr/bin/env bash
# What `make test` runs: the tests of this folder, all of them or the files that are named. Ends as bats ends.
# Installs what the tests need where it may (root, with apt-get), and says in one line what is missing where it may not.
#
#   test/run.sh                     all
#   test/run.sh test/udp.bats       one file
#   JOBS=1 test/run.sh              one test at a time, TIME_FACTOR=20 for a slow machine
#   VALGRIND=1 test/run.sh          the programs under valgrind, what it says being a fault of the test
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

[ -z "${VALGRIND:-}" ] || NEEDED+=' valgrind:valgrind'

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

# under_valgrind PROGRAM: its stand-in, a script that runs it under valgrind. What it and the processes that it forks do
# wrong goes, as a sanitizer's report does, to a file that the wrapper of helper.bash looks at after each test.
# A handler that mends and returns (watch/totals) wants all registers to be right where the signal came.
under_valgrind() {
    local script=$PWD/.build/valgrind/$1
    mkdir -p "${script%/*}" || exit 1
    cat >"$script" <<END
#!/bin/sh
exec valgrind -q --leak-check=full --show-leak-kinds=definite --trace-children=no \\
    --vgdb=no --vex-iropt-register-updates=allregs-at-mem-access \\
    --log-file="\${TEST_MARK:-\${TMPDIR:-/tmp}}/sanitizer.\$\$" '$PWD/$1' "\$@"
END
    chmod +x "$script"
    echo "$script"
}

shopt -s extglob
if [ -n "${VALGRIND:-}" ]; then
    # What reads sources or tests the tests is no other there, nobody's speed is to be measured, the scripts that a
    # person starts look for processes by their name, and a call that is made to fail would be one of valgrind's.
    [ $# != 0 ] || set -- test/!(bench|build|calls|harness|house|load|readme|scripts).bats
    SERVIDOR=$(under_valgrind servidor/servidor)
    FAULTS=$(under_valgrind .build/faults/servidor)
    CLIENTE=$(under_valgrind cliente/cliente)
    MNG_CLIENT=$(under_valgrind cliente/mng_client)
    export SERVIDOR FAULTS CLIENTE MNG_CLIENT VALGRIND TIME_FACTOR="${TIME_FACTOR:-20}" PATIENCE="${PATIENCE:-200}"
    BATS_TEST_TIMEOUT=${BATS_TEST_TIMEOUT:-2000}
fi

# No test may hang for ever: its time is far beyond what a slow machine takes.
export BATS_TEST_TIMEOUT=${BATS_TEST_TIMEOUT:-400}

# GNU parallel, which bats uses, would keep its files in the home folder.
export PARALLEL_HOME=$PWD/.build/parallel
mkdir -p "$PARALLEL_HOME" || exit 1

[ $# != 0 ] || set -- test/*.bats
# Most of a test is waiting for a server or a client: two processors have time for eight.
exec bats --jobs "${JOBS:-$((4 * $(getconf _NPROCESSORS_ONLN)))}" "$@"
