#!/usr/bin/env bats
# shellcheck disable=SC2030,SC2031,SC2034 # each test is a subshell, and sets what it needs and what helpers read
# What a person starts: lanzaServidor.sh, paraServidor.sh, make run. Each test has a copy of the project as a clone would
# be, with the programs as they are built here, and a network of its own where 2525 is free.

load helper

local_setup() {
    need_root "a network namespace, since the scripts use port 2525"
    copy_project
    cp "$SERVIDOR" copy/servidor/servidor
    cp "$CLIENTE" copy/cliente/cliente
    # The scripts start the copy: the wrapper looks for that one too.
    SERVIDOR=$PWD/copy/servidor/servidor
    namespace
}

local_teardown() {
    # A script that failed half-way leaves the server it started.
    local pid
    pid=$(cat copy/log/servidor.pid 2>/dev/null) || return 0
    [ "$(readlink "/proc/$pid/exe")" != "$SERVIDOR" ] || { kill "$pid"; WITHIN=60 wait_until gone "$pid"; }
}

copy_project() {
    mkdir copy
    (cd "$ROOT" && tar -cf - --exclude=servidor/servidor --exclude=cliente/cliente --exclude=cliente/mng_client \
        --exclude=test/relay/relay --exclude='log/[!.]*' \
        Makefile servidor cliente test/relay ordenes scripts log) | tar -xf - -C copy
}

# in_copy COMMAND...: runs it in the copy and its network; what it says in $output, how it ended in $status.
in_copy() {
    status=0
    (cd copy && timeout 300 "${RUN_IN[@]}" "$@") </dev/null >said 2>&1 3>&- 4>&- || status=$?
    output=$(cat said)
}

# the_summary FILE: six lines, one for each client, as a person understands them.
the_summary() {
    local transport orders replies port log
    for transport in TCP UDP; do
        for orders in ordenes ordenes1 ordenes2; do
            replies=$(sed -n 's/^.* - Recibo: \([0-9]*\) .*/\1/p' "$ROOT/test/golden/$orders.$transport.log" |
                sort | uniq -c | awk '{ printf "%s%s:%s", sep, $2, $1; sep = " " }')
            grep -E "^$transport +$orders\.txt .*" "$1" >line || fail "no line for $orders over $transport" || return 1
            grep -qF "$replies" line || fail "not the replies $replies: $(cat line)" || return 1
            log=$(grep -o 'log/[0-9]*\.txt' line)
            port=${log//[!0-9]/}
            grep -qw "$port" <(sed "s|$log||" line) || fail "the port is not told: $(cat line)" || return 1
            same "$(stat -c %s "$ROOT/test/golden/$orders.$transport.log")" "$(stat -c %s "copy/$log")" || return 1
        done
    done
}

@test "lanzaServidor.sh starts the server, replays six files, sums up, and leaves the server running" {
    in_copy scripts/lanzaServidor.sh
    same 0 "$status"
    matches 'Listening on TCP port 2525' "$output"
    matches 'Listening on UDP port 2525' "$output"
    the_summary said
    SERVER_PID=$(cat copy/log/servidor.pid)
    refute gone "$SERVER_PID"
    PORT=2525
    talk <<<$'S~ 220\nC: QUIT\nS~ 221\nclosed'
    LOGS=copy/log
    in_copy scripts/paraServidor.sh
    same 0 "$status"
    gone "$SERVER_PID" || fail "the server still runs"
    only_left
    same '7 sessions' "$(read_log)"
}

@test "lanzaServidor.sh passes its arguments on to servidor" {
    in_copy scripts/lanzaServidor.sh -p 2600 -d itba -n mx.example
    same 0 "$status"
    matches 'Listening on TCP port 2600' "$output"
    PORT=2600
    talk <<<$'S: 220 mx.example SMTP\nC: QUIT\nS: 221 2.0.0 Bye\nclosed'
    in_copy scripts/paraServidor.sh
    same 0 "$status"
}

@test "lanzaServidor.sh works from any folder, and with port 0" {
    mkdir elsewhere
    (cd elsewhere && timeout 300 "${RUN_IN[@]}" ../copy/scripts/lanzaServidor.sh -p 0) >said 2>&1 </dev/null 3>&- 4>&-
    the_summary said
    in_copy scripts/paraServidor.sh
    same 0 "$status"
}

@test "a second lanzaServidor.sh says who is running, fails, and leaves that one alone" {
    in_copy scripts/lanzaServidor.sh
    same 0 "$status"
    local pid
    pid=$(cat copy/log/servidor.pid)
    in_copy scripts/lanzaServidor.sh
    refute [ "$status" = 0 ]
    matches "$pid" "$output"
    PORT=2525
    talk <<<'S~ 220'
    in_copy scripts/paraServidor.sh
    same 0 "$status"
}

@test "lanzaServidor.sh finds the logs where -l puts them, behind any other option, and -m keeps the mail" {
    mkdir copy/registros
    in_copy scripts/lanzaServidor.sh -m correo -l registros
    same 0 "$status"
    matches 'logs to registros/peticiones.log' "$output"
    [ -n "$(ls copy/correo/luisa/new)" ]
    in_copy scripts/paraServidor.sh registros
    same 0 "$status"
}

@test "lanzaServidor.sh with a bad option fails and leaves nothing" {
    in_copy scripts/lanzaServidor.sh -p 70000
    same 2 "$status"
    matches '70000' "$output"
    only_left
}

@test "paraServidor.sh without a server says so and fails" {
    in_copy scripts/paraServidor.sh
    refute [ "$status" = 0 ]
    [ -n "$output" ]
}

@test "paraServidor.sh harms no other program that has the pid of a stale pid file" {
    tail -f /dev/null 3>&- 4>&- &
    sessions+=($!)
    echo "${sessions[0]}" >copy/log/servidor.pid
    (cd copy && timeout 20 scripts/paraServidor.sh) >said 2>&1 || true
    refute gone "${sessions[0]}"
    rm -f copy/log/servidor.pid
}

@test "paraServidor.sh lets a running session finish" {
    in_copy scripts/lanzaServidor.sh
    PORT=2525
    open live
    say live 'S~ 220'
    (cd copy && exec timeout 300 "${RUN_IN[@]}" scripts/paraServidor.sh) >parted 2>&1 </dev/null 3>&- 4>&- &
    wait_until closed_for_new
    say live 'C: NOOP' 'S~ 250' 'C: QUIT' 'S~ 221' closed
    wait $!
    only_left
}

closed_for_new() { refute "${RUN_IN[@]}" "$PYTHON" -c "import socket; socket.create_connection(('127.0.0.1', 2525))" 2>/dev/null; }

@test "make run starts, replays, shows the end of peticiones.log, and stops: nothing is left" {
    rm copy/servidor/servidor copy/cliente/cliente
    in_copy make run
    same 0 "$status"
    the_summary said
    grep -q "$(tail -n 1 copy/log/peticiones.log)" said
    matches 'SERVIDOR localhost con IP:' "$output"
    only_left
    [ ! -e copy/log/servidor.pid ] || gone "$(cat copy/log/servidor.pid)"
}

@test "make run twice works, and the second one's summary is its own" {
    in_copy make run
    same 0 "$status"
    in_copy make run
    same 0 "$status"
    the_summary said
}
