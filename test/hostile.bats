#!/usr/bin/env bats
# Clients that mean no good: 2,000 sessions that are mutated, cut off, random, and ended in the middle of anything (see
# tools/mob.py), against a server that others use meanwhile.
#
#   MOB=100000 SEED=7 test/run.sh test/hostile.bats     so many of them, and other ones; and figures

load helper

# A process of an instrumented build keeps what it freed: how much memory it has says nothing.
is_instrumented() { [ -n "${VALGRIND:-}" ] || grep -q __asan_init "$SERVIDOR"; }

# figure TEXT: for who asked for a mob of a certain size.
figure() { [ -z "${MOB:-}" ] || echo "# $*" >&3; }

# servant PORT: the process that serves a well-known port of UDP; the master holds its socket too.
servant() { ss -Hunlp "sport = :$1" | grep -o 'pid=[0-9]*' | cut -d = -f 2 | grep -vx "$SERVER_PID"; }

# pillars: the master, the door and the monitor, which live as long as the server.
pillars() { echo "$SERVER_PID" "$(servant "$PORT")" "$(servant "$MPORT")"; }

# descriptors PID...: how many each has.
descriptors() { for pid; do find "/proc/$pid/fd" -mindepth 1 -printf . | wc -c; done | paste -s -d ' '; }

# memory PID...: kB that each has for itself.
memory() { for pid; do sed -n 's/^RssAnon:[^0-9]*\([0-9]*\) kB/\1/p' "/proc/$pid/status"; done 2>/dev/null; }

# start_mob COUNT SEED: they come. mob_is_over: they are gone, and none saw a fault.
start_mob() {
    PATIENCE=60 "$PYTHON" "$TOOLS/mob.py" -n "$1" -s "$2" "$ROOT/test/fuzz/corpus" "$PORT" "$MPORT" \
        >mob.said 2>&1 3>&- 4>&- &
    mob=$!
    sessions+=("$mob")
}

mob_is_over() { wait "$mob" || fail "$(cat mob.said)"; }

# settled: no session is left, and what lives is the pillars and some workers that wait for the next session.
settled() {
    local idle busy concurrent
    read -r concurrent busy idle < <(ask concurrent workers-busy workers-idle | paste -s -d ' ') || return 1
    [ "$concurrent $busy" = '0 0' ] && [ "$((idle + 2))" = "$(children | wc -l)" ] && [ "$idle" -lt 60 ]
}

# figures FILE: what the server holds when nothing happens goes to FILE. Sets held, the memory of each pillar, and most,
# that of the largest worker.
figures() {
    local pids
    WITHIN=120 wait_until settled
    pids=$(pillars)
    # shellcheck disable=SC2086 # a list of pids
    echo "$pids have $(descriptors $pids)" >"$1"
    # shellcheck disable=SC2086
    held=$(memory $pids | paste -s -d ' ')
    # shellcheck disable=SC2046
    most=$(memory $(children) | sort -n | tail -n 1)
}

# grown OLD NEW: has any of these grown by more than chance has it?
grown() {
    paste -d ' ' <(tr ' ' '\n' <<<"$1") <(tr ' ' '\n' <<<"$2") | awk '$2 > $1 + 300 { found = 1 } END { exit !found }'
}

@test "a mob of bad clients: no crash, no hang, no leak, and honest mail is kept meanwhile" {
    local count=2000 mob held most earlier
    [ -z "${VALGRIND:-}" ] || count=200
    expect_stderr '^servidor: sync=no'
    # A worker has no end of sessions: what each session leaks adds up.
    start_server -m "$PWD/mails" -o sync=no -o read-timeout=3 -o sessions-per-worker=1000000
    start_mob 200 first
    mob_is_over
    figures before
    earlier=$held,$most

    start_mob "${MOB:-$count}" "${SEED:-1}"
    "$PYTHON" "$TOOLS/crowd.py" "$PORT" 20 expected
    "$PYTHON" "$TOOLS/crowd.py" -n "$PORT" 20 expected
    mob_is_over
    figures after
    cmp before after
    figure "$(head -n 1 mob.said)"
    figure "kB of the master, door, monitor, largest worker: ${earlier/,/ }, afterwards $held $most"
    is_instrumented || refute grown "${earlier/,/ }" "$held $most"
    wait_until greets
    wait_until settled
    same "" "$(find mails -path '*/tmp/*')"
    same "$(ask historic) sessions" "$(read_log)"
    figure "$("$PYTHON" "$TOOLS/readmaillog.py" -p "$LOGS/peticiones.log" "$LOGS/smtpd.log")"
}
