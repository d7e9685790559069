#!/usr/bin/env bats
# shellcheck disable=SC2030,SC2031 # each test is a subshell, and sets what it needs
# The message filter (-T): what it gets, what becomes of what it writes, and of it when it does not behave. Whatever it
# does, a mail is kept whole or not at all, nothing stays in any tmp/, and no process outlives its mail.
#
# A test is a script for tools/talks.py, which { ... } | play runs (see faults.bats). Where it does not matter what the
# program is, it is "obey", which does what the first line of a mail says, with the rest of the mail on its input.

load helper

local_setup() {
    : >runs
    write_filter obey <<'END_OF_FILTER'
echo >>runs
IFS= read -r order
eval "$order"
END_OF_FILTER
}

# write_filter NAME <<COMMANDS: a script that can be executed.
write_filter() {
    { echo '#!/bin/sh'; cat; } >"$1"
    chmod +x "$1"
}

# serve [OPTION...]: a server with the filter "obey", unless an option says otherwise.
serve() { start_server -m "$PWD/mails" -T "$PWD/obey" "$@"; }

play() {
    "${RUN_IN[@]}" "$PYTHON" "$TOOLS/talks.py" "$PORT" >played 2>&1 3>&- 4>&- ||
        { tail -n 20 played | cut -c 1-300; return 1; }
}

lines() { printf '%s\n' "$@"; }

envelope() {
    local box
    lines 'C: MAIL FROM:<a@b.es>' 'S~ 250'
    for box; do lines "C: RCPT TO:<$box@d.es>" 'S~ 250'; done
}

# begin BOX..., finish TEXT REPLY: a mail by DATA, in two parts. TEXT has its line ends as octets have them there.
begin() { envelope "$@"; lines 'C: DATA' 'S~ 354'; }
finish() { lines "C| $1.\\r\\n" "S: $2"; }

# mail TEXT REPLY BOX...: both parts.
mail() { begin "${@:3}"; finish "$1" "$2"; }

# chunk TEXT REPLY BOX...: the same by BDAT. TEXT has no escapes but \r\n.
chunk() {
    local plain=${1//\\[rn]/x}
    envelope "${@:3}"
    lines "C| BDAT ${#plain} LAST\\r\\n$1" "S: $2"
}

# What a client is told.
LATER='451 No se puede guardar ahora, intente mas tarde'
REFUSED='554 Mensaje rechazado por el filtro'
LATER_ITBA='451 4.3.0 Error: cannot be kept now, try later'
REFUSED_ITBA='554 5.7.1 Error: message refused by the filter'

# failures_told WHY: the server says on stderr why the filter failed; of later failures it may.
failures_told() {
    expect_stderr "^servidor: filter of [A-Za-z0-9]{9}: $1: mail is refused for now\$"
    allow_stderr '^servidor: filter of [A-Za-z0-9]{9}: .*: mail is refused for now$'
}

# texts BOX: the texts of the box's mails, each without the four lines that the server writes above it.
texts() { find "mails/$1/new" -type f -exec tail -n +5 -q {} +; }

# no_mail: no file is in any box.
no_mail() { same "" "$(find mails -type f)"; }

nothing_in_tmp() { same "" "$(find mails -path '*/tmp/*')"; }

# clean: part of a script, nothing is in any tmp/.
clean() { lines 'sh test -z "$(find mails -path "*/tmp/*" | tee /dev/stderr)"'; }

# is_run COUNT: so often "obey" has been run.
is_run() { same "$1" "$(wc -l <runs)"; }

# ends FILE: the process whose number is in FILE is gone.
ends() { [ -s "$1" ] && gone "$(cat "$1")"; }

# --- what the reports show --------------------------------------------------------------------------------------------

@test "-T tac turns a mail around, as the report shows" {
    start_server -m "$PWD/mails" -d itba -T tac
    talk <<'END'
S: 220 localhost SMTP
C: EHLO lucas
S: 250-localhost
S: 250-PIPELINING
S: 250-8BITMIME
S: 250-SMTPUTF8
S: 250-CHUNKING
S: 250-ENHANCEDSTATUSCODES
S: 250 SIZE 10240000
C: MAIL FROM: <lucas@pdc.com>
S: 250 2.1.0 Ok
C: RCPT TO: <catedra@pdc.com>
S: 250 2.1.0 Ok
C: DATA
S: 354 End data with <CR><LF>.<CR><LF>
C| 5\r\n4\r\n3\r\n2\r\n1\r\n.\r\n
S~ 250 2\.0\.0 Ok: queued as [A-Za-z0-9]{9}$
C: QUIT
S: 221 2.0.0 Bye
END
    same $'1\n2\n3\n4\n5' "$(texts catedra)"
    same 'Return-Path: <lucas@pdc.com>' "$(head -n 1 mails/catedra/new/*)"
    matches '^Received: from lucas ' "$(sed -n 2p mails/catedra/new/*)"
    nothing_in_tmp
}

@test "-T tac over UDP and by BDAT" {
    start_server -m "$PWD/mails" -T tac
    {
        lines 'session one udp'
        mail 'Holaa\r\nChauu\r\n2.0\r\n' '250 OK' lucas
        lines 'session two'
        chunk 'Holaa\r\nChauu\r\n2.0\r\n' '250 OK' emi
    } | play
    same $'2.0\nChauu\nHolaa' "$(texts lucas)"
    same $'2.0\nChauu\nHolaa' "$(texts emi)"
    nothing_in_tmp
}

# --- programs that behave ---------------------------------------------------------------------------------------------

@test "-T cat keeps what no filter keeps, octet for octet" {
    local box text='Subject: x\r\n\r\n..dot\r\n...\r\n\x00\x01\xff\xfe \xc3\xb1 \r x\r\n{0123456789*30000}\r\n\r\n'
    {
        lines 'session tcp'
        mail "$text" '250 OK' tcp
        mail '' '250 OK' empty
        chunk 'last line\r\nwithout an end' '250 OK' bdat
        lines 'session udp udp'
        mail 'Subject: x\r\n\r\nhello\r\n..\r\n' '250 OK' udp
    } >script
    start_server -m "$PWD/mails"
    play <script
    mv mails plain
    LOGS=$PWD/log.filtered
    start_server -m "$PWD/mails" -T cat
    play <script
    nothing_in_tmp
    for box in tcp empty bdat udp; do
        cmp <(tail -n +5 plain/$box/new/*) <(texts $box)
        same "$(head -n 1 plain/$box/new/*)" "$(head -n 1 mails/$box/new/*)"
        same 'f 600' "$(find mails/$box/new -mindepth 1 -printf '%y %m')"
    done
    [ "$(texts tcp | wc -c)" -gt 300000 ]
}

@test "the arguments are words, with quotes and without a shell" {
    start_server -m "$PWD/mails" -T "sed -e 's/good  day/bad  day/' -e \"s/a'b/c\\\"d/\" -e s/x\\ y/\\\$HOME;*/"
    { lines 'session one'; mail "good  day\\r\\na'b\\r\\nx y\\r\\n" '250 OK' one; } | play
    same $'bad  day\nc"d\n$HOME;*' "$(texts one)"
}

@test "-T 'bogofilter -p' marks mails" {
    command -v bogofilter >/dev/null || skip "no bogofilter on this machine"
    mkdir words
    printf 'From: a\n\nbuy cheap pills now now now\n' | bogofilter -d words -s
    printf 'From: a\n\nthe meeting is on monday\n' | bogofilter -d words -n
    start_server -m "$PWD/mails" -T "bogofilter -p -e -d $PWD/words"
    { lines 'session one'; mail 'From: a@b.es\r\n\r\nbuy cheap pills now\r\n' '250 OK' one; } | play
    same 1 "$(texts one | grep -c '^X-Bogosity: ')"
    same $'\nbuy cheap pills now' "$(texts one | tail -n 2)"
    nothing_in_tmp
}

@test "-T 'spamassassin -L' marks mails" {
    command -v spamassassin >/dev/null || skip "no spamassassin on this machine"
    start_server -m "$PWD/mails" -o filter-timeout=600 -T "env HOME=$PWD spamassassin -L -x"
    {
        lines 'session one'
        mail 'From: a@b.es\r\nSubject: x\r\n\r\nhello\r\n' '250 OK' one
    } | PATIENCE=300 play
    same 1 "$(texts one | grep -c '^X-Spam-Checker-Version: ')"
    same 'hello' "$(texts one | tail -n 1)"
    nothing_in_tmp
}

@test "one run for a mail to several recipients, and one file" {
    serve
    { lines 'session one'; mail 'exec sort -r\r\na\r\nb\r\n' '250 OK' one two three; } | play
    is_run 1
    local box
    for box in one two three; do same $'b\na' "$(texts $box)"; done
    same 1 "$(find mails -type f -printf '%i\n' | sort -u | wc -l)"
    nothing_in_tmp
}

@test "two mails in one -s session" {
    printf '%s\r\n' 'HELO x' 'MAIL FROM:<a@b.es>' 'RCPT TO:<one@d.es>' DATA a b . \
        'MAIL FROM:<a@b.es>' 'RCPT TO:<two@d.es>' DATA c d . QUIT >script
    mkdir log
    "$SERVIDOR" -s -d itba -l log -m "$PWD/mails" -T tac <script >said 2>said.err 3>&- 4>&-
    same 221 "$(tail -n 1 said | cut -c 1-3)"
    same "" "$(cat said.err)"
    same $'b\na' "$(texts one)"
    same $'d\nc' "$(texts two)"
}

# --- the envelope -----------------------------------------------------------------------------------------------------

@test "the environment tells the envelope, whatever stands in it" {
    write_filter tell <<'END_OF_FILTER'
for name in SENDER RECIPIENTS RECIPIENT_COUNT CLIENT QUEUE_ID; do printenv $name | sed "s/^/$name /"; done
END_OF_FILTER
    SENDER=old RECIPIENTS=old QUEUE_ID=old start_server -m "$PWD/mails" -d itba -T ./tell
    {
        lines 'session one' 'C: MAIL FROM:<"a b;$(touch gone)`x`|&\"!*"@b.es>' 'S~ 250'
        lines 'C: RCPT TO:<one@d.es>' 'S~ 250' 'C: RCPT TO:<"t'\''w o"@[127.0.0.1]>' 'S~ 250' 'C: DATA' 'S~ 354'
        lines 'C| x\r\n.\r\n' 'S~ 250'
        lines 'session two udp' 'C: MAIL FROM:<>' 'S~ 250' 'C: RCPT TO:<two@d.es>' 'S~ 250' 'C: DATA' 'S~ 354'
        lines 'C| x\r\n.\r\n' 'S~ 250'
    } | play
    same 'SENDER "a b;$(touch gone)`x`|&\"!*"@b.es
RECIPIENTS one@d.es
RECIPIENTS "t'\''w o"@[127.0.0.1]
RECIPIENT_COUNT 2
CLIENT 127.0.0.1' "$(texts one | head -n 5)"
    same "$(sed -n 's/^S: 250 2\.0\.0 Ok: queued as /QUEUE_ID /p' played | head -n 1)" "$(texts one | tail -n +6)"
    same $'SENDER \nRECIPIENTS two@d.es\nRECIPIENT_COUNT 1\nCLIENT 127.0.0.1' "$(texts two | head -n 4)"
    [ ! -e gone ]
}

@test "CLIENT of a client that comes by IPv6" {
    need_ipv6
    start_server -m "$PWD/mails" -T 'printenv CLIENT'
    talk -a ::1 <<'END'
S~ 220
C: HELO x
S~ 250
C: MAIL FROM:<a@b.es>
S~ 250
C: RCPT TO:<one@d.es>
S~ 250
C: DATA
S~ 354
C| x\r\n.\r\n
S~ 250
END
    same ::1 "$(texts one)"
}

@test "1,000 recipients with long addresses: whole ones, 64 KiB of them, and how many there are in all" {
    write_filter tell <<'END_OF_FILTER'
printf '%s\n' "$RECIPIENT_COUNT" "$RECIPIENTS"
END_OF_FILTER
    start_server -q -m "$PWD/mails" -T ./tell
    "$PYTHON" - >script <<'END'
label = "d" * 60
print("session one\nC: MAIL FROM:<a@b.es>\nS~ 250")
for i in range(1000):
    print(f"C: RCPT TO:<one@{label}.{label}.{label}.x{i:04}{'y' * 58}>\nS~ 250")
print("C: DATA\nS~ 354\nC| x\\r\\n.\\r\\n\nS: 250 OK")
END
    play <script
    texts one >got
    same 1000 "$(head -n 1 got)"
    # An address has 250 octets: 261 of them, with what separates them, are the last that fit.
    same 250 "$(sed -n 2p got | tr -d '\n' | wc -c)"
    same 261 "$(tail -n +2 got | wc -l)"
    cmp <(sed -n 's/^C: RCPT TO:<\(.*\)>$/\1/p' script | head -n 261) <(tail -n +2 got)
}

@test "no descriptor and no signal setting of the server reaches the filter" {
    write_filter look <<'END_OF_FILTER'
ls /proc/self/fd
exec grep -E '^Sig(Blk|Ign)' /proc/self/status
END_OF_FILTER
    exec 7</dev/null 8>>other
    trap '' HUP USR2
    start_server -m "$PWD/mails" -T "$PWD/look"
    exec 7<&- 8>&-
    trap - HUP USR2
    { lines 'session tcp'; mail 'x\r\n' '250 OK' tcp; lines 'session udp udp'; mail 'x\r\n' '250 OK' udp; } | play
    local box ignored
    # 3 is the folder that ls reads. Signals 32 and 33 are the C library's own: it lets nobody set them.
    for box in tcp udp; do
        matches '^0 1 2 3 SigBlk: 0+ SigIgn: ([0-9a-f]+)$' "$(texts $box | xargs)"
        ignored=${BASH_REMATCH[1]}
        same 0 $((0x$ignored & ~(3 << 31)))
    done
}

# --- exit statuses ----------------------------------------------------------------------------------------------------

# each_status LATER REFUSED: what the statuses get, in the running session.
each_status() {
    local status
    for status in 1 2 75 98 101 126 127 255; do mail "cat; exit $status\\r\\nx\\r\\n" "$1" never; clean; done
    mail 'cat; exit 100\r\nx\r\n' "$2" never
    clean
    for status in TERM SEGV KILL ABRT PIPE; do mail "cat; kill -$status \$\$\\r\\nx\\r\\n" "$1" never; clean; done
}

@test "exit statuses: 0 keeps, 99 drops, 100 refuses, all others refuse for now" {
    failures_told 'exit status 1'
    serve
    {
        lines 'session tcp'
        each_status "$LATER" "$REFUSED"
        mail 'cat; exit 99\r\nx\r\n' '250 OK' never
        clean
        mail 'cat; exit 0\r\nx\r\n' '250 OK' tcp
        lines 'session udp udp'
        mail 'exit 75\r\nx\r\n' "$LATER" never
        mail 'exit 100\r\nx\r\n' "$REFUSED" never
        mail 'exit 99\r\nx\r\n' '250 OK' never
        mail 'exec cat\r\ny\r\n' '250 OK' udp
        lines 'session bdat'
        chunk 'exit 100\r\n' "$REFUSED" never
    } | play
    same x "$(texts tcp)"
    same y "$(texts udp)"
    same 2 "$(find mails -type f | wc -l)"
    nothing_in_tmp
    stop_server
    same 2 "$(grep -c '^Mail Sent: ' "$LOGS/smtpd.log")"
}

@test "exit statuses in the other dialect" {
    failures_told 'exit status 1'
    serve -d itba
    {
        lines 'session tcp'
        each_status "$LATER_ITBA" "$REFUSED_ITBA"
        begin never
        lines 'C| exit 99\r\n.\r\n' 'S~ 250 2\.0\.0 Ok: queued as [A-Za-z0-9]{9}$'
        lines 'session udp udp'
        mail 'exit 75\r\nx\r\n' "$LATER_ITBA" never
        mail 'exit 100\r\nx\r\n' "$REFUSED_ITBA" never
    } | play
    no_mail
}

@test "a filter that is killed says so" {
    failures_told 'signal 11'
    serve
    { lines 'session one'; mail 'cat; kill -SEGV $$\r\nx\r\n' "$LATER" never; } | play
    no_mail
}

# --- programs that do not behave --------------------------------------------------------------------------------------

@test "a filter that hangs is killed with all its children, and the next mail is kept" {
    failures_told 'no end within 1 s'
    serve -o filter-timeout=1
    {
        lines 'session one'
        mail 'cat; trap "" TERM; sleep 600 & echo $! >child; echo $$ >leader; wait\r\nx\r\n' "$LATER" never
        clean
        lines 'session udp udp'
        mail 'echo $$ >third; exec sleep 600\r\nx\r\n' "$LATER" never
        clean
    } | play
    local process
    for process in child leader third; do wait_until ends "$process"; done
    stop_server
    start_server -m "$PWD/mails" -T cat
    { lines 'session one'; mail 'x\r\n' '250 OK' one; } | play
    same x "$(texts one)"
    same 1 "$(find mails -type f | wc -l)"
}

# leaves: the first line of a mail for "obey", whose filter becomes one that has joined its worker's process group, as
# the file left tells then, has no alarm any more, and stays.
leaves() {
    printf '%s' 'echo $$ >leader; exec ' "$PYTHON -c 'import os, signal; os.setpgid(0, os.getpgid(os.getppid())); " \
        "signal.alarm(0); open(\"left\", \"w\").close(); signal.pause()'" '\r\nx\r\n'
}

@test "a filter that leaves its process group is killed when its time is over" {
    failures_told 'no end within 3 s'
    serve -o filter-timeout=3
    { lines 'session one'; mail "$(leaves)" "$LATER" never; clean; } | play
    wait_until ends leader
    no_mail
}

@test "a filter that leaves its process group ends with the drain" {
    failures_told 'the server stops'
    serve -o drain-timeout=1 -o filter-timeout=600
    {
        lines 'session one'
        begin never
        lines "C| $(leaves).\\r\\n" 'sh until [ -e left ]; do sleep 0.1; done'
        lines "sh kill -TERM $SERVER_PID" "S: $LATER" 'S~ 421'
    } | play
    server_ends 0
    wait_until ends leader
    no_mail
}

@test "a child that a filter leaves behind ends with it" {
    serve
    { lines 'session one'; mail 'sleep 600 & echo $! >child; exec cat\r\nx\r\n' '250 OK' one; } | play
    wait_until ends child
    same x "$(texts one)"
    nothing_in_tmp
}

@test "a filter that floods its output" {
    failures_told 'signal [0-9]+'
    serve -o message-size=65536
    {
        lines 'session one'
        mail 'exec yes\r\nx\r\n' "$LATER" never
        clean
        mail 'head -c 65537 /dev/zero; exit 0\r\nx\r\n' "$LATER" never
        clean
        mail 'exec head -c 65536 /dev/zero\r\nx\r\n' '250 OK' one
    } | play
    same 65536 "$(texts one | wc -c)"
    same 1 "$(find mails -type f | wc -l)"
}

@test "a filter that does not mind that its output is cut is found out" {
    failures_told 'it wrote more than message-size'
    serve -o message-size=65536
    { lines 'session one'; mail 'trap "" XFSZ; yes 2>/dev/null; exit 0\r\nx\r\n' "$LATER" never; } | play
    no_mail
}

@test "a filter that floods its stderr: five lines of it are passed on" {
    failures_told 'signal [0-9]+'
    allow_stderr '^servidor: filter of [A-Za-z0-9]{9}: y$'
    serve -o message-size=65536
    {
        lines 'session one'
        mail 'exec yes >&2\r\nx\r\n' "$LATER" never
        clean
        lines "sh test \$(grep -c ': y\$' $SERVER_ERR) = 5"
        mail 'yes | head -c 60000 >&2; exec cat\r\nx\r\n' '250 OK' one
    } | play
    same 10 "$(grep -c ': y$' "$SERVER_ERR")"
    same x "$(texts one)"
}

@test "what a filter says on stderr cannot steer a terminal, nor forge a line" {
    write_filter complain <<'END_OF_FILTER'
printf 'a\033[2J\r\tb\000\377\\\n\nservidor: x\nend' >&2
exec cat
END_OF_FILTER
    start_server -d itba -m "$PWD/mails" -T ./complain
    allow_stderr '^servidor: filter of [A-Za-z0-9]{9}: (a|servidor|end)'
    { lines 'session one'; begin one; lines 'C| x\r\n.\r\n' 'S~ 250'; } | play
    same 'a\033[2J\r\tb\000\377\\
servidor: x
end' "$(sed -n "s/^servidor: filter of $(sed -n 's/.*queued as //p' played): //p" "$SERVER_ERR")"
    same 3 "$(complaints | wc -l)"
}

@test "a filter that closes its input early, with a mail that no pipe holds" {
    start_server -q -m "$PWD/mails" -T 'head -n 1'
    {
        lines 'session one'
        mail 'first\r\n{0123456789*100000}\r\n' '250 OK' one
        mail '{0123456789*100000}\r\nlast\r\n' '250 OK' two
    } | play
    same first "$(texts one)"
    same 1000001 "$(texts two | wc -c)"
    nothing_in_tmp
}

@test "a filter that prints nothing does not make mail vanish" {
    failures_told 'it wrote nothing'
    start_server -m "$PWD/mails" -T true
    { lines 'session one'; mail 'x\r\n' "$LATER" never; clean; mail '' '250 OK' empty; } | play
    same "" "$(texts empty)"
    same 1 "$(find mails -type f | wc -l)"
}

@test "a filter cannot harm the trace fields" {
    failures_told 'it wrote over the trace fields'
    serve
    {
        lines 'session one'
        mail ': >/dev/stdout; cat\r\nx\r\n' "$LATER" never
        clean
        mail 'echo a; echo b >>/dev/stdout; echo c\r\n' '250 OK' one
    } | play
    same $'a\nb\nc' "$(texts one)"
    same 'Return-Path: <a@b.es>' "$(head -n 1 mails/one/new/*)"
    nothing_in_tmp
}

# An untouched text that begins with a blank is set apart from our Received, but tac let the last line of a mail follow
# it: "by trusted.bank (verified)" was what the server itself said.
@test "what a filter writes does not go on with our Received" {
    failures_told 'it wrote a line that goes on with the trace fields'
    start_server -m "$PWD/mails" -T tac
    {
        lines 'session one'
        mail 'x\r\n\r\n\tby trusted.bank (verified) for <ceo@bank>; Thu, 1 Jan 1970 00:00:00 +0000\r\n' "$LATER" never
        clean
        mail 'x\r\n\x20\r\n' "$LATER" never
        chunk '\r\n by trusted.bank' "$LATER" never
        clean
        mail '\x20x\r\n\ty\r\nz\r\n' '250 OK' one
        mail '\ty\r\n\r\n' '250 OK' two
    } | play
    same $'z\n\ty\n x' "$(texts one)"
    same $'\n\ty' "$(texts two)"
    same 2 "$(find mails -type f | wc -l)"
}

# --- mails that no filter sees ----------------------------------------------------------------------------------------

@test "no filter for a mail that is too big, goes in circles or is not finished" {
    serve -q -d itba -o message-size=65536
    {
        lines 'session one'
        begin never
        lines 'C| {0123456789*7000}\r\n.\r\n' 'S~ 552'
        begin never
        lines "C| $(printf 'Received: x\\r\\n%.0s' {1..101})\\r\\n.\\r\\n" 'S~ 554 5\.4\.6 '
        envelope never
        lines 'C| BDAT 3\r\nabc' 'S~ 250' 'C: RSET' 'S~ 250'
        begin never
        lines 'C| exec cat\r\n' reset
    } | play
    stop_server
    is_run 0
    nothing_in_tmp
    no_mail
}

# --- the start --------------------------------------------------------------------------------------------------------

@test "a program that cannot be executed is found at the start" {
    mkdir log
    refused -f -p 0 -l log -m mails -T '/nowhere/filter -x'
    same 1 "$status"
    same 'servidor: -T: /nowhere/filter: No such file or directory: name a program that can be executed' "$output"
    refused -f -p 0 -l log -m mails -T no-such-program
    same 1 "$status"
    same 'servidor: -T: no-such-program: No such file or directory: name a program that can be executed' "$output"
    chmod -x obey
    refused -f -p 0 -l log -m mails -T ./obey
    same 1 "$status"
    same 'servidor: -T: ./obey: Permission denied: name a program that can be executed' "$output"
    PATH=$PWD:$PATH refused -s -l log -m mails -T obey
    same 1 "$status"
    refused -p 0 -l log -m mails -T /tmp
    same 1 "$status"
    [ ! -e mails ]
}

@test "a command line that is none is refused" {
    local command
    for command in '' ' ' "cat '" 'cat "x' 'cat \' "''" "$(printf 'a %.0s' {1..256})"; do
        refused -T "$command"
        same 2 "$status"
        matches '^servidor: -T .*: name a program and its arguments, with quotes in pairs$' "$output"
    done
}

@test "a program that cannot be executed any more: 451, until it can" {
    not_under_valgrind 'it dies where a program cannot be executed'
    failures_told 'it cannot be run: Permission denied'
    serve
    {
        lines 'session one'
        mail 'exec cat\r\nx\r\n' '250 OK' one
        lines 'sh chmod -x obey'
        mail 'exec cat\r\nx\r\n' "$LATER" never
        clean
        lines 'sh rm obey'
        mail 'exec cat\r\nx\r\n' "$LATER" never
        clean
        lines 'sh printf "#!/nowhere/sh\nexec cat" >obey && chmod +x obey'
        mail 'x\r\n' "$LATER" never
        clean
        lines 'sh echo exec cat >obey'  # a text that names no interpreter is for sh, as execvp(3) has it
        mail 'x\r\n' '250 OK' bare
        lines 'sh printf "#!/bin/sh\nexec cat" >obey'
        mail 'x\r\n' '250 OK' two
    } | play
    same x "$(texts bare)"
    same x "$(texts two)"
    same 3 "$(find mails -type f | wc -l)"
}

# --- signals, and the death of others ---------------------------------------------------------------------------------

# waits: the text of a mail for "obey", which goes on when there is the file go. is_waiting: part of a script, it does.
waits='echo $PPID >parent; echo $$ >leader; until [ -e go ]; do sleep 0.1; done; exec cat\r\nx\r\n.\r\n'
is_waiting() { lines 'sh until [ -s leader ]; do sleep 0.1; done'; }

@test "a worker that dies while the filter runs: nothing is kept, and the filter ends too" {
    expect_stderr '^servidor: TCP worker [0-9]+ ended by signal 9'
    serve -o filter-timeout=10
    {
        lines 'session one'
        begin never
        lines "C| $waits"
        is_waiting
        lines 'sh kill -9 $(cat parent)' closed 'session two'
        mail 'exec cat\r\nx\r\n' '250 OK' one
    } | play
    WITHIN=60 wait_until ends leader
    same "" "$(find mails/never/new -type f)"
    stop_server
    serve
    nothing_in_tmp
    same 1 "$(find mails -type f | wc -l)"
}

@test "SIGTERM while the filter runs: the mail is kept" {
    serve -o drain-timeout=600 -o filter-timeout=600
    {
        lines 'session one'
        begin one
        lines "C| $waits"
        is_waiting
        lines "sh kill -TERM $SERVER_PID" 'sh while ss -Htln | grep -q ":'"$PORT"' "; do sleep 0.1; done'
        lines 'sh touch go' 'S: 250 OK' 'C: QUIT' 'S~ 221'
    } | play
    server_ends 0
    same x "$(texts one)"
    nothing_in_tmp
}

@test "the end of the drain ends the filter, and the client is told" {
    failures_told 'the server stops'
    serve -o drain-timeout=1 -o filter-timeout=600
    {
        lines 'session one'
        begin never
        lines "C| $waits"
        is_waiting
        lines "sh kill -TERM $SERVER_PID" "S: $LATER" 'S~ 421'
    } | play
    server_ends 0
    wait_until ends leader
    no_mail
}

@test "the death of the master while the filter runs: the mail is kept" {
    serve -o filter-timeout=600
    {
        lines 'session one'
        begin one
        lines "C| $waits"
        is_waiting
        lines "sh kill -KILL $SERVER_PID" 'sh touch go' 'S: 250 OK' 'C: QUIT' 'S~ 221'
    } | play
    wait "$SERVER_PID" || true
    forget_server "$SERVER_PID"
    wait_until only_left
    same x "$(texts one)"
    nothing_in_tmp
}

@test "20 clients at once, each mail through the filter" {
    start_server -m "$PWD/mails" -q -T tac
    local i pids=()
    { lines 'session one'; for i in 1 2 3; do mail 'a\r\nb\r\n' '250 OK' one two; done; } >script
    for i in {1..20}; do
        PATIENCE=120 "$PYTHON" "$TOOLS/talks.py" "$PORT" <script >"said.$i" 2>&1 3>&- 4>&- &
        pids+=($!)
    done
    for i in "${pids[@]}"; do wait "$i"; done
    same "$(for i in {1..60}; do lines b a; done)" "$(texts one)"
    same "$(for i in {1..60}; do lines b a; done)" "$(texts two)"
    nothing_in_tmp
}

# --- faults -----------------------------------------------------------------------------------------------------------

# fault PROBE ERROR REPLY: PROBE fails when the text has come; nothing is kept then, and the next mail is.
fault() {
    begin one two
    lines "sh echo $1 $2 >fault.new && mv fault.new fault"
    finish 'exec cat\r\nx\r\n' "$3"
    lines 'sh ! cat fault 2>/dev/null'
    clean
    mail 'exec cat\r\nx\r\n' '250 OK' "$1.${2,,}"
}

# descriptors FILE: part of a script, how many the worker of the session has goes to FILE.
descriptors() {
    local worker='ss -Htnp dport = :$LPORT and sport != :$LPORT | grep -o "pid=[0-9]*" | cut -d = -f 2'
    lines "sh ls /proc/\$($worker)/fd | wc -l >$1"
}

@test "whatever fails around the filter, the mail is refused for now and nothing is left" {
    local full='452 Espacio insuficiente, intente mas tarde' probe
    SERVIDOR=$FAULTS
    [ -x "$SERVIDOR" ] || fail "no .build/faults/servidor: make faults builds it"
    failures_told 'it cannot be run: Cannot allocate memory'
    allow_stderr '^servidor: .*/mails: [A-Z][a-z/ -]+: mail is refused for now$'
    SERVIDOR_FAULT=$PWD/fault serve
    {
        lines 'session one'
        mail 'exec cat\r\nx\r\n' '250 OK' before
        descriptors first
        fault filter-fork ENOMEM "$LATER"
        fault filter-pipe EMFILE "$LATER"
        fault spool-reopen EMFILE "$LATER"
        for probe in spool-open spool-write spool-sync spool-close link link-next folder-sync; do
            fault "$probe" EIO "$LATER"
            fault "$probe" ENOSPC "$full"
        done
        descriptors last
    } | play
    [ "$(cat first)" -gt 2 ]
    same "$(cat first)" "$(cat last)"
    same 18 "$(find mails -type f | wc -l)"
    same "" "$(find mails/one mails/two -type f)"
}
