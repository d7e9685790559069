#!/usr/bin/env bats
# make: what it builds, how fast, that it follows headers and the user's flags, and that it leaves nothing behind.

load helper

local_setup() {
    command -v make >/dev/null || skip "make is not here"
    mkdir copy
    (cd "$ROOT" && tar -cf - --exclude=servidor/servidor --exclude=cliente/cliente --exclude=cliente/mng_client \
        --exclude=test/relay/relay --exclude='log/[!.]*' \
        Makefile servidor cliente test/relay ordenes scripts log) | tar -xf - -C copy
    cd copy || return 1
    # The make that runs these tests has its own mind about flags and jobs.
    unset MAKEFLAGS MFLAGS MAKELEVEL CFLAGS CC LDFLAGS
}

# build ARGUMENT...: make, with a compiler that writes down in ../calls how it is called.
build() {
    printf '#!/bin/sh\necho "$@" >>"%s"\nexec cc "$@"\n' "$BATS_TEST_TMPDIR/calls" >../mycc
    chmod +x ../mycc
    : >../calls
    make CC="$BATS_TEST_TMPDIR/mycc" "$@" >../made 2>&1 || { tail -n 30 ../made; return 1; }
}

# compiled: how many sources the last build compiled.
compiled() { grep -c -e '-c ' ../calls || true; }

sources() { find servidor cliente test/relay -name '*.c' | wc -l; }

@test "make builds servidor and cliente from a fresh copy, without a warning" {
    local seconds TIMEFORMAT='%U %S'
    # Of the processor, which other tests take no part of: three seconds of two cores.
    seconds=$({ time make >../made 2>&1; } 2>&1 | awk '{ print int($1 + $2) }')
    echo "# built in $seconds s of CPU" >&3
    ((seconds < 6 * ${TIME_FACTOR:-6}))
    [ -x servidor/servidor ]
    [ -x cliente/cliente ]
    refute grep -i warning ../made
    servidor/servidor -v
}

@test "a second make has nothing to do" {
    build
    build
    [ ! -s ../calls ]
}

@test "the programs need no library beyond that of C" {
    build
    same "" "$(ldd servidor/servidor cliente/cliente cliente/mng_client test/relay/relay | grep '=>' | grep -Ev 'libc\.so|linux-vdso')"
}

@test "make honours CC and CFLAGS, and builds all anew when they change" {
    build CFLAGS='-O0 -DTHE_USERS_FLAG'
    same "$(sources)" "$(compiled)"
    same "$(sources)" "$(grep -c -e '-O0 -DTHE_USERS_FLAG.* -c ' ../calls)"
    build CFLAGS='-O1'
    same "$(sources)" "$(grep -c -e '-O1.* -c ' ../calls)"
    make >../made 2>&1
    build
    same "$(sources)" "$(compiled)"
}

@test "a changed header builds anew what includes it, and only that" {
    build
    touch -d '1 minute' servidor/net/text.h
    build
    ((0 < $(compiled)))
    (($(compiled) < $(sources)))
}

@test "make clean leaves the tree as it was" {
    find . -type f | sort >../before
    make
    make clean
    find . -type f | sort | diff ../before -
}
