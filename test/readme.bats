#!/usr/bin/env bats
# The README is true: every command that it shows is run here as it stands there, in a copy of the tree
# and in a network of its own, where port 2525 is free.

load helper

# The lines of the README that are commands, without their comments.
commands() { sed -n '/^```sh/,/^```$/{/^```/!{s/ *# .*//;p}}' "$ROOT/README.md"; }

local_setup() {
    mkdir tree
    tar -C "$ROOT" --exclude=./.git --exclude=./.build --exclude='./log/*' -cf - . | tar -C tree -xf -
    cp "$SERVIDOR" tree/servidor/servidor
    cp "$CLIENTE" tree/cliente/cliente
    cp "$MNG_CLIENT" tree/cliente/mng_client
    namespace
}

local_teardown() {
    [ ! -s tree/log/servidor.pid ] || in_tree scripts/paraServidor.sh
}

# in_tree COMMAND LINE: runs it as a person would who stands in the tree.
in_tree() { "${RUN_IN[@]}" bash -c "cd tree && $1" 3>&- 4>&-; }

# try COMMAND LINE: runs a command that the README really shows.
try() {
    commands | grep -qxF -e "$1" || fail "the README does not show: $1" || return 1
    in_tree "$1"
}

# Ports, process numbers and dates differ from run to run, and the clients come in any order.
shape() { sed -E 's/[0-9]+:[0-9]+:[0-9]+/TIME/; s/(Mon|Tue|Wed|Thu|Fri|Sat|Sun) [A-Z][a-z]+ +[0-9]+/DAY/; s/[0-9]{3,}/N/g; s/ +/ /g'; }

# What a mail and its record are but for the hosts, programs and moments that made them.
mail_shape() {
    sed -E 's/from [^ ]+ \(/from CLIENT (/; s/ id [^ ]+$/ id ID/; s/CORREO: [^ ]+ /CORREO: ID /; s/puerto [0-9]+/puerto N/
        s/(Mon|Tue|Wed|Thu|Fri|Sat|Sun),? .*/DATE/; s/^(Message-Id|X-Mailer): .*/\1/'
}

@test "the README shows no command that is not tried here" {
    local tried
    tried=$(sed -n "s/.*[^(]try \([\"']\)\(.*\)\1.*/\2/p" "$BATS_TEST_FILENAME")
    # The suite cannot run itself; that it runs is seen by this line being read.
    same "" "$(commands | grep -vxF -e "$tried" -e "$(lossy)" | grep -vx 'make test')"
}

@test "make run shows what the README says it does" {
    need_root "a network of its own"
    local shown="transport|TCP|UDP|Listening|The "
    try "make run" >said
    same "$(sed -n '/^Listening/,/has ended/p' "$ROOT/README.md" | grep -E "^($shown)" | shape)" \
        "$(grep -E "^($shown)" said | shape)"
    matches 'Completed localhost IP:.* port [0-9]+, on (TCP|UDP) protocol, at ' "$(cat said)"
}

@test "on port 25 the server is another user" {
    need_root "a user and folders of its own"
    cp -a /etc etc
    mkdir lib log
    RUN_IN+=(unshare -m bash -c 'mount --bind "$0/etc" /etc && mount --bind "$0/lib" /var/lib &&
        mount --bind "$0/log" /var/log && exec "$@"' "$PWD")
    try "useradd --system servidor"
    try "install -d -o servidor -m 700 /var/lib/servidor /var/log/servidor"
    try "servidor/servidor -p 25 -m /var/lib/servidor -l /var/log/servidor -o user=servidor -o domain=example.org" >said
    same 'Listening on TCP port 25' "$(head -n 1 said)"
    same servidor "$(in_tree 'ps -o user= -p "$(cat /var/log/servidor/servidor.pid)"')"
    in_tree "swaks --server localhost --from a@example.org --to b@example.org"
    in_tree "scripts/paraServidor.sh /var/log/servidor"
    same 1 "$(find lib/servidor/b/new -type f | wc -l)"
}

@test "the server is started, spoken to by everybody, and stopped" {
    try "scripts/lanzaServidor.sh"
    printf 'QUIT\n' | try "nc -C localhost 2525" | grep -q '^221 '
    try "swaks --server localhost:2525 --from a@example.org --to b@example.org"
    try "curl smtp://localhost:2525 --mail-from a@example.org --mail-rcpt b@example.org -T README.md"
    try "swaks --server localhost:2525 --from a@example.org --to theo@example.org --header 'Subject: hello'"
    try "cat mails/theo/new/*" >mail
    try "grep CORREO log/peticiones.log | tail -n 1" >record
    # The README shows both, but for names, numbers and dates.
    same "$(sed -n '/^Return-Path/,/^```$/{/^```/!p}' "$ROOT/README.md" | mail_shape)" "$(mail_shape <mail)"
    same "$(grep '^SERVIDOR .* CORREO' "$ROOT/README.md" | mail_shape)" "$(mail_shape <record)"
    same "$(sed -n 's/.* id //p' mail)" "$(sed -n 's/.* CORREO: \([^ ]*\) .*/\1/p' record)"
    try "cliente/cliente localhost TCP ordenes/ordenes.txt"
    try "cliente/cliente localhost UDP ordenes/ordenes.txt"
    try "scripts/paraServidor.sh"
}

# The commands that play a lossy network, which are one shell's: the last one ends its job.
lossy() { commands | sed -n '/^test\/relay\/relay/,/^kill %1$/p'; }

@test "a lossy network is played, and nothing is lost" {
    try "scripts/lanzaServidor.sh" >/dev/null
    in_tree "set -m; $(lossy); wait" >said
    same "$(sed -n '/^datagrams /p; /^client to/p; /^server to/p' "$ROOT/README.md" | counts_as N)" \
        "$(grep -E '^(datagrams|client|server)' said | counts_as N)"
    same 753 "$(wc -c <"tree/log/$(sed -n 's/.* on port \([0-9]*\) .*/\1/p' said).txt")"
    try "scripts/paraServidor.sh"
}

# Numbers of any length, since what comes late is counted or not.
counts_as() { sed -E "s/[0-9]+/$1/g"; }

@test "how the transports compare is measured" {
    try "scripts/transportes.sh" >said || true      # the ratios are for a machine that is quiet
    same 'per lines short' "$(sed 's/ .*//' said | paste -s -d ' ')"
}

@test "a load is put on the server, and its report is as shown" {
    try "scripts/lanzaServidor.sh" >/dev/null
    try "cliente/cliente -n 1000 -j 20 localhost TCP ordenes/ordenes.txt" >said
    # The histogram of one machine has other rows than that of another.
    same "$(sed -n '/^sessions .* a second$/,/^client /p' "$ROOT/README.md" | report_shape)" \
        "$(sed -n '/^sessions /,/^client /p' said | report_shape)"
    try "cliente/cliente -n 1000 -j 20 -P localhost UDP ordenes/ordenes.txt" >said
    has_line said '^sessions +1000 of 1000 in '
    try "cliente/cliente -n 500 -j 10 -H 2 localhost TCP ordenes/ordenes.txt" >said
    has_line said '^500 sessions greeted of 500 in '
    has_line said '^errors +none$'
    try "scripts/paraServidor.sh"
}

report_shape() { sed -E 's/[0-9]+(\.[0-9]+)?/N/g; s/ +/ /g; s/( N)+$/ N.../'; }

# table: CALL TIMES for each row of the README's table of system calls.
table() { sed -nE 's/^\| `([a-z0-9_]+)` \| ([0-9]+) \|.*/\1 \2/p' "$ROOT/README.md" | sort; }

# calls: the same of the last session of this worker in the file trace; not the wait of no time that lets signals in.
calls() {
    awk -v worker="$1" '$1 == worker' trace | sed -E '/unfinished|pselect6\(0,/d; s/^[0-9]+ +//; s/^<\.\.\. //' |
        awk '/^accept.* = [0-9]+$/ { delete count; from = 1 }
            /^accept.*= -1/ { next }
            from { sub(/[ (].*/, ""); count[$0]++ }
            END { for (call in count) print call, count[call] }' | sort
}

one_session() {
    "${RUN_IN[@]}" "$CLIENTE" -p "$PORT" -l . localhost TCP orders >/dev/null
    worker=$(worker_of_trace)
    [ -n "$worker" ] && [ "$(calls "$worker")" = "$(table)" ]
}

worker_of_trace() { grep -E ' accept.* = [0-9]+$| <\.\.\. accept.* = [0-9]+$' trace | tail -n 1 | cut -d ' ' -f 1; }

# The first mails of a box sync the folders above it, too.
@test "a session with a mail makes the system calls of the table, as many as there" {
    local worker tracees
    leaks_unseen
    [ "$(table | wc -l)" -gt 15 ]
    printf '%s\n' 'HELO client.example' 'MAIL FROM:<a@example.org>' 'RCPT TO:<b@example.org>' DATA text . QUIT >orders
    start_server -q -m mails -o workers-min=1
    mapfile -t tracees < <(pgrep -P "$SERVER_PID" | sed 's/^/-p/')
    strace -f -o trace -p "$SERVER_PID" "${tracees[@]}" 2>attached 3>&- 4>&- &
    sessions+=($!)
    wait_until grep -q 'attached' attached
    wait_until one_session || fail "$(diff <(table) <(calls "$worker"))"
}

@test "the monitor answers and the filter is switched" {
    try "scripts/lanzaServidor.sh" >/dev/null
    try "cliente/mng_client localhost secretpa 2626 mails" >said
    same "$(sed -n '/^Identifier: /,/^```$/{/^```/!p}' "$ROOT/README.md" | shape)" "$(shape <said)"
    try "cliente/mng_client localhost secretpa 2626 all" >said
    has_line said '^tcp-sessions +3$'
    in_tree scripts/paraServidor.sh
    try "servidor/servidor -u mipass23 -T 'sed s/cat/dog/'"
    in_tree "swaks --server localhost:2525 --from a@b.es --to one@d.es --body 'a cat'" >/dev/null
    grep -qx 'a dog' tree/mails/one/new/*
    try "cliente/mng_client localhost mipass23 2626 filter-off"
    in_tree "swaks --server localhost:2525 --from a@b.es --to two@d.es --body 'a cat'" >/dev/null
    grep -qx 'a cat' tree/mails/two/new/*
    try "cliente/mng_client localhost mipass23 2626 message-size=1M"
    in_tree "printf 'EHLO x\nQUIT\n' | nc -C localhost 2525" | grep -q '^250 SIZE 1048576'
    # shellcheck disable=SC2016 # it is the README's
    try 'kill -HUP $(cat log/servidor.pid)'
    in_tree scripts/paraServidor.sh
}

@test "the help and the manuals are there" {
    try "servidor/servidor -h" | grep -q '^Usage: servidor'
    if command -v man >/dev/null; then
        try "man -l servidor/servidor.8" | grep -q SERVIDOR
        try "man -l cliente/cliente.1" | grep -q CLIENTE
        try "man -l cliente/mng_client.1" | grep -q MNG_CLIENT
        try "man -l servidor/smtp-udp.7" | grep -q SMTP-UDP
    fi
}

@test "the ways to start it that the README begins with" {
    try "servidor/servidor -f -p 2600" >said 2>&1 &
    wait_until grep -q 'UDP port 2600' said
    kill "$(cat tree/log/servidor.pid)"
    wait $!
    try "servidor/servidor -d itba"
    in_tree "nc -C localhost 2525" <<<QUIT | grep -q '^220 localhost SMTP'
    in_tree scripts/paraServidor.sh
    try "servidor/servidor -m correo"
    in_tree "swaks --server localhost:2525 --from a@b.es --to c@d.es" >/dev/null
    [ -n "$(ls tree/correo/c/new)" ]
    in_tree scripts/paraServidor.sh
    try "servidor/servidor -o domain=example.org -o known-mailboxes=yes"
    refute in_tree "swaks --server localhost:2525 --from a@b.es --to c@example.org" >said
    grep -q '550 Buzon desconocido' said
    in_tree scripts/paraServidor.sh
    try "servidor/servidor -o udp-port=same"
    # The lines one by one, since a datagram holds what one read gave.
    in_tree "nc -u -w 1 localhost 2525" <<<'EHLO c.example' | grep -q '^250 SIZE'
    in_tree scripts/paraServidor.sh
    try "servidor/servidor -o sessions-per-worker=1"
    in_tree scripts/paraServidor.sh
}

# settings_told REGEX and settings_in_manual REGEX: NAME=DEFAULT of the settings whose line ends so.
settings_told() { "$SERVIDOR" -h | grep -E "$1\$" | sed -n 's/^  \([a-z-]*=[^ ]*\) .*/\1/p'; }
settings_in_manual() { grep -E "$1\$" "$ROOT/servidor/servidor.8" | sed -n 's/^\.It Cm \([a-z-]*\) Ns \(=[^ ]*\).*/\1\2/p'; }

@test "the manual tells of each setting, its default, and whether a running server can change it" {
    same "$(settings_told '')" "$(settings_in_manual '')"
    same "$(settings_told ' \(SIGHUP\)')" "$(settings_in_manual ' \*')"
    [ "$(settings_told '' | wc -l)" -ge 15 ]
}
