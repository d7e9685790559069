#!/usr/bin/env bats
# The checklist, lines 76 to 89: what EHLO offers. Lines 90 to 97 (STARTTLS, AUTH, DSN, LMTP, XCLIENT, PROXY) wait for
# the things they speak of; until then line 76 sees that none of them is offered.

load checklist

line_76() {
    each H "MAIL FROM:<$FROM> SIZE=1 => $OK" "MAIL FROM:<$FROM> BODY=8BITMIME => $OK" \
        "MAIL FROM:<$FROM> SMTPUTF8 => $OK" \
        "MAIL FROM:<$FROM> SIZE=1 BODY=7BIT SMTPUTF8 => $OK"
    echo again
    R
    keeps "$BOX" ''
    answers "BDAT 0 LAST => $DONE"
}
only_these() {
    local offered keywords='8BITMIME CHUNKING PIPELINING SIZE SMTPUTF8'
    [ "$DIALECT" = usal ] || keywords='8BITMIME CHUNKING ENHANCEDSTATUSCODES PIPELINING SIZE SMTPUTF8'
    offered=$(sed -n 's/^S: 250[ -]\([A-Z0-9]\{4,\}\)\( .*\)\?$/\1/p' talk | sort -u | paste -sd ' ')
    same "$keywords" "$offered"
}
# What each keyword of another server promises, as far as it can be asked without more.
line_76_foreign() {
    local word
    while read -r word; do
        case ${word%% *} in
            SIZE) each H "MAIL FROM:<$FROM> SIZE=1 => 250" ;;
            8BITMIME) each H "MAIL FROM:<$FROM> BODY=8BITMIME => 250" ;;
            BINARYMIME) each H "MAIL FROM:<$FROM> BODY=BINARYMIME => 250" ;;
            SMTPUTF8) each H "MAIL FROM:<$FROM> SMTPUTF8 => 250" ;;
            CHUNKING) each R "BDAT 0 LAST => (?!50[02])..." ;;
            DSN) each H "MAIL FROM:<$FROM> RET=HDRS ENVID=x => 250" ;;
            VRFY | EXPN | ETRN) each H "${word%% *} ${TARGET_USER} => (?!50[02])..." ;;
            HELP | STARTTLS) each H "${word%% *} => (?!50[02])..." ;;
            AUTH) each H "AUTH ${word##* } => (?!50[02])..." ;;
        esac
    done <offered
}
@test "line 76: what EHLO offers is there" {
    foreign || { check -- line_76 only_these; return; }
    keyword SIZE || true    # for the list
    sed -n 's/^S: 250[ -]//p' talk | sed 1d | tr '[:lower:]' '[:upper:]' >offered
    check -- line_76_foreign
}

UNKNOWN_PARAMETER="555 => $SYNTAX => ~555 5\\.5\\.4 "
line_77() {
    each H "MAIL FROM:<$FROM> FOO=1 => $UNKNOWN_PARAMETER" "MAIL FROM:<$FROM> FOO => $UNKNOWN_PARAMETER" \
        "MAIL FROM:<$FROM> SIZE=10 FOO=1 => $UNKNOWN_PARAMETER"
    each T "RCPT TO:<${TARGET_USER:-u}@$D> FOO=1 => $UNKNOWN_PARAMETER"
}
@test "line 77: a parameter that is not offered gets 555" { check -- line_77; }

line_77_order() {
    T
    answers "RCPT TO:<u@d.es> NOTIFY=NEVER => $UNKNOWN_PARAMETER" "RCPT TO:<u@d.es> SIZE=1 => $UNKNOWN_PARAMETER" \
        "DATA => $NEED_RCPT" "RSET => $OK0" "MAIL FROM:<$FROM> AUTH=<> => $UNKNOWN_PARAMETER" \
        "MAIL FROM:<$FROM> RET=HDRS => $UNKNOWN_PARAMETER" "RCPT TO:<u@d.es> => $NEED_MAIL"
}
@test "line 77: a command with such a parameter does nothing" {
    ours_only 'the parameters may be offered'
    check -- line_77_order
}

# segments N: our replies to a group leave in one segment; of another server we look at the codes alone.
segments() { [ "$DIALECT" = rfc ] || [ "$TRANSPORT" != tcp ] || echo "segments $1"; }

line_78() {
    H
    new_box
    keeps "$BOX" 'one\n'
    printf '%s\n' "C| MAIL FROM:<$FROM>\\r\\n{RCPT TO:<$BOX@$D>\\r\\n*3}DATA\\r\\n"
    replies "$OK" "$OK" "$OK" "$OK" "$GO"
    segments 1
    new_box
    keeps "$BOX" '\n'
    printf '%s\n' "C| one\\r\\n.\\r\\nMAIL FROM:<$FROM>\\r\\nRCPT TO:<$BOX@$D>\\r\\nDATA\\r\\n"
    replies "$DONE" "$OK" "$OK" "$GO"
    segments 1
    printf '%s\n' 'C| \r\n.\r\nRSET\r\nNOOP\r\nQUIT\r\n'
    replies "$DONE" "$OK0" "$OK0" "$BYE"
    segments 1
    echo closed
}
@test "line 78: a pipelined group has its replies in order, in one segment" {
    needs PIPELINING
    check -- line_78
}

line_78_whole() {
    local ehlo='EHLO c.example\r\n'
    greeting
    if [ "$DIALECT" = rfc ]; then   # EHLO tells that the rest may come at once
        printf '%s\n' "C| $ehlo" 'R# 250'
        ehlo=
    fi
    new_box
    keeps "$BOX" 'NOOP\nQUIT\n.\n'
    printf 'C| %s' "$ehlo"
    printf '%s' "MAIL FROM:<$FROM>\\r\\nRCPT TO:<$BOX@$D>\\r\\nDATA\\r\\n" \
        'NOOP\r\nQUIT\r\n..\r\n.\r\nVRFY x\r\nQUIT\r\nNOOP\r\n'
    echo
    [ -z "$ehlo" ] || echo 'R~ 250 SIZE '
    replies "$OK" "$OK" "$GO" "$DONE" '2..|5.. => ~252  => ~252 2\.' "$BYE"
    echo closed
}
@test "line 78: nothing that is pipelined behind DATA is lost, nothing behind QUIT executed" {
    needs PIPELINING
    check -- line_78_whole
}

line_79() {
    local command
    H
    new_box
    printf '%s\n' "C| MAIL FROM:<$FROM>\\r\\nRC"
    replies "$OK"
    printf '%s\n' "C| PT TO:<$BOX@$D>\\r\\nRCPT TO:<$BOX@$D>\\r"
    replies "$OK"
    printf '%s\n' 'C| \nDA'
    replies "$OK"
    printf '%s\n' 'C| TA\r\n'
    replies "$GO"
    printf '%s\n' 'C| x\r\n.\r\nNO'
    keeps "$BOX" 'x\n'
    replies "$DONE"
    printf '%s\n' 'C| OP\r\nVRFY x\r\nR'
    replies "$OK0" '2..|5.. => ~252  => ~252 2\.'
    printf '%s\n' 'C| SET\r\nFOOBAR\r\nEHLO c.example\r\nQ'
    replies "$OK0" "$UNKNOWN" '250 => ~250 SIZE  => ~250 SIZE '
    printf '%s\n' 'C| UIT\r\n'
    replies "$BYE"
    echo closed
}
@test "line 79: no reply waits for a command that is not complete" {
    needs PIPELINING
    TRANSPORTS=tcp check -- line_79
}

line_80() {
    H
    printf '%s\n' "C| MAIL FROM:<$FROM>\\r\\nRCPT TO:<x@\\r\\nRCPT TO:<y@\\r\\nDATA\\r\\n"
    replies "$OK" '5.. => 500 Error de sintaxis => 501 5.1.3 Bad recipient address syntax' \
        '5.. => 500 Error de sintaxis => 501 5.1.3 Bad recipient address syntax' \
        '503|554 => 500 Error de sintaxis => 503 5.5.1 Error: need RCPT command'
    answers "NOOP => $OK0" "QUIT => $BYE"
    echo closed
}
@test "line 80: a pipelined DATA is refused when every RCPT was" {
    needs PIPELINING
    check -- line_80
}

line_81() {
    each H "MAIL FROM:<$FROM> BODY=8BITMIME => $OK" "MAIL FROM:<$FROM> BODY=7BIT => $OK" \
        "MAIL FROM:<$FROM> body=8bitmime => $OK" \
        "MAIL FROM:<$FROM> Body=7bit => $OK" "MAIL FROM:<$FROM> BODY=X => 501|504|555 => $SYNTAX => ~501 5\\.5\\.4 " \
        "MAIL FROM:<$FROM> BODY= => 501|504|555 => $SYNTAX => ~501 5\\.5\\.4 " \
        "MAIL FROM:<$FROM> BODY => 501|504|555 => $SYNTAX => ~501 5\\.5\\.4 "
    echo again
    H
    for body in 8BITMIME 7BIT; do
        envelope "BODY=$body"
        keeps "$BOX" 'Subject: \xe9\n\n\x80\xff\xc3\xa9\n'
        printf '%s\n' 'C| Subject: \xe9\r\n\r\n\x80\xff\xc3\xa9\r\n.\r\n'
        replies "$DONE"
    done
}
@test "line 81: BODY says 8BITMIME or 7BIT in any case, and every octet is kept" {
    needs 8BITMIME
    check -- line_81
}

line_82() {
    local status='(?:2\d\d 2|4\d\d 4|5\d\d 5)\.\d{1,3}\.\d{1,3}( |$)' command
    [ "$DIALECT" != usal ] || status='[245]\d\d (?!\d+\.\d)'
    H
    new_box
    for command in NOOP 'NOOP x' RSET 'RSET x' FOOBAR 'EXPN x' TURN HELP "VRFY $BOX@$D" 'MAIL FROM:<x' 'RCPT TO:<>' \
        'MAIL FROM:<x@y.es> FOO=1' 'MAIL FROM:<x@y.es> SIZE=x' 'MAIL FROM:<x@y.es> SIZE=99999999999999999999' DATA \
        "MAIL FROM:<$FROM>" "MAIL FROM:<x@y.es>" 'RCPT TO:<x' "RCPT TO:<$BOX@$D>"; do
        printf '%s\n' "C: $command" "R~ $status"
    done
    printf '%s\n' 'C: DATA' 'R~ 354 (?!\d+\.\d)' 'C| x\r\n.\r\n' "R~ $status" 'C: QUIT' "R~ $status" closed
    keeps "$BOX" 'x\n'
}
every_line() {
    [ "$DIALECT" = itba ] || return 0
    # none of the lines apart from the greeting, EHLO and 354 lacks it
    same "" "$(sed -n 's/^S: //p' "$BATS_TEST_TMPDIR/talk" | sed 1d |
        grep -Ev '^(354|250[ -](localhost|[A-Z0-9]{4,}( .*)?)$)' | grep -Ev '^([245])[0-9]{2}[ -]\1\.[0-9]+\.[0-9]+ ')"
}
@test "line 82: the status of every reply has the class of its code, and no 3yz, no greeting and no EHLO has one" {
    needs ENHANCEDSTATUSCODES
    check -o errors=100 -- line_82 every_line
}

line_83() {
    each H 'MAIL FROM:<jos\xc3\xa9@x.es> => 55[03] => ~550 (?!\d\.) => ~550 5\.6\.7 ' \
        "MAIL FROM:<$FROM> SMTPUTF8=x => $BAD_ARGUMENT" "MAIL FROM:<jos\\xc3\\xa9@x.es> SMTPUTF8 => $OK" \
        "MAIL FROM:<$FROM> smtputf8 => $OK" \
        'MAIL FROM:<jos\xc3@x.es> SMTPUTF8 => 50[01]|55[03] => ~553 (?!\d\.) => ~553 5\.6\.7 ' \
        'MAIL FROM:<a\xff@x.es> SMTPUTF8 => 50[01]|55[03] => ~553 (?!\d\.) => ~553 5\.6\.7 ' \
        'MAIL FROM:<a\xc0\xaf@x.es> SMTPUTF8 => 50[01]|55[03] => ~553 (?!\d\.) => ~553 5\.6\.7 ' \
        'MAIL FROM:<a\xed\xa0\x80@x.es> SMTPUTF8 => 50[01]|55[03] => ~553 (?!\d\.) => ~553 5\.6\.7 '
    each T "RCPT TO:<jos\\xc3\\xa9@$D> => 553|550 => ~553 (?!\\d\\.) => ~553 5\\.6\\.7 "
}
@test "line 83: an address in UTF-8 needs SMTPUTF8, and must be UTF-8" {
    needs SMTPUTF8
    if foreign; then keyword 8BITMIME >/dev/null || fail 'FAILED EHLO: SMTPUTF8 is offered without 8BITMIME'; fi
    check -- line_83
}

line_83_mail() {
    H
    answers "MAIL FROM:<jos\\xc3\\xa9@\\xc3\\xb1and\\xc3\\xba.es> SMTPUTF8 BODY=8BITMIME => $OK" \
        "RCPT TO:<I\\xc3\\xb1aki@d.es> => $OK" "RCPT TO:<u@\\xc3\\xb1.es> => $OK" \
        'RCPT TO:<b\xc3@d.es> => 553 => ~553  => ~553 5\.6\.7 ' \
        "DATA => $GO" "Subject: \\xc3\\xb1\\r\\n\\r\\nx\\r\\n. => $DONE" "MAIL FROM:<$FROM> => $OK" \
        'RCPT TO:<jos\xc3\xa9@d.es> => 553 => ~553  => ~553 5\.6\.7 '
    keeps 'i%C3%B1aki' 'Subject: \xc3\xb1\n\nx\n'
    keeps u 'Subject: \xc3\xb1\n\nx\n'
}
utf8_sender() { same $'Return-Path: <jos\xc3\xa9@\xc3\xb1and\xc3\xba.es>' "$(head -n 1 "$(mails i%C3%B1aki)")"; }
@test "line 83: a mail from and to addresses in UTF-8" {
    ours_only 'needs our Maildir'
    check -- line_83_mail utf8_sender
}

line_84() {
    H
    answers "VRFY ${TARGET_USER:-u}@$D SMTPUTF8 => 25[012]|55[013] => ~252  => ~252 2\\." \
        "VRFY jos\\xc3\\xa9@$D SMTPUTF8 => 25[012]|55[013] => ~252  => ~252 2\\." \
        'VRFY jos\xc3\xa9 => 252|5.. => ~(252|500|501|550|553)  => ~(252 2|501 5|550 5|553 5)\.'
    answers "VRFY ${TARGET_USER:-u}@$D SMTPUTF8=x => 25[012]|50[14]|55[0135] => ~(252|500|501)  => \
~(252 2|501 5|555 5)\\."
}
@test "line 84: VRFY takes SMTPUTF8" {
    needs SMTPUTF8
    check -- line_84
}

line_84_known() {
    mkdir -p mails/jos%C3%A9/{tmp,new,cur}
    H
    printf '%s\n' 'C| VRFY <jos\xc3\xa9@d.es> SMTPUTF8\r\n'
    [ "$DIALECT" = usal ] || printf '%s\n' 'R: 250 2.1.5 <josé@d.es>'
    [ "$DIALECT" = itba ] || printf '%s\n' 'R: 250 <josé@d.es>'
    answers 'VRFY <jos\xc3\xa9@d.es> => 5.. => ~5(00|50|53)  => ~5(50|53) 5\.6\.7 ' \
        "VRFY <nad\\xc3\\xad\\xc3\\xa9@d.es> SMTPUTF8 => $(coded 550 5.1.1)"
}
@test "line 84: with SMTPUTF8 the reply to VRFY may be in UTF-8, without it none is" {
    ours_only 'needs our settings'
    check -o known-mailboxes=yes -- line_84_known
}

CHUNK='250 => 250 OK => ~250 2\.0\.0 '
line_85() {
    H
    new_box
    keeps "$BOX" '01234567\nx\n'
    answers "MAIL FROM:<$FROM> => $OK" "RCPT TO:<$BOX@$D> => $OK" "BDAT 10\\r\\n01234567 => $CHUNK" \
        "BDAT 3\\r\\nx => $CHUNK" \
        "BDAT 0 LAST => $DONE"
    new_box
    keeps "$BOX" '.\n..x\n.\nend\n'
    answers "MAIL FROM:<$FROM> => $OK" "RCPT TO:<$BOX@$D> => $OK" "BDAT 11\\r\\n.\\r\\n..x\\r\\n. => $CHUNK" \
        "bdat 5 last\\r\\nend => $DONE"
    new_box
    keeps "$BOX" ''
    answers "MAIL FROM:<$FROM> => $OK" "RCPT TO:<$BOX@$D> => $OK" "BDAT 0 LAST => $DONE" "NOOP => $OK0" "QUIT => $BYE"
    echo closed
}
@test "line 85: BDAT, and no dot means anything in it" {
    needs CHUNKING
    check -- line_85
}

line_85_octets() {
    local all
    all=$(printf '\\x%02x' {0..255})
    [ "$DIALECT" != rfc ] || all=$(printf '\\x%02x' {32..255} {32..63})
    H
    new_box
    answers "MAIL FROM:<$FROM> => $OK" "RCPT TO:<$BOX@$D> => $OK"
    printf '%s\n' "C| BDAT 256\\r\\n${all}BDAT 1\\r\\n\\r"
    replies "$CHUNK" "$CHUNK"
    printf '%s\n' 'C| BDAT 2 LAST\r\n\nx'
    replies "$DONE"
    keeps "$BOX" "$all\\nx"
    new_box
    answers "MAIL FROM:<$FROM> => $OK" "RCPT TO:<$BOX@$D> => $OK"
    printf '%s\n' 'C| BDAT 8\r\nab' 'C| cd\r\nef' 'C| BD'
    replies "$CHUNK"
    printf '%s\n' 'C| AT 4 LA' 'C| ST\r' 'C| \ng' 'C| h\r\n'
    replies "$DONE"
    answers "NOOP => $OK0"
    keeps "$BOX" 'abcd\nefgh\n'
}
@test "line 85: a chunk has any octets, in any segments, and the next command just behind it" {
    needs CHUNKING
    TRANSPORTS=tcp check -- line_85_octets
}

line_85_pipelined() {
    H
    new_box
    printf '%s' "C| MAIL FROM:<$FROM>\\r\\nRCPT TO:<$BOX@$D>\\r\\n" \
        'BDAT 6\r\nNOOP\r\nBDAT 6 LAST\r\nRSET\r\nNOOP\r\n'
    echo
    replies "$OK" "$OK" "$CHUNK" "$DONE" "$OK0"
    keeps "$BOX" 'NOOP\nRSET\n'
}
@test "line 85: BDAT may be pipelined" {
    needs CHUNKING
    needs PIPELINING
    check -- line_85_pipelined
}

line_86() {
    H
    # the chunk would be a command if it were not swallowed
    answers "BDAT 6\\r\\nHELP => $WRONG_ORDER" "NOOP => $OK0" \
        "BDAT 6 LAST\\r\\nHELP => 503|55[14] => $SYNTAX => ~503 5\\.5\\.1 " \
        "NOOP => $OK0" "MAIL FROM:<$FROM> => $OK" "BDAT 6\\r\\nQUIT => 503|554 => $SYNTAX => ~503 5\\.5\\.1 " \
        "NOOP => $OK0"
}
@test "line 86: a BDAT out of order swallows its octets, and is refused" {
    needs CHUNKING
    check -- line_86
}

line_86_bad() {
    local bad
    for bad in 'BDAT' 'BDAT x' 'BDAT -1' 'BDAT 5 FIRST' 'BDAT 5x' 'BDAT 99999999999999999999999' 'BDAT LAST'; do
        echo again
        R
        answers "$bad => 501 => $SYNTAX => ~501 5\\.5\\.4 "
        [ "$DIALECT" = rfc ] || echo closed
    done
}
@test "line 86: a BDAT whose size cannot be read is refused, and by us the connection is closed" {
    needs CHUNKING
    check -- line_86_bad
}

line_86_over() {
    R
    answers "BDAT 40000\\r\\n{x*39998} => $CHUNK" "BDAT 40000 LAST\\r\\n{y*39998} => $(coded 552 5.3.4)" \
        "MAIL FROM:<$FROM> => $OK"
    new_box
    answers "RCPT TO:<$BOX@$D> => $OK" "BDAT 60000\\r\\n{x*59998} => $CHUNK" "BDAT 5536 LAST\\r\\n{y*5534} => $DONE"
    keeps "$BOX" '{x*59998}\n{y*5534}\n'
}
@test "line 86: chunks over the limit are swallowed, and get 552; those of the limit pass" {
    ours_only 'needs our settings'
    check -o message-size=65536 -- line_86_over
}

line_86_over_one() {
    R
    answers "BDAT 70000 LAST\\r\\n{RSET\\r\\n*11666}RS => $(coded 552 5.3.4)" "MAIL FROM:<$FROM> => $OK" "RSET => $OK0"
}
@test "line 86: one chunk over the limit is swallowed" {
    ours_only 'needs our settings'
    TRANSPORTS=tcp check -o message-size=65536 -- line_86_over_one
}

line_87() {
    R
    keeps "$BOX" 'ab\ncd\n'
    answers "BDAT 4\\r\\nab => $CHUNK" "DATA => $WRONG_ORDER" \
        "RCPT TO:<other@$D> => 503|250 => $SYNTAX => ~503 5\\.5\\.1 " \
        "MAIL FROM:<$FROM> => 503 => $SYNTAX => ~503 5\\.5\\.1 " "BDAT 4 LAST\\r\\ncd => $DONE" \
        "BDAT 6 LAST\\r\\nHELP => $WRONG_ORDER"
}
@test "line 87: behind BDAT there is no DATA, and behind LAST no BDAT" {
    needs CHUNKING
    check -- line_87
}

line_87_rset() {
    R
    answers "BDAT 4\\r\\nab => $CHUNK" "RSET => $OK0" "BDAT 4 LAST\\r\\ncd => $WRONG_ORDER" "MAIL FROM:<$FROM> => $OK" \
        "RCPT TO:<$BOX@$D> => $OK" "BDAT 4 LAST\\r\\nef => $DONE" "MAIL FROM:<$FROM> => $OK"
    keeps "$BOX" 'ef\n'
    new_box
    answers "RCPT TO:<$BOX@$D> => $OK" "BDAT 4\\r\\ngh => $CHUNK" "EHLO c.example => 250 => ~250 SIZE  => ~250 SIZE " \
        "MAIL FROM:<$FROM> => $OK" "RCPT TO:<$BOX@$D> => $OK" "DATA => $GO" "ij\\r\\n. => $DONE"
    keeps "$BOX" 'ij\n'
}
empty_tmp() { same "" "$(find mails -path '*/tmp/*' -type f)"; }
@test "line 87: RSET and EHLO drop the chunks" {
    needs CHUNKING
    check -- line_87_rset empty_tmp
}

line_88() {
    R
    keeps "$BOX" 'a\nb\rc\n'
    answers "BDAT 7 LAST\\r\\na\\nb\\rc => $DONE"
}
@test "line 88: a bare LF in a chunk is stored as in DATA" {
    ours_only 'needs our Maildir'
    check -- line_88
}

line_88_reject() {
    R
    answers "BDAT 5 LAST\\r\\na\\nb => $(coded 550 5.6.0)" "MAIL FROM:<$FROM> => $OK" "RCPT TO:<$BOX@$D> => $OK" \
        "BDAT 5\\r\\na\\nb => $CHUNK" "BDAT 0 LAST => $(coded 550 5.6.0)" "MAIL FROM:<$FROM> => $OK" \
        "RCPT TO:<$BOX@$D> => $OK" \
        "BDAT 5 LAST\\r\\na\\rb => $(coded 550 5.6.0)" "MAIL FROM:<$FROM> => $OK" "RCPT TO:<$BOX@$D> => $OK" \
        "BDAT 3\\r\\na => $CHUNK" "BDAT 3 LAST\\r\\nb => $DONE"
    keeps "$BOX" 'a\nb\n'
}
@test "line 88: bare-lf=reject holds for chunks too" {
    ours_only 'needs our settings'
    check -o bare-lf=reject -- line_88_reject
}

line_89() { H; answers "MAIL FROM:<$FROM> BODY=BINARYMIME => 501|504|555 => $SYNTAX => ~501 5\\.5\\.4 "; }
line_89_offered() {
    H
    new_box
    answers "MAIL FROM:<$FROM> BODY=BINARYMIME => 250" "RCPT TO:<$BOX@$D> => 250" "DATA => 503"
}
@test "line 89: BINARYMIME needs CHUNKING and no DATA; where it is not offered it is refused" {
    if foreign && keyword BINARYMIME >/dev/null; then
        keyword CHUNKING >/dev/null || fail 'FAILED EHLO: BINARYMIME is offered without CHUNKING'
        check -- line_89_offered
    else
        check -- line_89
    fi
}
