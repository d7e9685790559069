#!/usr/bin/env bats
# shellcheck disable=SC2030,SC2031 # each test is a subshell, and sets what it needs
# Settings that change while the server runs: from the settings file by SIGHUP, and three by the monitor. They count for
# sessions that begin afterwards; running ones keep theirs. What SIGHUP does to message-size stands in processes.bats.

load helper

# offers NAME SIZE: the open session NAME says this size in its EHLO.
offers() { say "$1" 'C: EHLO x' 'S~ 250-' 'S~ 250-' 'S~ 250-' 'S~ 250-' 'S~ 250-' "S: 250 SIZE $2"; }

# logged: the text lines in the log that these tests have sent, sorted, in one line.
logged() { sed -n 's/.* RECIBO: \(texto .*\)$/\1/p' "$LOGS/peticiones.log" | sort | paste -s -d , -; }

# mail_of WORD [OPTION...]: a session with one mail, whose text is "texto WORD".
mail_of() {
    local word=$1
    shift
    after_helo usal "$@" <<END_OF_SCRIPT
C: MAIL FROM:<a@b.es>
S: 250 OK
C: RCPT TO:<c@d.es>
S: 250 OK
C: DATA
S~ 354
C: texto $word
C: .
S: 250 OK
C: QUIT
S~ 221
END_OF_SCRIPT
}

# say_mail NAME WORD: so in an open session.
say_mail() {
    say "$1" 'C: MAIL FROM:<a@b.es>' 'S~ 250' 'C: RCPT TO:<c@d.es>' 'S~ 250' 'C: DATA' 'S~ 354' \
        "C: texto $2" 'C: .' 'S~ 250'
}

# reread: SIGHUP, and the message size that the settings file has got is there.
reread() {
    kill -HUP "$SERVER_PID"
    becomes "$1" message-size
}

# --- by the monitor ---------------------------------------------------------------------------------------------------

@test "message size by the monitor: the next session has it, running ones keep theirs" {
    start_server
    open tcp; open udp -u
    say tcp 'S~ 220'
    say udp 'S~ 220'
    tells 10240000 message-size
    tells 'done' 0x40
    tells 65536 message-size
    for _ in {1..15}; do session_offers 65536; done
    offers tcp 10240000
    offers udp 10240000
    say tcp 'C: MAIL FROM:<a@b.es> SIZE=70000' 'S~ 250'
    after_helo usal <<<$'C: MAIL FROM:<a@b.es> SIZE=70000\nS~ 552\nC: MAIL FROM:<a@b.es> SIZE=65536\nS~ 250'
    after_helo usal -u <<<$'C: MAIL FROM:<a@b.es> SIZE=70000\nS~ 552'
    open later
    say later 'S~ 220'
    tells 'done' 0x41
    offers later 65536
    session_offers 131072
    offers tcp 10240000
}

@test "message size by the monitor: each power of two from 2^16 to 2^30" {
    start_server
    local i
    for i in {0..14}; do
        tells 'done' $((0x40 + i))
        tells $((1 << 16 + i)) message-size
    done
    session_offers $((1 << 30))
    tells 'status 3' 0x4f
    tells $((1 << 30)) message-size
}

@test "the limit of a running session is that of its begin: a text that is larger is refused, or taken" {
    start_server
    open large
    say large 'S~ 220' 'C: HELO x' 'S~ 250'
    tells 'done' 0x40
    open small
    say small 'S~ 220' 'C: HELO x' 'S~ 250'
    tells 'done' 0x4e
    local name
    for name in large:250 small:552; do
        say "${name%:*}" 'C: MAIL FROM:<a@b.es>' 'S~ 250' 'C: RCPT TO:<c@d.es>' 'S~ 250' 'C: DATA' 'S~ 354' \
            'C| {x*70000}\r\n.\r\n' "S~ ${name#*:}"
    done
}

@test "sessions per address by the monitor: the next session is refused, running ones stay" {
    namespace 10.9.9.9/32
    start_server
    hold three 3 -a 10.9.9.9 -b 10.9.9.9
    same 'greeted 3 of 3' "${GREETED% in *}"
    tells 50 sessions-per-address
    tells 'done' 0x51
    tells 2 sessions-per-address
    talk -a 10.9.9.9 -b 10.9.9.9 <<<$'S~ 421 \nclosed'
    hold loop 5
    same 'greeted 5 of 5' "${GREETED% in *}"
    say three noop
    tells 'done' 0x52
    talk -a 10.9.9.9 -b 10.9.9.9 <<<$'S~ 220 \nC: QUIT\nS~ 221'
    say three quit
}

@test "sessions per address by the monitor: each power of two from 2^0 to 2^15" {
    start_server
    local i
    for i in {0..15}; do
        tells 'done' $((0x50 + i))
        tells $((1 << i)) sessions-per-address
    done
}

@test "the texts in the log by the monitor: the next session has it, running ones keep theirs" {
    start_server
    open tcp; open udp -u
    say tcp 'S~ 220' 'C: HELO x' 'S~ 250'
    say udp 'S~ 220' 'C: HELO x' 'S~ 250'
    tells yes log-text
    mail_of one
    tells 'done' 0x60
    tells no log-text
    mail_of hidden
    mail_of hidden -u
    say_mail tcp two
    say_mail udp three
    open later
    say later 'S~ 220' 'C: HELO x' 'S~ 250'
    tells 'done' 0x61
    tells yes log-text
    mail_of four -u
    say_mail later hidden
    say tcp 'C: QUIT' 'S~ 221' closed
    say later 'C: QUIT' 'S~ 221' closed
    say udp 'C: QUIT' 'S~ 221'
    stop_server
    same 'texto four,texto one,texto three,texto two' "$(logged)"
    # What is said about texts does not touch the commands.
    same 7 "$(grep -c 'RECIBO: DATA$' "$LOGS/peticiones.log")"
}

@test "version 1 sets what version 0 sets" {
    start_server
    tells 'done done done' -1 0x42 0x53 0x60
    tells '262144 8 no' message-size sessions-per-address log-text
}

@test "a wrong secret sets nothing" {
    start_server
    SECRET=mipass24 tells 'status 1 status 1 status 1' 0x40 0x50 0x60
    SECRET=mipass24 tells 'status 1 status 1 status 1' -1 0x40 0x50 0x60
    tells 'status 1' -1 --step=-2 0x40
    tells '10240000 50 yes' message-size sessions-per-address log-text
    session_offers 10240000
}

@test "what the monitor has set outlives a worker, the door and the monitor" {
    allow_stderr '^servidor: .*(killed|signal|died|SIGKILL|9)'
    start_server
    tells 'done done done' 0x40 0x53 0x60
    local victims
    mapfile -t victims < <(children)
    kill -9 "${victims[@]}"
    wait_until greets
    tells '65536 8 no' message-size sessions-per-address log-text
    for _ in {1..10}; do session_offers 65536; done
}

@test "SIGHUP brings back what was configured, and so does a restart" {
    echo message-size=200000 >settings
    start_server -c settings -o sessions-per-address=7
    tells '200000 7 yes' message-size sessions-per-address log-text
    tells 'done done done' 0x42 0x50 0x60
    tells '262144 1 no' message-size sessions-per-address log-text
    kill -HUP "$SERVER_PID"
    becomes '200000 7 yes' message-size sessions-per-address log-text
    wait_until session_offers 200000
    tells 'done done done' 0x42 0x50 0x60
    stop_server
    start_server -c settings -o sessions-per-address=7
    tells '200000 7 yes' message-size sessions-per-address log-text
    session_offers 200000
}

# reopened: SIGHUP, and the logs that were moved away are there anew.
reopened() {
    mv "$LOGS/smtpd.log" "$LOGS/moved"
    kill -HUP "$SERVER_PID"
    wait_until [ -e "$LOGS/smtpd.log" ]
}

@test "SIGHUP without a settings file, for the logs alone, changes no setting" {
    start_server -q
    tells '10240000 50 no' message-size sessions-per-address log-text
    tells 'done done done' 0x42 0x50 0x61
    reopened
    becomes '262144 1 yes' message-size sessions-per-address log-text
}

@test "SIGHUP with a bad settings file leaves what was set" {
    # It said that the old settings stay, and yet forgot what the monitor had set.
    echo message-size=200000 >settings
    expect_stderr 'settings: line 1: nonsense'
    allow_stderr '^servidor: the old settings stay$'
    start_server -c settings
    tells 'done' 0x42
    echo nonsense=1 >settings
    kill -HUP "$SERVER_PID"
    wait_until grep -q 'nonsense' "$SERVER_ERR"
    becomes 262144 message-size
}

# --- by SIGHUP --------------------------------------------------------------------------------------------------------

@test "log-text by SIGHUP: the next session has it, running ones keep theirs" {
    printf '%s\n' log-text=yes message-size=200000 >settings
    start_server -c settings
    open old
    say old 'S~ 220' 'C: HELO x' 'S~ 250'
    mail_of one
    printf '%s\n' log-text=no message-size=300000 >settings
    reread 300000
    tells no log-text
    wait_until session_offers 300000
    mail_of hidden
    say_mail old two
    echo message-size=400000 >settings
    reread 400000
    tells yes log-text
    wait_until session_offers 400000
    mail_of three
    say old 'C: QUIT' 'S~ 221' closed
    stop_server
    same 'texto one,texto three,texto two' "$(logged)"
}

@test "-q is log-text=no, and beats the file as -o does" {
    echo log-text=yes >settings
    start_server -q -c settings
    tells no log-text
    mail_of hidden
    printf '%s\n' log-text=yes message-size=300000 >settings
    reread 300000
    tells no log-text
    stop_server
    same '' "$(logged)"
    start_server -o log-text=no
    tells no log-text
    stop_server
    start_server
    tells yes log-text
}

@test "log-text is yes or no" {
    mkdir other
    for value in '' maybe 1 YES; do
        refused -f -p 0 -P 0 -u mipass23 -l other -o log-text="$value"
        same 2 "$status"
        matches log-text "$output"
    done
}

@test "sessions-per-address by SIGHUP: the next session is refused, running ones stay" {
    namespace 10.9.9.9/32
    printf '%s\n' message-size=200000 >settings
    start_server -c settings
    hold three 3 -a 10.9.9.9 -b 10.9.9.9
    same 'greeted 3 of 3' "${GREETED% in *}"
    printf '%s\n' message-size=300000 sessions-per-address=3 >settings
    reread 300000
    tells 3 sessions-per-address
    wait_until refuses_one_more
    say three noop
    printf '%s\n' message-size=400000 >settings
    reread 400000
    tells 50 sessions-per-address
    wait_until greets -a 10.9.9.9 -b 10.9.9.9
    say three quit
}

refuses_one_more() { talk -a 10.9.9.9 -b 10.9.9.9 <<<$'S~ 421 \nclosed'; }

@test "read-timeout by SIGHUP: the next session is told 421 after it, running ones stay" {
    echo message-size=200000 >settings
    start_server -c settings
    open tcp; open udp -u
    say tcp 'S~ 220'
    say udp 'S~ 220' 'C: HELO x' 'S~ 250'
    printf '%s\n' message-size=300000 read-timeout=1 >settings
    reread 300000
    wait_until session_offers 300000
    for _ in 1 2 3; do talk <<<$'S~ 220\nS~ 421 \nclosed'; done
    talk -u <<<$'S~ 220\nS~ 421 '
    say tcp 'C: NOOP' 'S~ 250'
    say udp 'C: NOOP' 'S~ 250'
}

@test "session-timeout by SIGHUP: the next session is told 421 after it, running ones stay" {
    echo message-size=200000 >settings
    start_server -c settings
    open old
    say old 'S~ 220'
    printf '%s\n' message-size=300000 session-timeout=1 >settings
    reread 300000
    wait_until session_offers 300000
    talk <<<$'S~ 220\nS~ 421 \nclosed'
    say old 'C: NOOP' 'S~ 250'
}

# The others in one file: each is seen in a dialogue that had another end before.
@test "errors, recipients, command-line, bare-lf and domain by SIGHUP, for new sessions alone" {
    echo message-size=200000 >settings
    start_server -c settings
    open old
    say old 'S~ 220' 'C: HELO x' 'S~ 250'
    printf '%s\n' message-size=300000 errors=4 recipients=1 command-line=600 bare-lf=reject domain=d.es >settings
    reread 300000
    wait_until session_offers 300000
    after_helo usal <<'SCRIPT'
C: MAIL FROM:<a@b.es>
S~ 250
C: RCPT TO:<c@elsewhere.es>
S~ 550
C: RCPT TO:<c@d.es>
S~ 250
C: RCPT TO:<e@d.es>
S~ 452
C| NOOP {x*700}\r\n
S~ 500
C| NOOP\n
S~ 500
C: FOO
S~ 421
closed
SCRIPT
    say old 'C: MAIL FROM:<a@b.es>' 'S~ 250' 'C: RCPT TO:<c@d.es>' 'S~ 250' 'C: RCPT TO:<c@elsewhere.es>' 'S~ 250' \
        'C| NOOP {x*700}\r\n' 'S~ 250' 'C| NOOP\n' 'S~ 250' 'C: FOO' 'S~ 500' 'C: FOO' 'S~ 500' 'C: FOO' 'S~ 500' \
        'C: FOO' 'S~ 500' 'C: FOO' 'S~ 500' 'C: QUIT' 'S~ 221' closed
}

@test "a bad file at SIGHUP: named with its line, and no value of it counts" {
    printf '%s\n' message-size=200000 sessions-per-address=9 >settings
    expect_stderr 'settings: line 4: message-size'
    allow_stderr '^servidor: the old settings stay$'
    start_server -c settings
    printf '%s\n' log-text=no sessions-per-address=3 '# a comment' message-size=1 errors=1 >settings
    kill -HUP "$SERVER_PID"
    wait_until grep -q 'line 4' "$SERVER_ERR"
    tells '200000 9 yes' message-size sessions-per-address log-text
    for _ in {1..10}; do session_offers 200000; done
    after_helo usal <<<$'C: FOO\nS~ 500'
    mail_of seen
    printf '%s\n' log-text=no message-size=300000 >settings
    reread 300000
    tells '300000 50 no' message-size sessions-per-address log-text
    stop_server
    same 'texto seen' "$(logged)"
}

@test "a SIGHUP that changes what a running server cannot change harms nothing" {
    printf '%s\n' message-size=200000 workers-max=100 >settings
    allow_stderr 'workers-max|restart'
    start_server -c settings
    printf '%s\n' message-size=300000 workers-max=200 >settings
    reread 300000
    wait_until session_offers 300000
}

@test "a storm of SIGHUPs and settings leaves a server that answers" {
    : >settings
    start_server -c settings
    local i
    for i in {1..20}; do
        kill -HUP "$SERVER_PID"
        tells 'done done' $((0x40 + i % 15)) $((0x60 + i % 2))
    done
    kill -HUP "$SERVER_PID"
    becomes '10240000 yes' message-size log-text
    wait_until session_offers 10240000
    mail_of after
    mail_of after -u
}
