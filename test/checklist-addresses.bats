#!/usr/bin/env bats
# The checklist, lines 29 to 55: addresses and sizes. Not here: line 43, as mailboxes have no quota.

load checklist

local_teardown() { ! mountpoint -q "$BATS_TEST_TMPDIR/small" || umount -l "$BATS_TEST_TMPDIR/small"; }

# What may be said to a mailbox that is not there, or not ours: its syntax is accepted all the same.
TAKEN="250|45[0-2]|55[0134] => 250 OK => 250 2.1.0 Ok"

# --- 2 addresses ------------------------------------------------------------------------------------------------------

line_29() {
    H
    new_box
    answers "MAIL FROM:<> => $OK" "RCPT TO:<$BOX@$D> => $OK" "DATA => $GO" "bounce\\r\\n. => $DONE" \
        "MAIL FROM: <> => $OK"
    keeps "$BOX" 'bounce\n'
}
null_sender() { same 'Return-Path: <>' "$(head -n 1 "$(mails "$BOX")")"; }
@test "line 29: the null sender is a sender" { check -- line_29 null_sender; }

line_30() { T; answers "RCPT TO:<> => 501|55[03] => $SYNTAX => 501 5.1.3 Bad recipient address syntax"; }
@test "line 30: the null path is no recipient" { check -- line_30; }

line_31() {
    T
    answers "RCPT TO:<Postmaster> => $OK" "RCPT TO:<POSTMASTER> => $OK" "RCPT TO:<postmaster> => $OK" \
        "RCPT TO:<postmaster@$D> => $OK" "RCPT TO:<PostMaster@$D> => $OK" "DATA => $GO" "help\\r\\n. => $DONE"
    keeps postmaster 'help\n'
}
@test "line 31: the postmaster is there in any case, with a domain and without" { check -- line_31; }
@test "line 31: the postmaster is there when other mailboxes must be known" {
    ours_only 'needs our settings'
    check -o known-mailboxes=yes -o domain=d.es -- line_31
}

line_32() {
    T
    new_box
    answers "RCPT TO:<@a.ex,@b.ex:$BOX@$D> => 250|550 => 250 OK => 250 2.1.0 Ok" "RCPT TO:<$BOX@$D> => $OK" \
        "RCPT TO:<@a.ex:$BOX@$D> => 250|550 => 250 OK => 250 2.1.0 Ok" "DATA => $GO" "routed\\r\\n. => $DONE"
    keeps "$BOX" 'routed\n'
}
@test "line 32: a source route is read and dropped" { check -- line_32; }
@test "line 32: the domain behind the route decides, not that of the route" {
    ours_only 'needs our settings'
    check -o domain=d.es -- line_32
}

line_33() {
    each T "RCPT TO:<\"joe smith\"@$D> => $TAKEN" "RCPT TO:<\"a>b\"@$D> => $TAKEN" \
        "RCPT TO:<\"a\\\\\"b\"@$D> => $TAKEN" \
        "RCPT TO:<\"a@b\"@$D> => $TAKEN" "RCPT TO:<\"a,b:c\"@$D> => $TAKEN" "RCPT TO:<\"a\\\\\\\\b\"@$D> => $TAKEN"
}
@test "line 33: quoted local parts" { check -- line_33; }

line_33_boxes() {
    T
    answers "RCPT TO:<\"joe smith\"@d.es> => $OK" "RCPT TO:<\"a>b\"@d.es> => $OK" "RCPT TO:<\"a\\\\\"b\"@d.es> => $OK" \
        "DATA => $GO" "x\\r\\n. => $DONE"
    for box in joe%20smith a%3Eb a%22b; do keeps "$box" 'x\n'; done
}
@test "line 33: quoted local parts have mailboxes of their own" {
    ours_only 'needs our Maildir'
    check -- line_33_boxes
}

line_34() {
    T
    new_box
    answers "RCPT TO:<\"$BOX\"@$D> => $OK" "RCPT TO:<$BOX@$D> => $OK" "DATA => $GO" "quoted\\r\\n. => $DONE"
    keeps "$BOX" 'quoted\n'
    case $DIALECT in rfc) return ;; esac
    new_box
    answers "MAIL FROM:<$FROM> => $OK" "RCPT TO:<\"\\\\${BOX:0:1}${BOX:1}\"@$D> => $OK" "DATA => $GO" \
        "pair\\r\\n. => $DONE"
    keeps "$BOX" 'pair\n'
}
@test "line 34: quotes that are not needed name the same mailbox, which gets one copy" { check -- line_34; }

line_35() {
    each T "RCPT TO:<$BOX@[127.0.0.1]> => $TAKEN" "RCPT TO:<$BOX@[IPv6:::1]> => $TAKEN" \
        "RCPT TO:<$BOX@[192.0.2.1]> => $TAKEN" "RCPT TO:<$BOX@[IPv6:2001:db8::1]> => $TAKEN"
}
@test "line 35: address literals are addresses" {
    BOX=${TARGET_USER:-u}
    check -- line_35
}

line_35_own() { T; answers "RCPT TO:<u@[192.0.2.1]> => $(coded 550 5.7.1)" "RCPT TO:<u@[127.0.0.1]> => $OK"; }
@test "line 35: with a domain list our own address is still ours, another's is not" {
    ours_only 'needs our settings'
    check -o domain=d.es -- line_35_own
}

line_36() {
    T
    new_box
    answers "RCPT TO:<$BOX@${D^^}> => $OK" "RCPT TO:<$BOX@${D^}> => $OK" "DATA => $GO" "x\\r\\n. => $DONE"
    keeps "$BOX" 'x\n'
}
@test "line 36: a domain in any case" { check -- line_36; }
@test "line 36: a domain in any case, with a domain list in another" {
    ours_only 'needs our settings'
    check -o domain=D.Es -- line_36
}

line_36_local() {
    H
    answers "MAIL FROM:<EmiLio@c.example> => $OK" "RCPT TO:<JoE@d.es> => $OK" "DATA => $GO" "x\\r\\n. => $DONE"
    keeps joe 'x\n'
}
case_preserved() {
    same 'Return-Path: <EmiLio@c.example>' "$(head -n 1 "$(mails joe)")"
    matches $'\n\tfor <JoE@d.es>; ' "$(head -n 4 "$(mails joe)")"
    wait_until grep -qx ' RCPT TO: JoE@d.es' "$LOGS/smtpd.log"
}
@test "line 36: a local part keeps its case, but for the mailbox's name" {
    ours_only 'needs our Maildir'
    check -- line_36_local case_preserved
}

line_37() {
    each H "MAIL FROM:<a@ => $BAD_SENDER" "MAIL FROM:<a b@x.es> => $BAD_SENDER" "MAIL FROM:<a@-x.es> => $BAD_SENDER" \
        "MAIL FROM:<a@x..y> => $BAD_SENDER" "MAIL FROM: => $BAD_SENDER" "MAIL FROM:<a@x.es => $BAD_SENDER"
}
@test "line 37: what is no address is refused" { check -- line_37; }

line_37_bare() { H; answers "MAIL FROM:a@x.es => 501 => 250 OK => 250 2.1.0 Ok"; }
@test "line 37: an address without brackets, which we accept" { check -- line_37_bare; }

line_37_recipients() {
    T
    answers "RCPT TO:<a@ => $BAD_RECIPIENT" "RCPT TO:<a b@d.es> => $BAD_RECIPIENT" \
        "RCPT TO:<a@-d.es> => $BAD_RECIPIENT" \
        "RCPT TO:<a@d..es> => $BAD_RECIPIENT" "RCPT TO: => $BAD_RECIPIENT" "RCPT TO:<c> => $BAD_RECIPIENT" \
        "RCPT TO:c@d.es => $OK"
}
@test "line 37: what is no address is refused as a recipient too" {
    ours_only 'the line speaks of MAIL'
    check -- line_37_recipients
}

line_38() { H; answers "MAIL FROM: <$FROM> => 250|501 => 250 OK => 250 2.1.0 Ok"; }
@test "line 38: a blank behind the colon" { check -- line_38; }

line_39() {
    each H 'MAIL FROM:<jos\xc3\xa9@x.es> => 50[01]|55[03] => ~550 (?!\d\.) => ~550 5\.6\.7 ' \
        'MAIL FROM:<a@\xc3\xb1.es> => 50[01]|55[03] => ~550 (?!\d\.) => ~550 5\.6\.7 ' \
        'MAIL FROM:<a\xff@x.es> => 50[01]|55[03] => ~5(00|50|53)  => ~(501|550|553) 5\.' \
        'MAIL FROM:<a\x01@x.es> => 50[01]|553 => ~(500|553)  => ~(500|501|553) 5\.' \
        'MAIL FROM:<a@x\x7f.es> => 50[01]|553 => ~(500|553)  => ~(500|501|553) 5\.' \
        'MAIL\x1b[2J FROM:<a@x.es> => 50[01]|553 => ~500  => ~50[012] 5\.'
    each T "RCPT TO:<jos\\xc3\\xa9@$D> => 50[01]|55[03] => ~553 (?!\\d\\.) => ~553 5\\.6\\.7 " \
        "RCPT TO:<b\\x02@$D> => 50[01]|553 => ~(500|553)  => ~(500|501|553) 5\\."
}
@test "line 39: an octet above 127 or a control character in a command" { check -- line_39; }

line_40() {
    each H 'MAIL FROM:<a\0b@x.es> => 50[01] => ~50[01]  => ~50[01] 5\.' \
        'MAIL FROM:<a@x.es>\0 => 50[01] => ~50[01]  => ~50[01] 5\.' \
        'NO\0OP => 50[012] => ~500  => ~50[012] 5\.'
    echo again
    T
    answers "RCPT TO:<b@$D>\\0x => 50[01] => ~50[01]  => ~50[01] 5\\." \
        "DATA => 503|554 => $SYNTAX => 503 5.5.1 Error: need RCPT command"
}
@test "line 40: a NUL in a command is an error, and cuts nothing" { TRANSPORTS=tcp check -- line_40; }

L63=$(printf 'd%.0s' {1..63})
# The path counts too: 256 octets with its brackets, so that a domain has at most 252 of the 255 that it may have.
line_41() {
    each H "MAIL FROM:<{l*64}@x.es> => $OK" "MAIL FROM:<{l*64}@$L63.$L63.{d*61}> => $OK" \
        "MAIL FROM:<a@$L63.$L63.$L63.{d*60}> => $OK"
    each T "RCPT TO:<{l*64}@$D> => $TAKEN"
}
@test "line 41: a local part of 64 octets, a path of 256, and the longest domain in it" { check -- line_41; }

line_41_longer() {
    each H "MAIL FROM:<{l*65}@x.es> => 250|501 => ~(250|500)  => ~(250 2\\.1\\.0|501 5\\.1\\.\\d) " \
        "MAIL FROM:<a@$L63.$L63.$L63.$L63> => 250|501 => ~(250|500)  => ~(250 2\\.1\\.0|501 5\\.1\\.\\d) " \
        "MAIL FROM:<a@$L63.$L63.$L63.$L63.{d*63}> => 250|501 => ~(250|500)  => ~(250 2\\.1\\.0|501 5\\.1\\.\\d) " \
        "MAIL FROM:<a@d$L63.es> => 250|501 => ~(250|500)  => ~(250 2\\.1\\.0|501 5\\.1\\.\\d) "
}
@test "line 41: what is longer is refused as an address, or accepted" { check -- line_41_longer; }

line_42() {
    each T "RCPT TO:<u@foreign.example> => $TAKEN" "RCPT TO:<no-such-user@$D> => $TAKEN"
}
@test "line 42: a foreign domain and an unknown user" { check -- line_42; }

line_42_domains() {
    T
    answers "RCPT TO:<u@foreign.example> => $(coded 550 5.7.1)" "RCPT TO:<u@d.es> => $OK" "RCPT TO:<u@e.es> => $OK" \
        "RCPT TO:<u@sub.d.es> => $(coded 550 5.7.1)" "RCPT TO:<u@xd.es> => $(coded 550 5.7.1)" \
        "RCPT TO:<postmaster> => $OK" "DATA => $GO" "x\\r\\n. => $DONE"
    keeps u 'x\n'
    keeps postmaster 'x\n'
}
@test "line 42: with a domain list a foreign domain gets 550" {
    ours_only 'needs our settings'
    check -o domain=d.es -o domain=e.es -- line_42_domains
}
@test "line 42: an empty domain empties the list that stood before it" {
    ours_only 'needs our settings'
    check -o domain=f.es -o domain= -o domain=d.es -o domain=e.es -- line_42_domains
}

line_42_known() {
    mkdir -p mails/known/{tmp,new,cur}
    T
    answers "RCPT TO:<unknown@d.es> => $(coded 550 5.1.1)" "RCPT TO:<KNOWN@d.es> => $OK" \
        "RCPT TO:<\"known\"@d.es> => $OK" \
        "RCPT TO:<known@foreign.example> => $(coded 550 5.7.1)" \
        "RCPT TO:<unknown@foreign.example> => $(coded 550 5.7.1)" \
        "DATA => $GO" "x\\r\\n. => $DONE"
    keeps known 'x\n'
}
@test "line 42: with known-mailboxes=yes an unknown user gets 550" {
    ours_only 'needs our settings'
    check -o known-mailboxes=yes -o domain=d.es -- line_42_known
}

line_44() {
    local long="250|501|55[03] => ~(250|500|501|550|553)  => ~(250 2|501 5|550 5|553 5)\\."
    each T "RCPT TO:<../canary@$D> => 250|501|55[03] => $SYNTAX => 501 5.1.3 Bad recipient address syntax" \
        "RCPT TO:<.canary@$D> => 250|501|55[03] => $SYNTAX => 501 5.1.3 Bad recipient address syntax" \
        "RCPT TO:<\"../canary\"@$D> => $TAKEN" "RCPT TO:</etc/canary@$D> => $TAKEN" "RCPT TO:<|canary@$D> => $TAKEN" \
        "RCPT TO:<\".\"@$D> => $TAKEN" "RCPT TO:<\"\"@$D> => 250|501|55[03] => 250 OK => 250 2.1.0 Ok" \
        "RCPT TO:<{canary*43}@$D> => $long" "RCPT TO:<\"{/*250}canary\"@$D> => $long"
}
@test "line 44: names that look like paths" { check -- line_44; }

line_44_boxes() {
    local row
    H
    for row in '"../canary"=%2E.%2Fcanary' '"../../../tmp/canary"=%2E.%2F..%2F..%2Ftmp%2Fcanary' \
        '/etc/canary=%2Fetc%2Fcanary' \
        '|canary=%7Ccanary' '"."=%2E' '".."=%2E.' '""=%' '".canary"=%2Ecanary' '%2Fcanary=%252fcanary' 'CanAry=canary' \
        "\"canary/new\"=canary%2Fnew" 'new=new' 'canary{c*58}=canary{c*58}' '"{/*62}"={%2F*62}' '"can ary"=can%20ary' \
        "!#\$&'*?^\`{|}~=%21%23%24%26%27%2A%3F%5E%60%7B%7C%7D%7E" 'a+b=a+b' 'a-b_c.d=a-b_c.d'
    do
        answers "MAIL FROM:<$FROM> => $OK" "RCPT TO:<${row%=*}@d.es> => $OK" "DATA => $GO" "x\\r\\n. => $DONE"
        keeps "$(octets "${row##*=}")" 'x\n'
    done
}
octets() {
    "$PYTHON" -c 'import sys
sys.path.insert(0, sys.argv[1])
from channel import octets
print(octets(sys.argv[2]).decode())' "$TOOLS" "$1"
}
nothing_outside() {
    same "" "$(find "$BATS_TEST_TMPDIR" -name '*canary*' -not -path "$BATS_TEST_TMPDIR/mails/*")"
    same "" "$(find mails -mindepth 2 -name '*canary*')"
    same "" "$(find /tmp /etc -maxdepth 1 -name '*canary*' -newer "$BATS_TEST_TMPDIR/.begun")"
}
@test "line 44: names that look like paths stay in the mail folder" {
    ours_only 'needs our Maildir'
    check -- line_44_boxes nothing_outside
}

# --- 3 sizes ----------------------------------------------------------------------------------------------------------

line_45() { H; answers "NOOP {x*505} => $OK0" "MAIL FROM:<$FROM> => $OK"; }
@test "line 45: a command line of 512 octets" { check -- line_45; }

line_45_longer() {
    H
    answers "MAIL FROM:<$FROM> SIZE=1000 BODY=8BITMIME SMTPUTF8{ *498} => $OK" "RSET => $OK0" "NOOP {x*2041} => $OK0"
}
@test "line 45: MAIL may be longer by its parameters, and the default limit is 2,048" {
    ours_only 'needs our settings'
    check -- line_45_longer
}

line_46() {
    H
    answers "NOOP {x*2993} => 500 => ~500  => ~500 5\\.5\\.2 " "NOOP => $OK0" \
        "MAIL FROM:<{x*3000}@x.es> => 500 => ~500  => ~500 5\\.5\\.2 " "MAIL FROM:<$FROM> => $OK" "QUIT => $BYE"
    echo closed
}
@test "line 46: a command line of 3,000 octets gets one 500, and the session goes on" { check -- line_46; }

# judge.py looks at the length of every line.
line_47() {
    local command
    H
    for command in 'HELO {h*480}' 'EHLO {h*480}' 'VRFY {l*64}@{d*63}.{d*63}.{d*63}.es' 'HELP {x*480}' 'NOOP {x*480}' \
        '{X*500}' "MAIL FROM:<{l*64}@$L63.$L63.{d*61}> {X*200}=1" "MAIL FROM:<{l*64}@$L63.$L63.{d*61}>" \
        'RCPT TO:<{l*64}@[300.300.300.300]>'; do
        printf '%s\n' "C: $command" 'R# ...'
    done
    answers "QUIT => 221 => ~221  => ~221 "
}
@test "line 47: no line of a reply is longer than 512 octets" { check -o errors=100 -- line_47; }
@test "line 47: no line of a reply is longer than 512 octets, with the longest name" {
    ours_only 'needs our options'
    H() { printf '%s\n' 'R~ 220 ' 'C: EHLO c.example' 'R~ 250 SIZE '; }
    check -n "$L63.$L63.$L63.${L63:2}" -- line_47
}

line_48() {
    H
    letter '{x*998}\r\n.\r\n' '{x*998}\n'
    letter '..{x*997}\r\n.\r\n' '.{x*997}\n'
}
@test "line 48: a line of text of 1,000 octets" { check -- line_48; }

line_49() {
    local length
    H
    for length in 1001 5000 65000; do
        letter "a\\r\\n{x*$length}\\r\\n..b\\r\\n.\\r\\n" "a\\n{x*$length}\\n.b\\n"
    done
    answers "QUIT => $BYE"
}
line_49_foreign() {
    H
    envelope
    printf '%s\n' 'C| {x*5000}\r\n.\r\n' 'R# 250|500|55[24]'
    answers "NOOP => $OK0"
}
@test "line 49: a line of text of 5,000 octets is kept whole" {
    if foreign; then check -- line_49_foreign; else check -- line_49; fi
}

# The text comes in parts that a datagram can carry: 65,536 octets are 1,024 lines of 64.
line_50() {
    local line
    line=$(printf 'y%.0s' {1..62})
    H
    letter "{$line\\r\\n*512}" "{$line\\n*1024}" "{$line\\r\\n*512}.\\r\\n"
}
@test "line 50: a message of 64 KiB" { check -- line_50; }
@test "line 50: a message of 64 KiB fits into the smallest message-size" {
    ours_only 'needs our settings'
    check -o message-size=65536 -- line_50
}

line_51() {
    local i
    T
    for i in {1..100}; do answers "RCPT TO:<${TARGET_USER:-r$i}@$D> => $OK"; done
    answers "DATA => $GO" "x\\r\\n. => $DONE"
    for i in {1..100}; do keeps "r$i" 'x\n'; done
}
@test "line 51: a hundred recipients" { check -- line_51; }

line_51_over() {
    local i
    line_51 | sed '/DATA/,$d'
    for i in 1 2 3; do answers "RCPT TO:<over$i@$D> => $(coded 452 4.5.3)"; done
    answers "DATA => $GO" "x\\r\\n. => $DONE" "MAIL FROM:<$FROM> => $OK" "RCPT TO:<r1@$D> => $OK"
}
@test "line 51: the recipients beyond the limit get 452, the others their mail" {
    ours_only 'needs our settings'
    check -o recipients=100 -- line_51_over
}

# over_limit: a SIZE that is one too many.
over_limit() {
    local limit=10240000
    if foreign; then limit=$(keyword SIZE) || limit=; fi
    [ "${limit:-0}" != 0 ] || skip "no limit is told"
    echo $((limit + 1))
}

line_52() {
    H
    answers "MAIL FROM:<$FROM> SIZE=$size => $(coded 552 5.3.4)" "RCPT TO:<$BOX@$D> => $NEED_MAIL" \
        "MAIL FROM:<$FROM> SIZE=$((size - 1)) => $OK" "RSET => $OK0" "MAIL FROM:<$FROM> size=0 => $OK"
}
@test "line 52: a SIZE over the limit gets 552, the limit itself passes" {
    needs SIZE
    BOX=${TARGET_USER:-u} size=$(over_limit)
    check -- line_52
}

line_52_space() {
    H
    answers "MAIL FROM:<$FROM> SIZE=5000000 => $(coded 452 4.3.1)" "RCPT TO:<u@$D> => $NEED_MAIL" \
        "MAIL FROM:<$FROM> SIZE=1000 => $OK"
}
@test "line 52: a SIZE over the free space gets 452" {
    ours_only 'needs our mail folder'
    need_root 'mounting a small file system'
    mkdir small
    mount -t tmpfs -o size=1m tmpfs small
    check -m small -- line_52_space
}

line_53() {
    each H "MAIL FROM:<$FROM> SIZE=abc => $BAD_ARGUMENT" "MAIL FROM:<$FROM> SIZE= => $BAD_ARGUMENT" \
        "MAIL FROM:<$FROM> SIZE => 501|555 => $SYNTAX => ~501 5\\.5\\.4 " "MAIL FROM:<$FROM> SIZE=-1 => $BAD_ARGUMENT" \
        "MAIL FROM:<$FROM> SIZE=1 SIZE=2 => $BAD_ARGUMENT" \
        "MAIL FROM:<$FROM> SIZE=123456789012345678901 => $(coded 552 5.3.4 '501|552')" \
        "MAIL FROM:<$FROM> SIZE=18446744073709551617 => $(coded 552 5.3.4 '501|552')"
}
@test "line 53: a SIZE that is no number, given twice, or of 21 digits" {
    needs SIZE
    check -- line_53
}

line_54() {
    H
    refused_letter "$(coded 552 5.3.4)" '{x*40000}\r\n' '{y*25533}\r\n' '.\r\n'
    answers "RCPT TO:<b@$D> => $NEED_MAIL"
    letter '{x*40000}\r\n' '{x*40000}\n{y*25532}\n' '{y*25532}\r\n' '.\r\n'
    letter '..{x*39999}\r\n' '.{x*39999}\n.{y*25531}\n' '..{y*25531}\r\n' '.\r\n'
    envelope SIZE=10
    printf '%s\n' 'C| {x*60000}\r\n' 'C| {x*60000}\r\n' 'C| .\r\n'
    replies "$(coded 552 5.3.4)"
    letter 'short\r\n.\r\n' 'short\n'
}
line_54_foreign() {
    H
    envelope SIZE=10
    printf '%s\n' "fill $size" 'C| \r\n.\r\n' 'R# 552'
    answers "MAIL FROM:<$FROM> => $OK"
}
@test "line 54: a text over the limit gets 552 at its end, one of the limit passes, whatever SIZE said" {
    foreign || { check -o message-size=65536 -- line_54; return; }
    needs SIZE
    size=$(over_limit)
    ((size < 100000000)) || skip "the limit is beyond 100,000,000 octets"
    PATIENCE=60 check -- line_54_foreign
}

line_55() {
    H
    envelope SIZE=3
    keeps "$BOX" 'far more than three\n.\nRSET\nend\n'
    printf '%s\n' 'C| far more than three\r\n..\r\nRSET\r\nend\r\n.\r\n'
    replies "$DONE"
    envelope SIZE=1000
    keeps "$BOX" 'short\n'
    printf '%s\n' 'C| short\r\n.\r\n'
    replies "$DONE"
}
@test "line 55: SIZE is not where the text ends" {
    needs SIZE
    check -- line_55
}
