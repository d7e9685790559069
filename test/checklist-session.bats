#!/usr/bin/env bats
# The checklist, lines 1 to 28 (session and order) and 98 to 100. Not here: line 2, as the server refuses no one by 554.

load checklist

# --- 1 session and order ----------------------------------------------------------------------------------------------

line_1() {
    printf '%s\n' 'S~ 220 [][A-Za-z0-9.:-]+( |$)'
    answers "QUIT => $BYE"
    echo closed
    echo again
    greeting
}
@test "line 1: the greeting is one line, 220 and the server's name" { check -- line_1; }

line_1_name() {
    replies "220 => $GREETING => 220 mx.usal.es SMTP"
    answers 'HELO c.example => 250 => 250 OK => 250 mx.usal.es'
}
@test "line 1: -n gives the name" {
    ours_only 'needs our options'
    check -n mx.usal.es -- line_1_name
}

line_3() {
    replies '421 => ~421 (?!\d\.\d)\S => ~421 4\.(3\.2|7\.0) '
    echo closed
}
@test "line 3: a session too many gets 421, and is closed" {
    ours_only 'needs our settings'
    for DIALECT in usal itba; do
        LOGS=$BATS_TEST_TMPDIR/log.$DIALECT TRANSPORT=tcp
        start_server -d "$DIALECT" -o workers-max=2 -o workers-min=1
        hold "$DIALECT" 2
        judge line_3
        say "$DIALECT" noop quit
        stop_server
    done
}

line_4() {
    greeting
    case $DIALECT in
        usal) printf '%s\n' 'C: EHLO c.example' 'S: 250-localhost' 'S: 250-PIPELINING' 'S: 250-8BITMIME' \
            'S: 250-SMTPUTF8' 'S: 250-CHUNKING' 'S: 250 SIZE 10240000' ;;
        itba) printf '%s\n' 'C: EHLO c.example' 'S: 250-localhost' 'S: 250-PIPELINING' 'S: 250-8BITMIME' \
            'S: 250-SMTPUTF8' 'S: 250-CHUNKING' 'S: 250-ENHANCEDSTATUSCODES' 'S: 250 SIZE 10240000' ;;
        rfc) printf '%s\n' 'C: EHLO c.example' 'S~ 250-[][A-Za-z0-9.:-]+( |$)' 'R# 250' ;;
    esac
    answers "NOOP => $OK0"
}
@test "line 4: EHLO has many lines, the first one the name, the last one with a blank" { check -- line_4; }

line_5() {
    greeting
    printf '%s\n' 'C: HELO c.example' 'S~ 250 '
    answers "NOOP => $OK0" "HELO c.example => 250 => 250 OK => 250 localhost"
}
@test "line 5: HELO has one line" { check -- line_5; }

line_6() {
    greeting
    answers "EHLO [127.0.0.1] => 250 => ~250 SIZE  => ~250 SIZE " "EHLO [IPv6:::1] => 250 => ~250 SIZE  => ~250 SIZE " \
        "HELO [127.0.0.1] => 250 => 250 OK => 250 localhost" "HELO [IPv6:::1] => 250 => 250 OK => 250 localhost"
}
@test "line 6: EHLO takes an address literal" { check -- line_6; }

line_7() {
    greeting
    answers "EHLO => $BAD_ARGUMENT"
    [ "$DIALECT" = itba ] || answers "RCPT TO:<b@$D> => $NEED_MAIL"
    answers "EHLO c.example => 250 => ~250 SIZE  => ~250 SIZE " "MAIL FROM:<$FROM> => $OK" "EHLO => $BAD_ARGUMENT" \
        "HELO => $BAD_ARGUMENT"
    new_box
    answers "RCPT TO:<$BOX@$D> => $OK"
}
@test "line 7: EHLO without a name is refused, and nothing changes" { check -- line_7; }

line_7_usal() {
    greeting
    answers "EHLO => $BAD_ARGUMENT" "MAIL FROM:<$FROM> => $NEED_MAIL"
}
@test "line 7: EHLO without a name is no EHLO" {
    ours_only 'line 10 tells it'
    DIALECTS=usal check -- line_7_usal
}

line_8() {
    greeting
    answers "EHLO not.your.name => 250 => ~250 SIZE  => ~250 SIZE " "MAIL FROM:<$FROM> => $OK"
}
@test "line 8: a name that is not the client's is not refused" { check -- line_8; }

line_9() {
    R
    answers "EHLO c.example => 250 => ~250 SIZE  => ~250 SIZE " "DATA => $NEED_RCPT" "RCPT TO:<$BOX@$D> => $NEED_MAIL" \
        "MAIL FROM:<$FROM> => $OK"
}
@test "line 9: a second EHLO drops the transaction" { check -- line_9; }

line_10() {
    greeting
    answers "MAIL FROM:<$FROM> => 503 => $SYNTAX => 250 2.1.0 Ok"
    [ "$DIALECT" = itba ] || answers "RCPT TO:<b@$D> => $NEED_MAIL" "DATA => $NEED_RCPT"
}
@test "line 10: MAIL before EHLO or HELO is refused, by the itba dialect taken" { check -- line_10; }

line_11() {
    greeting
    answers "NOOP => (?!503)... => 250 OK => 250 2.0.0 Ok" "RSET => (?!50[03])... => 250 OK => 250 2.0.0 Ok" \
        "VRFY x => (?!50[03])... => ~252  => ~252 2\\." "HELP => (?!503)... => ~214  => ~214 2\\." \
        "EXPN x => (?!503)... => ~502  => ~502 5\\.5\\.1 " "QUIT => $BYE"
    echo closed
}
@test "line 11: NOOP, RSET, VRFY and HELP need no EHLO" { check -- line_11; }

line_12() {
    H
    new_box
    answers "RCPT TO:<$BOX@$D> => $NEED_MAIL"
}
@test "line 12: RCPT needs MAIL" { check -- line_12; }

line_13() {
    H
    answers "DATA => $NEED_RCPT" "MAIL FROM:<$FROM> => $OK" \
        "DATA => 503|554 => $SYNTAX => 503 5.5.1 Error: need RCPT command" \
        "RCPT TO:<> => 5.. => $SYNTAX => 501 5.1.3 Bad recipient address syntax" \
        "DATA => 503|554 => $SYNTAX => 503 5.5.1 Error: need RCPT command"
}
@test "line 13: DATA needs MAIL and an accepted RCPT" { check -- line_13; }

line_14() {
    R
    keeps "$BOX" 'x\n'
    answers "MAIL FROM:<second@c.example> => $NESTED" "DATA => $GO" "x\\r\\n. => $DONE"
}
first_sender() { refute grep -rqF second@c.example mails; }
@test "line 14: MAIL does not nest, and the first one stays" { check -- line_14 first_sender; }

line_15() {
    T
    new_box
    answers "RSET => $OK0" "RCPT TO:<$BOX@$D> => $NEED_MAIL" "MAIL FROM:<$FROM> => $OK" "RCPT TO:<$BOX@$D> => $OK" \
        "RSET => $OK0" "DATA => $NEED_RCPT"
}
@test "line 15: RSET drops the transaction" { check -- line_15; }

line_16() {
    each R "RSET x => $BAD_ARGUMENT" "DATA x => $BAD_ARGUMENT" "QUIT x => $BAD_ARGUMENT"
    echo again
    R
    answers "RSET x => $BAD_ARGUMENT" "QUIT x => $BAD_ARGUMENT" "DATA x => $BAD_ARGUMENT" "DATA => $GO" \
        "x\\r\\n. => $DONE"
    keeps "$BOX" 'x\n'
}
@test "line 16: RSET, DATA and QUIT take no argument, and nothing changes" { check -- line_16; }

line_17() { H; answers "NOOP anything => $OK0" "NOOP any thing <x> => $OK0"; }
@test "line 17: NOOP takes an argument" { check -- line_17; }

line_18() {
    new_box
    greeting
    answers "ehlo c.example => 250 => ~250 SIZE  => ~250 SIZE " "mail from:<$FROM> => $OK" "Rcpt To:<$BOX@$D> => $OK" \
        "rSeT => $OK0" "noop => $OK0" "MaiL FroM:<$FROM> => $OK" "RCPT to:<$BOX@$D> => $OK" "data => $GO" \
        "x\\r\\n. => $DONE" \
        "quit => $BYE"
    keeps "$BOX" 'x\n'
}
@test "line 18: verbs in any case" { check -- line_18; }

line_19() { H; answers "RSET   => $OK0" "NOOP  => $OK0" "QUIT   => $BYE"; echo closed; }
@test "line 19: white space at a command's end does no harm" { check -- line_19; }

line_20() {
    H
    answers "FOOBAR => $UNKNOWN" "FOO BAR => $UNKNOWN" "NOOP => $OK0" \
        "EXPN all => (?!50[13])... => ~502  => ~502 5\\.5\\.1 " "TURN => (?!50[13])... => ~502  => ~502 5\\.5\\.1 " \
        "NOOP => $OK0"
}
@test "line 20: an unknown verb, and one that is not offered, keep the session" { check -- line_20; }

line_20_limit() {
    H
    local i     # over UDP the same command again would be a repetition
    for i in {1..17}; do answers "FOOBAR$i => $UNKNOWN"; done
    answers "NOOP => $OK0" "RCPT TO:<b@$D> => $NEED_MAIL" "RSET x => $BAD_ARGUMENT" "FOOBAR => $(coded 421 4.7.0)"
    echo closed
}
@test "line 20: the 20th error is told as 421, and the session is over" {
    ours_only 'allowed as a defence (RFC 5321 section 7.8), and each server has its own number'
    check -- line_20_limit
}

line_21() {
    H
    answers "HELP => 21[14] => ~214 \\S => ~214 2\\.\\d\\.\\d " "HELP MAIL => 21[14] => ~214 \\S => ~214 2\\.\\d\\.\\d "
}
@test "line 21: HELP" { check -- line_21; }

line_22() {
    H
    new_box
    answers "VRFY $BOX@$D => 25[012]|55[013] => ~252 (?!\\d\\.)\\S => ~252 2\\.\\d\\.\\d " \
        "VRFY <$BOX@$D> => 25[012]|55[013] => ~252  => ~252 2\\.\\d\\.\\d " \
        "VRFY no-such-user@$D => 25[012]|55[013] => ~252  => ~252 2\\.\\d\\.\\d "
}
@test "line 22: VRFY of what is not verified is 252" { check -- line_22; }

line_22_known() {
    mkdir -p mails/known/{tmp,new,cur}
    H
    answers "VRFY known@d.es => 250 => ~250 (?!\\d\\.).*<known@d\\.es>$ => ~250 2\\.\\d\\.\\d .*<known@d\\.es>$" \
        "VRFY <known@d.es> => 250 => ~250 .*<known@d\\.es>$ => ~250 2\\.\\d\\.\\d .*<known@d\\.es>$" \
        "VRFY unknown@d.es => $(coded 550 5.1.1)" "VRFY <unknown@d.es> => $(coded 550 5.1.1)" \
        "VRFY KNOWN@d.es => 250 => ~250 .*@d\\.es>$ => ~250 2\\.\\d\\.\\d .*@d\\.es>$"
}
@test "line 22: VRFY tells with known-mailboxes=yes who is there" {
    ours_only 'needs our settings'
    check -o known-mailboxes=yes -- line_22_known
}

line_23() { H; answers "VRFY postmaster => 25[02] => ~252  => ~252 2\\.\\d\\.\\d "; }
@test "line 23: VRFY postmaster" { check -- line_23; }

line_23_known() { H; answers "VRFY postmaster => 25[02] => ~25[02]  => ~25[02] 2\\.\\d\\.\\d "; }
@test "line 23: VRFY postmaster with known-mailboxes=yes" {
    ours_only 'needs our settings'
    check -o known-mailboxes=yes -- line_23_known
}

line_24() { H; answers "QUIT => $BYE"; echo closed; }
@test "line 24: QUIT gets 221, and then the connection is closed" { check -- line_24; }

line_24_open() {
    H
    answers "VRFY x => 2..|5.. => ~252  => ~252 2\\." "FOOBAR => $UNKNOWN" \
        "MAIL FROM: => 501 => $SYNTAX => ~501 5\\.1\\.7 "
    echo 'quiet 0.3'
    answers "NOOP => $OK0"
}
@test "line 24: no connection is closed before QUIT" { check -- line_24_open; }

line_25() {
    H
    letter 'first\r\n.\r\n' 'first\n'
    envelope
    printf '%s\n' 'C| second\r\nhalf' reset
    echo again
    R
    echo reset
    echo again
    H
    envelope
    printf '%s\n' 'C| third\r\n.' half closed
}
nothing_in_tmp() { wait_until empty_tmp; }
empty_tmp() { [ -z "$(find mails -path '*/tmp/*' -type f)" ]; }
@test "line 25: a client that vanishes leaves its complete mails, and nothing else" {
    ours_only 'needs our Maildir'
    TRANSPORTS=tcp check -- line_25 nothing_in_tmp
}

@test "line 26: SIGTERM tells a session 421 before it is closed" {
    ours_only 'needs our process'
    for DIALECT in usal itba; do
        LOGS=$BATS_TEST_TMPDIR/log.$DIALECT
        start_server -d "$DIALECT"
        open "${DIALECT}_tcp"
        open "${DIALECT}_udp" -u
        say "${DIALECT}_tcp" 'S~ 220 ' 'C: HELO c.example' 'S~ 250 '
        say "${DIALECT}_udp" 'S~ 220 ' 'C: HELO c.example' 'S~ 250 '
        kill -TERM "$SERVER_PID"
        say "${DIALECT}_tcp" "$(replies "$(coded 421 4.3.2)" | sed 's/R~/S~/')" closed
        say "${DIALECT}_udp" "$(replies "$(coded 421 4.3.2)" | sed 's/R~/S~/')"
        server_ends 0
    done
}

line_27() { H; replies "$(coded 421 4.4.2)"; echo closed; }
@test "line 27: a silent client is told 421" {
    ours_only 'takes five minutes'
    check -o read-timeout=4 -- line_27
}

@test "line 27: five minutes are the default" {
    ours_only 'needs our help'
    matches $'\n *read-timeout=300 ' "$("$SERVIDOR" -h)"
}

line_28() {
    local command
    new_box
    greeting
    answers "EHLO c.example => 250 => ~250 SIZE  => ~250 SIZE "
    for command in NOOP 'NOOP x' FOOBAR "VRFY $BOX@$D" HELP RSET 'RSET x' 'RCPT TO:<>' "MAIL FROM:<$FROM>" \
        'MAIL FROM:<x' \
        "RCPT TO:<$BOX@$D>" 'RCPT TO:<' 'EXPN x'; do
        printf '%s\n' "C: $command" 'R# ...'
    done
    answers "DATA => $GO" "one\\r\\n.two\\r\\n. => $DONE" "QUIT => $BYE"
    echo closed
    keeps "$BOX" 'one\ntwo\n'
}
@test "line 28: every command has exactly one reply" { check -- line_28; }

# --- 7 noise and crowds -----------------------------------------------------------------------------------------------

# noise SEED: 100,000 random octets, with line ends and verbs among them, then the end of it all.
noise() {
    "$PYTHON" - "${TARGET_HOST:-127.0.0.1}" "$PORT" "$1" <<'PYTHON'
import random, socket, sys
host, port, source = sys.argv[1], int(sys.argv[2]), random.Random(int(sys.argv[3]))
words = [b"\r\n", b"\n", b"MAIL FROM:<a@b.es>\r\n", b"RCPT TO:<", b"BDAT 5\r\n", b"\r\n.\r\n", b"@", b">",
         b"EHLO x\r\n", b"\0"]
data = b"".join(source.choice(words) if source.random() < 0.2 else source.randbytes(source.randint(1, 12))
                for _ in range(25000))[:100000]
with socket.create_connection((host, port), 60) as client:
    heard = b""
    try:
        client.sendall(data)
        client.shutdown(socket.SHUT_WR)
        while octets := client.recv(65536):
            heard += octets
    except (ConnectionResetError, BrokenPipeError):
        pass    # the server had enough and closed: it may
    assert heard == b"" or heard.startswith(b"220"), heard[:100]
PYTHON
}

line_98_after() { H; answers "QUIT => $BYE"; echo closed; }
random_octets() { for seed in 1 2 3; do noise "$seed"; done; }
@test "line 98: 100,000 random octets do no harm" {
    if foreign; then
        PORT=$TARGET_PORT
        random_octets
    fi
    TRANSPORTS=tcp check -o errors=100000 -- line_98_after random_octets
    foreign || TRANSPORTS=tcp check -- line_98_after random_octets
}

line_98_octets() {
    local session i
    new_box
    session=$'EHLO x\r\nMAIL FROM:<a@c.example>\r\nRCPT TO:<'$BOX@$D$'>\r\nDATA\r\n..\r\n.x\r\n.\r\nQUIT\r\n'
    greeting
    for ((i = 0; i < ${#session}; i++)); do
        case ${session:i:1} in
            $'\r') printf '%s\n' 'C| \r' ;;
            $'\n') printf '%s\n' 'C| \n' ;;
            ' ') printf '%s\n' 'C| \x20' ;;
            *) echo "C| ${session:i:1}" ;;
        esac
        case ${session:0:i+1} in    # a server that lacks PIPELINING gets no command before its turn
            *EHLO\ x$'\r\n') replies '250 => ~250 SIZE  => ~250 SIZE ' ;;
            *'example>'$'\r\n' | *"$D>"$'\r\n') replies "$OK" ;;
            *DATA$'\r\n') replies "$GO" ;;
            *$'\r\n.\r\n') replies "$DONE" ;;
            *QUIT$'\r\n') replies "$BYE" ;;
        esac
    done
    echo closed
    keeps "$BOX" '.\nx\n'
}
@test "line 98: a session of one octet a segment" { TRANSPORTS=tcp check -- line_98_octets; }

line_98_half() { H; printf '%s\n' 'C| ' 'C: QUIT' half; replies "$BYE"; echo closed; }
@test "line 98: a client that closes its half after QUIT gets its 221" { TRANSPORTS=tcp check -- line_98_half; }

line_98_datagrams() { H; answers "NOOP => $OK0" "QUIT => $BYE"; }
empty_datagrams() {
    "$PYTHON" - "$PORT" <<'PYTHON'
import random, socket, sys
source = random.Random(1)
client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for i in range(1000):
    client.sendto(b"" if i % 3 == 0 else source.randbytes(source.randint(0, 1400)), ("127.0.0.1", int(sys.argv[1])))
PYTHON
    wait_until greets -u
}
@test "line 98: random datagrams and empty ones do no harm" {
    ours_only 'SMTP over UDP'
    TRANSPORTS=udp check -- line_98_datagrams empty_datagrams
}

@test "line 99: the 501st idle session gets 220 or 421, not silence" {
    PORT=${TARGET_PORT:-}
    if foreign; then
        hold crowd 501 -a "${TARGET_HOST:-127.0.0.1}" -w "${PATIENCE:-20}"
    else
        start_server
        hold crowd 501
        # shellcheck disable=SC2153 # hold sets it
        same 'greeted 501 of 501' "${GREETED% in *}"
    fi
    # "N had: 421 ...": what was said in place of the 220
    told=$(awk '/^[0-9]+ had: 421 / { n += $1 } END { print n + 0 }' crowd.said)
    greeted=${GREETED#greeted } greeted=${greeted%% *}
    [ $((greeted + told)) = 501 ] || fail "FAILED 501 sessions: expected 220 or 421 for each, got $GREETED"
    bye crowd
}

@test "line 99: with workers-max the session beyond it gets 421, not silence" {
    ours_only 'needs our settings'
    start_server -o workers-max=20
    hold crowd 20
    same 'greeted 20 of 20' "${GREETED% in *}"
    for _ in 1 2 3; do talk <<<$'S~ 421 \nclosed'; done
    say crowd noop quit
}

# Every line of these files is told over UDP too, and its replies are compared; this one has them all in one session.
line_100() {
    H
    answers "HELO c.example => 250 => 250 OK => 250 localhost" "NOOP x => $OK0" "HELP => 214 => ~214  => ~214 " \
        "VRFY x => 252 => ~252  => ~252 " "FOOBAR => $UNKNOWN" "TURN => 502 => ~502  => ~502 5\\.5\\.1 " \
        "RCPT TO:<b@$D> => $NEED_MAIL" "DATA => $NEED_RCPT" "MAIL FROM:<x => $BAD_SENDER" \
        "MAIL FROM:<$FROM> FOO=1 => 555 => $SYNTAX => ~555 5\\.5\\.4 " "MAIL FROM:<$FROM> SIZE=x => $BAD_ARGUMENT" \
        "MAIL FROM:<$FROM> SIZE=99999999999 => $(coded 552 5.3.4)" "MAIL FROM:<> => $OK" \
        "MAIL FROM:<$FROM> => $NESTED" \
        "RCPT TO:<x => $BAD_RECIPIENT" "RSET x => $BAD_ARGUMENT" "RSET => $OK0"
    letter '..dot\r\ntext\r\n.\r\n' '.dot\ntext\n'
    refused_letter "$(coded 552 5.3.4)" '{x*40000}\r\n' '{y*40000}\r\n' '.\r\n'
    answers "EHLO => $BAD_ARGUMENT" "QUIT => $BYE"
    echo closed
}
@test "line 100: the replies over UDP are those over TCP" {
    ours_only 'SMTP over UDP'
    check -o message-size=65536 -- line_100
}
