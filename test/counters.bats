#!/usr/bin/env bats
# shellcheck disable=SC2030,SC2031 # each test is a subshell, and sets what it needs
# What the monitor counts: it agrees with what the clients did, over both transports, and outlives deaths and restarts.
# What is expected is computed from the order files, the clients' logs and the dialogues, never from the server.

load helper

DEATH='^servidor: .*(killed|signal|died|SIGKILL|9)'
OCTETS='tcp-received tcp-sent udp-received udp-sent'
# All that only ever grows, and is kept.
KEPT="historic bytes mails tcp-sessions udp-sessions tcp-mails udp-mails $OCTETS
    tcp-refused-4 udp-refused-4 tcp-refused-5 udp-refused-5 mails-refused-4 mails-refused-5 octets-refused-4
    octets-refused-5 udp-resends udp-duplicates filter-runs filter-failures lost-records udp-dropped"

# figures: what stands in all of them, in one line.
# shellcheck disable=SC2086 # a list
figures() { ask $KEPT | paste -s -d ' '; }

# are_kept FIGURES: they are still the same.
# shellcheck disable=SC2086 # a list
are_kept() { tells "$1" $KEPT; }

# said FILE...: "RECEIVED SENT", the octets of what C: and S: lines of dialogues say, as the server sees them.
said() {
    LC_ALL=C awk '/^C: / { heard += length($0) - 1 } /^S: / { sent += length($0) - 1 }
        END { print heard + 0, sent + 0 }' "$@"
}

# pid_of_session PORT [PROTOCOL]: the one process that has the session of our local port.
pid_of_session() {
    local pids
    pids=$(worker_of "$@")
    [ "$(wc -w <<<"$pids")" = 1 ] || fail "port $1 is had by: $pids"
    echo "$pids"
}

kill_worker() {
    local pid
    pid=$(pid_of_session "$@")
    kill -9 "$pid"
    wait_until gone "$pid"
}

# kill_all: kill -9 of the master and all its children at once.
kill_all() {
    mapfile -t victims < <(children)
    kill -9 "$SERVER_PID" "${victims[@]}"
    WITHIN=60 wait_until gone "$SERVER_PID"
    wait "$SERVER_PID" || true
    forget_server "$SERVER_PID"
    wait_until only_left
}

# mail_script COUNT: a script for talk or say with so many mails to two recipients each, without the end of the session.
mail_script() {
    local i
    for ((i = 0; i < $1; i++)); do
        printf '%s\n' 'C: MAIL FROM:<a@b.es>' 'S~ 250' 'C: RCPT TO:<c@d.es>' 'S~ 250' 'C: RCPT TO:<e@d.es>' 'S~ 250' \
            'C: DATA' 'S~ 354' 'C: Subject: count' 'C: ' 'C: Línea uno' 'C: ..dot' 'C: .' 'S~ 250'
    done
}

# say_mails NAME COUNT: so in an open session.
say_mails() {
    local lines
    mapfile -t lines < <(mail_script "$2")
    say "$1" "${lines[@]}"
}

# whole_session COUNT [OPTION...]: a session from the greeting to the 221, with so many mails.
whole_session() {
    local count=$1
    shift
    { printf '%s\n' 'S~ 220' 'C: HELO x' 'S~ 250'; mail_script "$count"; printf '%s\n' 'C: QUIT' 'S~ 221' closed; } |
        talk "$@"
}

# --- six clients ------------------------------------------------------------------------------------------------------

# six_clients: each order file over each transport, all at once.
six_clients() {
    local transport orders jobs=() job
    for transport in TCP UDP; do
        for orders in ordenes ordenes1 ordenes2; do
            mkdir -p "$transport/$orders"
            timeout 120 "$CLIENTE" -p "$PORT" -l "$transport/$orders" localhost "$transport" \
                "$ROOT/ordenes/$orders.txt" >"$transport/$orders/said" 2>&1 3>&- 4>&- &
            jobs+=($!)
        done
    done
    for job in "${jobs[@]}"; do wait "$job" || fail "$(cat ./*/*/said)"; done
}

# told TRANSPORT: what three clients did: "SESSIONS MAILS RECEIVED SENT REFUSED_4 REFUSED_5", by the order files and by
# the replies that the clients logged.
told() {
    LC_ALL=C awk '
        FILENAME ~ /ordenes[12]?[.]txt$/ { sub(/\r$/, ""); received += length($0) + 2; next }
        FNR == 1 { sessions++ }
        (at = index($0, " - Recibo: ")) {
            reply = substr($0, at + 11)
            sub(/\r$/, "", reply)
            sent += length(reply) + 2
            if (before ~ /^354/ && reply ~ /^250/) mails++
            if (reply ~ /^4/) four++
            if (reply ~ /^5/) five++
            before = reply
        }
        END { print sessions + 0, mails + 0, received + 0, sent + 0, four + 0, five + 0 }
        ' "$ROOT"/ordenes/{ordenes,ordenes1,ordenes2}.txt "$1"/*/*.txt
}

# six_are_counted TIMES: the counters say what six clients did so many times.
six_are_counted() {
    local tcp udp times=$1
    tcp=$(told TCP | awk -v n="$times" '{ for (i = 1; i <= NF; i++) $i *= n; print }')
    udp=$(told UDP | awk -v n="$times" '{ for (i = 1; i <= NF; i++) $i *= n; print }')
    same "$((3 * times)) $((5 * times))" "$(cut -d ' ' -f 1-2 <<<"$tcp")"
    same "$tcp" "$udp"
    becomes "$tcp" tcp-sessions tcp-mails tcp-received tcp-sent tcp-refused-4 tcp-refused-5
    becomes "$udp" udp-sessions udp-mails udp-received udp-sent udp-refused-4 udp-refused-5
    # shellcheck disable=SC2086 # a list
    set -- $tcp $udp
    tells "$((6 * times)) $(($3 + $4 + $9 + ${10})) $((10 * times)) 0 0 0 0" \
        historic bytes mails mails-refused-4 mails-refused-5 octets-refused-4 octets-refused-5
    becomes 0 concurrent
}

@test "the counters agree with what six clients did, over both transports" {
    start_server
    tells '0 0 0 0' historic concurrent bytes mails
    six_clients
    six_are_counted 1
}

@test "they agree with what six clients did in the other dialect" {
    start_server -d itba
    six_clients
    six_are_counted 1
}

@test "they do so before and after kill -9 of workers amid their sessions, and after a restart" {
    allow_stderr "$DEATH"
    start_server
    six_clients
    six_are_counted 1
    open tcp; open udp -u
    local tcp_port udp_port before
    tcp_port=$(sed -n 's/^port //p' tcp.said) udp_port=$(sed -n 's/^port //p' udp.said)
    say tcp 'S~ 220' 'C: HELO x' 'S~ 250'
    say udp 'S~ 220' 'C: HELO x' 'S~ 250'
    say_mails tcp 1
    say_mails udp 2
    becomes '8 2 13 6 7' historic concurrent mails tcp-mails udp-mails
    # shellcheck disable=SC2046,SC2086 # lists
    becomes "$(paste -d ' ' <(told TCP) <(told UDP) <(said tcp.said) <(said udp.said) |
        awk '{ print $3 + $13, $4 + $14, $9 + $15, $10 + $16 }')" $OCTETS
    before=$(figures)
    kill_worker "$tcp_port"
    becomes 1 concurrent
    are_kept "$before"
    kill_worker "$udp_port" u
    becomes 0 concurrent
    are_kept "$before"
    say tcp closed
    stop_server
    start_server
    tells 0 concurrent
    are_kept "$before"
    whole_session 1
    becomes '9 14' historic mails
}

@test "after a restart counting goes on, six clients in each of two lives" {
    start_server
    six_clients
    six_are_counted 1
    stop_server
    start_server
    six_are_counted 1
    rm -r TCP UDP
    six_clients
    six_are_counted 2
}

# --- deaths -----------------------------------------------------------------------------------------------------------

@test "exact after kill -9 of workers at any moment of a dialogue" {
    allow_stderr "$DEATH"
    start_server
    local moments=('S~ 220' 'C: HELO x' 'S~ 250' 'C: MAIL FROM:<a@b.es>' 'S~ 250' 'C: RCPT TO:<c@d.es>' 'S~ 250'
        'C: DATA' 'S~ 354' 'C: text' 'C: .' 'S~ 250' 'C: FOO' 'S~ 500')
    local i n=0
    for i in 1 3 5 7 9 12 14; do
        for transport in t u; do
            # shellcheck disable=SC2046 # none or one
            open "s$i$transport" $([ "$transport" = t ] || echo -u)
            say "s$i$transport" "${moments[@]:0:i}"
            becomes "$((++n)) 1" historic concurrent
            kill_worker "$LPORT" "$transport"
            becomes "$n 0" historic concurrent
        done
    done
    # shellcheck disable=SC2086 # a list
    tells "$(said s{1,3,5,7,9,12,14}t.said) $(said s{1,3,5,7,9,12,14}u.said)" $OCTETS
    tells '14 7 7 2 2 1 1' historic tcp-sessions udp-sessions tcp-mails udp-mails tcp-refused-5 udp-refused-5
}

@test "kill -9 of an idle worker counts a death, and changes nothing else" {
    allow_stderr "$DEATH"
    start_server -o workers-min=4
    whole_session 1
    becomes '1 0' historic concurrent
    wait_until workers_are_right
    local before died pid
    before=$(figures) died=$(ask workers-died)
    open kept
    say kept 'S~ 220'
    pid=$(pid_of_session "$LPORT")
    say kept 'C: QUIT' 'S~ 221' closed
    becomes '2 0' historic concurrent
    before=$(figures)
    kill -9 "$pid"
    wait_until more_have_died "$died"
    wait_until workers_are_right
    are_kept "$before"
}

more_have_died() { [ "$(ask workers-died)" -gt "$1" ]; }

@test "exact after kill -9 of all idle processes at once" {
    start_server
    whole_session 2
    whole_session 1 -u
    becomes '2 0' historic concurrent
    local before
    before=$(figures)
    kill_all
    start_server
    tells '2 0 3' historic concurrent mails
    are_kept "$before"
    [ ! -e "$LOGS/contadores.old" ]
}

@test "exact after kill -9 of the whole group amid sessions, again and again" {
    local before='' turn
    for turn in 1 2 3; do
        start_server
        tells 0 concurrent
        [ -z "$before" ] || are_kept "$before"
        open "tcp$turn"; open "udp$turn" -u
        say "tcp$turn" 'S~ 220' 'C: HELO x' 'S~ 250'
        say "udp$turn" 'S~ 220' 'C: HELO x' 'S~ 250'
        say_mails "tcp$turn" 1
        say_mails "udp$turn" 1
        say "tcp$turn" 'C: MAIL FROM:<a@b.es>' 'S~ 250' 'C: RCPT TO:<c@d.es>' 'S~ 250' 'C: DATA' 'S~ 354'
        becomes "$((2 * turn)) 2 $((2 * turn))" historic concurrent mails
        # shellcheck disable=SC2046,SC2086 # lists
        becomes "$(said tcp?.said) $(said udp?.said)" $OCTETS
        before=$(figures)
        kill_all
    done
    start_server
    are_kept "$before"
    tells 0 concurrent
    [ ! -e "$LOGS/contadores.old" ]
}

@test "exact after kill -9 of the master: what its last sessions do is counted too" {
    start_server
    open tcp; open udp -u
    say tcp 'S~ 220' 'C: HELO x' 'S~ 250'
    say udp 'S~ 220' 'C: HELO x' 'S~ 250'
    becomes '2 2' historic concurrent
    kill_server KILL
    say_mails tcp 1
    say_mails udp 1
    say tcp 'C: QUIT' 'S~ 221' closed
    say udp 'C: QUIT' 'S~ 221'
    wait_until only_left
    start_server
    tells '2 0 2 1 1' historic concurrent mails tcp-mails udp-mails
    # shellcheck disable=SC2046,SC2086 # lists
    tells "$(said tcp.said) $(said udp.said)" $OCTETS
}

@test "exact after kill -9 of the master, though the next server is there before its last session is over" {
    start_server
    open tcp
    say tcp 'S~ 220' 'C: HELO x' 'S~ 250'
    becomes '1 1' historic concurrent
    kill_server KILL
    start_server
    tells 1 historic
    say_mails tcp 1
    say tcp 'C: QUIT' 'S~ 221' closed
    whole_session 1
    becomes '2 2' historic mails
    # shellcheck disable=SC2046 # a list
    becomes "$(said tcp.said talk)" tcp-received tcp-sent
}

@test "a server that is stopped while it is loaded forgets nothing" {
    start_server -o drain-timeout=1
    hold tcp 20
    hold udp 20 -u
    becomes '40 40' historic concurrent
    stop_server
    start_server
    tells '40 0 20 20' historic concurrent tcp-sessions udp-sessions
    # Each has been told 421 at the end.
    tells '20 20' tcp-refused-4 udp-refused-4
}

@test "SIGHUP keeps the counters" {
    start_server
    whole_session 1
    becomes '1 0' historic concurrent
    local before
    before=$(figures)
    for _ in 1 2 3; do kill -HUP "$SERVER_PID"; are_kept "$before"; done
    mv "$LOGS" moved && mkdir "$LOGS"
    mv moved/contadores moved/servidor.pid "$LOGS"
    kill -HUP "$SERVER_PID"
    wait_until [ -e "$LOGS/peticiones.log" ]
    are_kept "$before"
}

# --- what is a session, an octet, a mail ------------------------------------------------------------------------------

@test "concurrent sessions are those that run now" {
    start_server
    hold tcp 7
    hold udp 5 -u
    becomes '12 12 7 5' historic concurrent tcp-sessions udp-sessions
    say tcp quit
    becomes '12 5' historic concurrent
    say udp quit
    becomes '12 0' historic concurrent
}

@test "a session that leaves without a word is over" {
    start_server
    talk <<<$'S~ 220\nC: HELO x\nS~ 250\nreset'
    becomes '1 0' historic concurrent
    talk <<<$'S~ 220\nC| MAIL FR\nhalf\nclosed'
    becomes '2 0' historic concurrent
}

@test "a client that is refused at the door is a session of history, and not one that runs" {
    start_server -o workers-max=2 -o workers-min=1
    hold full 2
    becomes '2 2 0' historic concurrent tcp-refused-4
    talk <<<$'S~ 421 [A-Z]\nclosed'
    becomes '3 2 3 1' historic concurrent tcp-sessions tcp-refused-4
    # shellcheck disable=SC2046 # a list
    becomes "0 $((2 * (${#GREETING} + 2) + $(said talk | cut -d ' ' -f 2)))" tcp-received tcp-sent
    say full quit
}

@test "octets are those of the dialogue, whatever the lines look like" {
    start_server
    # Bare ends of lines, a line that is too long, a text with dots and NULs: all is counted as it came.
    printf '%s\n' "S: $GREETING" 'C| HELO x\n' 'S: 250 OK' 'C| {x*3000}\r\n' 'S~ 500 ' \
        'C| MAIL FROM:<a@b.es>\r\nRCPT TO:<c@d.es>\r\nDATA\r\n' 'S: 250 OK' 'S: 250 OK' \
        'S: 354 Comenzando con el texto del correo, finalice con .' \
        'C| ..\r\n\x00\xff\xf1\r\n{y*5000}\r\n.\r\n' 'S: 250 OK' \
        'C| QUIT\r\n' 'S: 221 Cerrando el servicio' closed | talk
    local received=$((7 + 3002 + 20 + 18 + 6 + 4 + 5 + 5002 + 3 + 6))
    becomes "1 0 $received $(said talk | cut -d ' ' -f 2) 1" historic concurrent tcp-received tcp-sent mails
    tells "$((received + $(said talk | cut -d ' ' -f 2)))" bytes
}

@test "the octets of BDAT are counted: its commands and its chunks" {
    start_server
    after_helo usal <<'SCRIPT'
C| MAIL FROM:<a@b.es>\r\nRCPT TO:<c@d.es>\r\n
S: 250 OK
S: 250 OK
C| BDAT 10\r\n12345678\r\nBDAT 4 LAST\r\nab\r\n
S~ 250
S~ 250
C| QUIT\r\n
S~ 221
closed
SCRIPT
    local received=$((16 + 20 + 18 + 9 + 10 + 13 + 4 + 6))
    becomes "1 1 $received $(said talk | cut -d ' ' -f 2)" historic mails tcp-received tcp-sent
}

@test "a reply of several lines is counted whole" {
    start_server
    session_offers 10240000
    becomes '1 0' historic concurrent
    # shellcheck disable=SC2046 # a list
    tells "$(said talk)" tcp-received tcp-sent
}

@test "a mail is one, however many recipients it has, and none before its text is kept" {
    start_server
    open tcp
    say tcp 'S~ 220' 'C: HELO x' 'S~ 250' 'C: MAIL FROM:<a@b.es>' 'S~ 250'
    for i in {1..20}; do say tcp "C: RCPT TO:<c$i@d.es>" 'S~ 250'; done
    say tcp 'C: DATA' 'S~ 354' 'C: text'
    becomes '0 0' mails tcp-mails
    say tcp 'C: .' 'S~ 250'
    becomes '1 1' mails tcp-mails
    say tcp 'C: MAIL FROM:<a@b.es>' 'S~ 250' 'C: RCPT TO:<c@d.es>' 'S~ 250' 'C: RSET' 'S~ 250' 'C: QUIT' 'S~ 221' closed
    becomes '1 1 0' mails tcp-mails mails-refused-5
}

# --- refusals ---------------------------------------------------------------------------------------------------------

@test "refused replies are counted by class and transport" {
    start_server -o recipients=1
    for transport in '' -u; do
        # shellcheck disable=SC2086 # none or one
        after_helo usal $transport <<'SCRIPT'
C: FOO
S~ 500
C: RCPT TO:<c@d.es>
S~ 500
C: MAIL FROM:<a@b.es>
S~ 250
C: RCPT TO:<c@d.es>
S~ 250
C: RCPT TO:<e@d.es>
S~ 452
C: RCPT TO:<f@d.es>
S~ 452
C: RCPT TO:<nobody
S~ 500
C: QUIT
S~ 221
SCRIPT
    done
    becomes '2 2 3 3' tcp-refused-4 udp-refused-4 tcp-refused-5 udp-refused-5
    tells '0 0 0 0 0' mails mails-refused-4 mails-refused-5 octets-refused-4 octets-refused-5
}

@test "a mail refused for good is counted, and the octets of its text" {
    start_server -o bare-lf=reject
    { for text in 'uno\rdos\r\n' '{x*990}\r\ntres\r\n\r\ncua\rtro\r\n'; do
          printf '%s\n' 'C| MAIL FROM:<a@b.es>\r\nRCPT TO:<c@d.es>\r\nDATA\r\n' 'S~ 250' 'S~ 250' 'S~ 354' \
              "C| $text.\\r\\n" 'S~ 550'
      done
      printf '%s\n' 'C: QUIT' 'S~ 221' closed; } | after_helo usal
    becomes '2 0 2' mails-refused-5 mails-refused-4 tcp-refused-5
    tells "$((9 + 992 + 6 + 2 + 9)) 0 0" octets-refused-5 octets-refused-4 mails
}

@test "a mail that is too large is counted as refused for good" {
    start_server -o message-size=65536
    { printf '%s\n' 'C| MAIL FROM:<a@b.es>\r\nRCPT TO:<c@d.es>\r\nDATA\r\n' 'S~ 250' 'S~ 250' 'S~ 354' \
          'C| {x*70000}\r\n.\r\n' 'S~ 552' 'C: MAIL FROM:<a@b.es> SIZE=70000' 'S~ 552' 'C: QUIT' 'S~ 221' closed
    } | after_helo usal
    becomes '1 0 2 0' mails-refused-5 mails-refused-4 tcp-refused-5 mails
    tells "70002 0 $((16 + 20 + 18 + 6 + 70002 + 3 + 31 + 6))" octets-refused-5 octets-refused-4 tcp-received
}

# A text has as many octets as its SIZE says (RFC 1870, section 3): with CRLFs, without dots that stuff lines or end it.
@test "a mail refused for now is counted, and the octets of its text" {
    expect_stderr 'Not a directory: mail is refused for now$'
    mkdir -p mails/c/{tmp,cur}
    : >mails/c/new
    start_server
    for transport in '' -u; do
        # shellcheck disable=SC2086 # none or one
        after_helo usal $transport <<'SCRIPT'
C: MAIL FROM:<a@b.es>
S~ 250
C: RCPT TO:<c@d.es>
S~ 250
C: DATA
S~ 354
C: texto
C: ..
C: .
S~ 451
C: QUIT
S~ 221
SCRIPT
    done
    becomes '2 0 1 1' mails-refused-4 mails-refused-5 tcp-refused-4 udp-refused-4
    tells '20 0 0' octets-refused-4 octets-refused-5 mails
}

# --- UDP --------------------------------------------------------------------------------------------------------------

@test "a command that comes again is a duplicate, its reply a resend, and neither counts as octets" {
    start_server
    talk -u <<END_OF_SCRIPT
S: $GREETING
C: HELO x
S: 250 OK
C: NOOP
S: 250 OK
C| NOOP\\r\\n
S: 250 OK
C| NOOP\\r\\n
S: 250 OK
C: MAIL FROM:<a@b.es>
S: 250 OK
C| MAIL FROM:<a@b.es>\\r\\n
S: 250 OK
C: QUIT
S: 221 Cerrando el servicio
END_OF_SCRIPT
    becomes '1 3 3' historic udp-duplicates udp-resends
    becomes "$((8 + 6 + 20 + 6)) $((${#GREETING} + 2 + 3 * 8 + 26))" udp-received udp-sent
    tells '0 0' tcp-received tcp-sent
}

@test "the end of a text that comes again is a duplicate, and the mail is one" {
    start_server
    after_helo usal -u <<'SCRIPT'
C: MAIL FROM:<a@b.es>
S: 250 OK
C: RCPT TO:<c@d.es>
S: 250 OK
C: DATA
S~ 354
C: text
C: .
S: 250 OK
C| .\r\n
S: 250 OK
C| .\r\n
S: 250 OK
C: QUIT
S~ 221
SCRIPT
    becomes '1 1 2 2' mails udp-mails udp-duplicates udp-resends
    becomes "$((16 + 20 + 18 + 6 + 6 + 3 + 6))" udp-received
}

@test "a hello that comes again is a duplicate, and no session" {
    start_server
    open peer -u
    say peer 'D| \r\n' "S: $GREETING" 'D| \r\n' "S: $GREETING" 'D| \r\n' "S: $GREETING"
    becomes '1 1 2 2' historic concurrent udp-duplicates udp-resends
    becomes "0 $((${#GREETING} + 2))" udp-received udp-sent
    say peer 'C: QUIT' 'S~ 221'
}

@test "without repetitions there are no duplicates and no resends" {
    start_server
    whole_session 2 -u
    becomes '1 2 0 0' historic udp-mails udp-duplicates udp-resends
    # shellcheck disable=SC2046 # a list
    tells "$(said talk)" udp-received udp-sent
}

# --- workers, time, logs ----------------------------------------------------------------------------------------------

# workers_are_right: idle and busy ones are the master's children but for the door and the monitor, and what was born
# and has not died is alive.
workers_are_right() {
    local idle busy born died alive
    alive=$(($(children | wc -l) - 2))
    read -r idle busy born died < <(ask workers-idle workers-busy workers-born workers-died | xargs)
    [ "$((idle + busy)) $((born - died))" = "$alive $alive" ] ||
        fail "$alive workers live; idle $idle, busy $busy, born $born, died $died"
}

busy_are() { workers_are_right && tells "$1 $1" workers-busy concurrent; }

@test "workers: the idle, the busy, the born and the dead" {
    start_server
    wait_until busy_are 0
    hold tcp 30
    hold udp 10 -u
    wait_until busy_are 40
    say tcp quit
    wait_until busy_are 10
    say udp quit
    WITHIN=60 wait_until busy_are 0
}

@test "workers that end after their sessions are counted as they are" {
    start_server -o sessions-per-worker=1
    for _ in {1..10}; do talk <<<$'S~ 220\nC: QUIT\nS~ 221\nclosed'; done
    becomes '10 0' historic concurrent
    wait_until workers_are_right
    [ "$(ask workers-died)" -ge 10 ]
}

@test "the time of the start and the uptime" {
    local before after started uptime
    before=$(date +%s)
    start_server
    after=$(date +%s)
    started=$(ask started)
    ((before <= started && started <= after)) || fail "started at $started, between $before and $after"
    wait_until uptime_is_beyond 0
    before=$(date +%s) uptime=$(ask uptime) after=$(date +%s)
    ((before - started - 1 <= uptime && uptime <= after - started + 1)) ||
        fail "up $uptime s at $before, since $started"
    tells "$started" started
    stop_server
    wait_until beyond "$started"
    start_server
    refute tells "$started" started
    ((started <= $(ask started))) || fail "the start was before that of the server before"
}

uptime_is_beyond() { [ "$(ask uptime)" -gt "$1" ]; }

beyond() { [ "$(date +%s)" -gt "$1" ]; }

@test "records that a log did not take are counted" {
    mkdir log
    ln -s /dev/full log/smtpd.log
    expect_stderr 'smtpd\.log: No space left on device'
    expect_stderr '^servidor: 10 log records could not be written$'
    start_server
    for _ in 1 2 3 4 5; do talk <<<$'S~ 220\nC: QUIT\nS~ 221\nclosed'; done
    becomes '5 0 10' historic concurrent lost-records
}

# --- filters ----------------------------------------------------------------------------------------------------------

@test "runs and failures of the filter are counted, and it runs once a mail" {
    printf '#!/bin/sh\ncat\n' >good
    printf '#!/bin/sh\nexit 75\n' >bad
    chmod +x good bad
    start_server -T "$PWD/good"
    whole_session 2
    becomes '2 2 0' mails filter-runs filter-failures
    tells 'done' filter-off
    whole_session 1
    becomes '3 2 0' mails filter-runs filter-failures
    tells 'done' filter-on
    stop_server
    expect_stderr '^servidor: filter of [^ ]*: .*mail is refused for now$'
    start_server -T "$PWD/bad"
    after_helo usal <<'SCRIPT'
C| MAIL FROM:<a@b.es>\r\nRCPT TO:<c@d.es>\r\nDATA\r\n
S~ 250
S~ 250
S~ 354
C| text\r\n.\r\n
S~ 451
SCRIPT
    becomes '3 3 1 1' mails filter-runs filter-failures mails-refused-4
}

# --- the file ---------------------------------------------------------------------------------------------------------

# has_history: a server has counted one session, and has ended.
has_history() {
    start_server
    whole_session 1
    becomes '1 1' historic mails
    stop_server
}

# is_set_aside: the file as it is now is called contadores.old by the next start, which says so once and counts from 0.
# The start behind it finds nothing wrong.
is_set_aside() {
    cp "$LOGS/contadores" damaged
    expect_stderr 'contadores'
    start_server
    tells '0 0 0 0' historic concurrent bytes mails
    same 1 "$(grep -c contadores "$SERVER_ERR")"
    cmp damaged "$LOGS/contadores.old"
    whole_session 2
    becomes '1 2' historic mails
    stop_server
    same 1 "$(complaints | wc -l)"
    start_server
    tells '1 2' historic mails
    same "" "$(complaints)"
    cmp damaged "$LOGS/contadores.old"
    stop_server
}

# flip OFFSET: changes one bit of the octet there.
flip() {
    "$PYTHON" - "$LOGS/contadores" "$1" <<'PY'
import sys
with open(sys.argv[1], "r+b") as file:
    file.seek(int(sys.argv[2]))
    octet = file.read(1)[0]
    file.seek(int(sys.argv[2]))
    file.write(bytes([octet ^ 1]))
PY
}

@test "the counters are in contadores, in the folder of the logs, for their owner alone" {
    umask 000
    start_server
    whole_session 1
    becomes '1 0' historic concurrent
    [ -f "$LOGS/contadores" ]
    same 600 "$(stat -c %a "$LOGS/contadores")"
    (($(stat -c %s "$LOGS/contadores") <= 65536)) || fail "it is not small"
    stop_server
    rm "$LOGS/contadores"
    start_server
    tells '0 0' historic mails
}

# locked FILE: whoever may read the file locks it, together with others, until the test ends.
locked() {
    "$PYTHON" - "$1" >locked 3>&- 4>&- <<'PY' &
import fcntl, sys, time
file = open(sys.argv[1])
fcntl.lockf(file, fcntl.LOCK_SH)
print(flush=True)
time.sleep(3600)
PY
    sessions+=($!)
    wait_until [ -s locked ]
}

@test "a lock on the file that somebody keeps is waited for a while, and stops no start" {
    # Who could read the file could lock it, and the start waited for ever.
    has_history
    locked "$LOGS/contadores"
    expect_stderr '/contadores: another process keeps it locked: totals will be lost at the end$'
    start_server
    tells '0 0' historic mails
    whole_session 1
    becomes '1 1' historic mails
    stop_server
    kill "${sessions[-1]}"
    wait_until gone "${sessions[-1]}"
    start_server
    tells '1 1' historic mails
}

@test "a file that others may read is their owner's alone from the next start on; what a link names stays as it is" {
    has_history
    chmod 644 "$LOGS/contadores"
    start_server
    same 600 "$(stat -c %a "$LOGS/contadores")"
    stop_server
    chmod 644 "$LOGS/contadores"
    mv "$LOGS/contadores" elsewhere
    ln -s "$PWD/elsewhere" "$LOGS/contadores"
    start_server
    tells '1 1' historic mails
    same 644 "$(stat -c %a elsewhere)"
}

@test "an octet that was changed in the file: set aside, said once, and counted from 0" {
    has_history
    local size at
    size=$(stat -c %s "$LOGS/contadores")
    for at in 0 $((size / 3)) $((size - 1)); do
        flip "$at"
        is_set_aside || fail "with octet $at of $size"
    done
}

@test "each octet of the file is checked" {
    has_history
    cp "$LOGS/contadores" whole
    expect_stderr 'contadores'
    local size at step
    size=$(stat -c %s whole)
    step=$((size / 24 + 1))
    for ((at = 1; at < size; at += step)); do
        cp whole "$LOGS/contadores"
        flip "$at"
        start_server
        tells 0 historic || fail "octet $at of $size is not checked"
        stop_server
    done
    cp whole "$LOGS/contadores"
    start_server
    tells '1 1' historic mails
}

@test "an empty file is begun anew: a full disk or a kill may have left it so" {
    has_history
    : >"$LOGS/contadores"
    start_server
    tells '0 0' historic mails
    whole_session 1
    becomes '1 1' historic mails
    [ ! -e "$LOGS/contadores.old" ]
}

@test "a file that is emptied under a running server kills nobody" {
    # Who touched its mapping was killed by SIGBUS: the monitor again and again, then the master.
    start_server
    whole_session 1
    becomes '1 1' historic mails
    : >"$LOGS/contadores"
    becomes '0 0' historic mails
    whole_session 2
    becomes '1 2' historic mails
    stop_server
    start_server
    tells '1 2' historic mails
}

@test "the workers that died with a killed master are counted as dead" {
    start_server
    kill_all
    start_server
    local born died
    read -r born died < <(ask workers-born workers-died | paste -s -d ' ')
    [ "$died" -gt 0 ]
    same "$((born - died))" "$(ask workers-idle)"
}

@test "a chunk that makes a mail too large is a mail refused, as it is by DATA" {
    start_server -d itba -o message-size=65536
    talk <<<$'S~ 220\nC: HELO x\nS~ 250\nC: MAIL FROM:<a@b.es>\nS~ 250\nC: RCPT TO:<c@d.es>\nS~ 250\nC: BDAT 70000 LAST\nC| {x*70000}\nS~ 552'
    becomes '1 70000 1' mails-refused-5 octets-refused-5 tcp-refused-5
}

@test "a file that was cut, lengthened or replaced: set aside, said once, and counted from 0" {
    has_history
    truncate -s -1 "$LOGS/contadores"
    is_set_aside
    truncate -s 10 "$LOGS/contadores"
    is_set_aside
    echo >>"$LOGS/contadores"
    is_set_aside
    head -c 4096 /dev/urandom >"$LOGS/contadores"
    is_set_aside
    truncate -s 0 "$LOGS/contadores" && truncate -s 4096 "$LOGS/contadores"
    is_set_aside
}

@test "a damaged file after kill -9 stops no start either" {
    allow_stderr 'contadores'
    start_server
    whole_session 1
    becomes '1 0' historic concurrent
    kill_all
    truncate -s -1 "$LOGS/contadores"
    start_server
    tells '0 0' historic mails
    whole_session 1
    becomes '1 1' historic mails
}

@test "what in the place of the file is no file stops no start" {
    expect_stderr 'contadores'
    mkdir -p "$BATS_TEST_TMPDIR/log/contadores"
    start_server
    tells 0 historic
    whole_session 1
    becomes '1 1' historic mails
}

@test "where the file cannot be written, the server counts nevertheless and says so once" {
    expect_stderr 'contadores'
    allow_stderr '(peticiones|smtpd)\.log'
    mkdir -p log
    ln -s /proc/nowhere/contadores log/contadores
    start_server
    whole_session 1
    becomes '1 1' historic mails
    same 1 "$(grep -c contadores "$SERVER_ERR")"
}

@test "a counter beyond 32 bits: its high half stands in the reserved octets" {
    # After kill -9 the file has no sum over it that holds: the counter is found there by its value, and made larger.
    start_server
    printf '%s\n' 'C| MAIL FROM:<a@b.es>\r\nRCPT TO:<c@d.es>\r\nDATA\r\n' 'S~ 250' 'S~ 250' 'S~ 354' \
        'C| {x*54321}\r\n.\r\n' 'S~ 250' 'C: QUIT' 'S~ 221' closed | after_helo usal
    local received=$((16 + 20 + 18 + 6 + 54323 + 3 + 6))
    becomes "$received 0" tcp-received concurrent
    kill_all
    "$PYTHON" - "$LOGS/contadores" "$received" <<'PY'
import struct, sys
with open(sys.argv[1], "rb") as file: octets = file.read()
old, new = (struct.pack("=Q", int(sys.argv[2]) + more) for more in (0, 3 << 32))
assert octets.count(old) == 1, octets.count(old)
with open(sys.argv[1], "wb") as file: file.write(octets.replace(old, new))
PY
    start_server
    tells "$((received + (3 << 32)))" tcp-received
    same "fffe0012340$(printf '0%08x' "$received")00000003" "$(raw "fffe0012346d6970617373323311")"
    talk <<<$'S~ 220\nC: QUIT\nS~ 221\nclosed'
    becomes "$((received + (3 << 32) + 6))" tcp-received
    stop_server
    start_server
    tells "$((received + (3 << 32) + 6))" tcp-received
}

@test "two servers with one folder of logs do not share the counters" {
    start_server
    whole_session 1
    becomes '1 0' historic concurrent
    refused -f -p 0 -P 0 -u mipass23 -l "$LOGS"
    tells '1 0' historic concurrent
    whole_session 1
    becomes '2 2' historic mails
}
