#!/usr/bin/env bats
# The checklist, lines 56 to 75: the text, its end and its line ends, what 250 means, and the trace fields.

load checklist

# What 250 means is seen with a server that has fault probes (make faults).

# --- 4 transparency and the end of the text ---------------------------------------------------------------------------

line_56() {
    H
    letter 'Subject: hello\r\n\r\ntext\r\n.\r\n' 'Subject: hello\n\ntext\n'
    answers "RCPT TO:<b@$D> => $NEED_MAIL" "QUIT => $BYE"
}
@test "line 56: DATA gets 354, the end of the text 250" { check -- line_56; }

line_57() {
    H
    letter '..x\r\n.\r\n' '.x\n'
    letter '.x\r\n.\r\n' 'x\n'
    letter '..\r\n.\r\n' '.\n'
    letter '...\r\n..\r\n.x\r\nx.\r\n .\r\n. \r\n.\r\n' '..\n.\nx\nx.\n .\n \n'
    letter 'a\r\n..a\r\n\r\n..\r\n\r\n.\r\n' 'a\n.a\n\n.\n\n'
    answers "QUIT => $BYE"
}
@test "line 57: one dot at a line's begin is taken away" { check -- line_57; }

line_57_bare() {
    H
    letter 'a\n..x\n.x\r\n.\r\n' 'a\n..x\n.x\n'
    letter 'a\r..x\r\n..\n.x\r\n.\r\n' 'a\r..x\n.\n.x\n'
}
@test "line 57: a dot behind a bare LF or CR is text" {
    ours_only 'needs our Maildir'
    check -- line_57_bare
}

line_58() {
    local i end='\r\n.\r\n'
    H
    for i in 2 4 5 7; do letter "text${end:0:i}" 'text\n' "${end:i}"; done
    letter 'text\r' 'text\n' '\n' '.' '\r' '\n'
    letter 'text\r\n.' 'text\n.\nmore\n.x\n' '.\r' '\nmore\r\n' '.' '.x\r\n.' '\r' '\n'
    letter 'text\r' 'text\rmore\n' 'more\r\n' '.\r\n'
    letter '.' '' '\r' '\n'
    answers "NOOP => $OK0" "QUIT => $BYE"
}
@test "line 58: the end is seen once, however it is split into segments" { TRANSPORTS=tcp check -- line_58; }

line_59() {
    H
    envelope
    keeps "$BOX" ''
    printf '%s\n' 'C| .\r\n'
    replies '250|554 => 250 OK => ~250 2\.0\.0 Ok: queued as [A-Za-z0-9]{9}$'
    answers "NOOP => $OK0"
}
@test "line 59: an empty text" { check -- line_59; }

# goes_on NAME OCTETS STORED: a session whose text has OCTETS between text and NOOP, stored as STORED, and does not
# end there: what a smuggler hides behind them is text.
goes_on() {
    echo again
    H
    envelope
    keeps "$BOX" "text$3NOOP\\n"
    printf '%s\n' "# $1" "C| text$2NOOP\\r\\n.\\r\\n"
    replies '250|5.. => 250 OK => ~250 2\.0\.0 Ok: queued as [A-Za-z0-9]{9}$'
    [ "$DIALECT" != rfc ] || echo 'over 5'
    answers "QUIT => $BYE"
    echo closed
}

line_60() { goes_on LF.LF '\n.\n' '\n.\n'; }
@test "line 60: LF.LF is not the end" { check -- line_60; }

line_61() {
    goes_on LF.CRLF '\n.\r\n' '\n.\n'
    goes_on LF.CRLF '\n\n.\r\n' '\n\n.\n'
}
@test "line 61: LF.CRLF is not the end" { check -- line_61; }

line_62() { goes_on CRLF.LF '\r\n.\n' '\n\n'; }
@test "line 62: CRLF.LF is not the end" { check -- line_62; }

line_63() {
    goes_on CR.CR '\r.\r' '\r.\r'
    goes_on CRLF.CR '\r\n.\r' '\n\r'
    goes_on CRLF.CRCRLF '\r\n.\r\r\n' '\n\r\n'
    goes_on CR.CRLF '\r.\r\n' '\r.\n'
    goes_on CR.LF '\r.\n' '\r.\n'
    goes_on LF.CR '\n.\r' '\n.\r'
    goes_on LFCR.LFCR '\n\r.\n\r' '\n\r.\n\r'
}
@test "line 63: CR.CR, CRLF.CR and CRLF.CRCRLF are not the end" { check -- line_63; }

line_63_nul() {
    goes_on CRLF.NUL-CRLF '\r\n.\0\r\n' '\n\0\n'
    goes_on CRLF-NUL.CRLF '\r\n\0.\r\n' '\n\0.\n'
    goes_on CR-NUL-LF.CRLF '\r\0\n.\r\n' '\r\0\n.\n'
    goes_on CRLF.CR-NUL-LF '\r\n.\r\0\n' '\n\r\0\n'
}
@test "line 63: with a NUL in it it is not the end" { TRANSPORTS=tcp check -- line_63_nul; }

line_63_blanks() {
    goes_on CRLF..CRLF '\r\n..\r\n' '\n.\n'
    goes_on CRLF.blank-CRLF '\r\n. \r\n' '\n \n'
    goes_on CRLF.TAB-CRLF '\r\n.\t\r\n' '\n\t\n'
    goes_on CRLF.x-CRLF '\r\n.x\r\n' '\nx\n'
    goes_on CRLF-blank.CRLF '\r\n .\r\n' '\n .\n'
}
@test "line 63: with more on its line it is not the end" { check -- line_63_blanks; }

line_63_crcrlf() {
    H
    letter 'text\r\r\n.\r\n' 'text\r\n'
    answers "NOOP => $OK0"
}
@test "line 63: CRCRLF.CRLF is the end, as its last LF comes behind a CR" { check -- line_63_crcrlf; }

# A datagram's end is a line end, and one CRLF or LF there is stripped before (see the manual).
line_63_datagrams() {
    H
    letter 'text\n.\n' 'text\n.\nmore\n' 'more' '.'
    letter 'text\r\n.\r' 'text\n\r\nmore\n' 'more\r\n' '.\r\n'
    letter 'text\n.\r\n' 'text\n.\nmore\r\n' 'more\r' '.\n'
    letter '' '\ntext\n\n' 'text' '\r\n' '.'
    letter 'text\r\n.' 'text\n'
    answers "NOOP => $OK0"
}
@test "line 63: at the end of a datagram" {
    ours_only 'SMTP over UDP'
    TRANSPORTS=udp check -- line_63_datagrams
}

line_64() {
    H
    letter 'a\nb\rc\r\nd\n\r\ne\r\n.\r\n' 'a\nb\rc\nd\n\ne\n'
    letter '\n\r\n\r\n.\r\n' '\n\n\n'
    letter '\ra\n\rb\r\r\n.\r\n' '\ra\n\rb\r\n'
}
@test "line 64: a bare LF is stored as a line end, a bare CR as it is" {
    ours_only 'needs our Maildir'
    check -- line_64
}
@test "line 64: bare-lf=normalize is the default" {
    ours_only 'needs our settings'
    check -o bare-lf=normalize -- line_64
}

line_64_reject() {
    H
    refused_letter "$(coded 550 5.6.0)" 'a\nb\r\n.\r\n'
    answers "RCPT TO:<b@$D> => $NEED_MAIL"
    refused_letter "$(coded 550 5.6.0)" 'a\rb\r\n.\r\n'
    refused_letter "$(coded 550 5.6.0)" 'a\n.\nNOOP\r\n.\r\n'
    refused_letter "$(coded 550 5.6.0)" 'a\n.\r\nNOOP\r\n.\r\n'
    refused_letter "$(coded 550 5.6.0)" 'a\r\n.\nNOOP\r\n.\r\n'
    refused_letter "$(coded 550 5.6.0)" 'a\r.\rNOOP\r\n.\r\n'
    refused_letter "$(coded 550 5.6.0)" 'a\r\n.\r\r\nNOOP\r\n.\r\n'
    letter 'a\r\n..b\r\n\r\n.\r\n' 'a\n.b\n\n'
    answers "NOOP => $OK0"
}
@test "line 64: bare-lf=reject refuses a text with a bare LF or CR, behind its end" {
    ours_only 'needs our settings'
    check -o bare-lf=reject -- line_64_reject
}

line_64_split() {
    H
    refused_letter "$(coded 550 5.6.0)" 'a\r' 'b\r\n.\r\n'
    refused_letter "$(coded 550 5.6.0)" 'a' '\n' 'b\r\n.\r\n'
    letter 'a\r' 'a\n' '\n.\r' '\n'
    envelope
    printf '%s\n' 'C| a\nb\r\n' 'quiet 0.3' 'C| .\r\n'
    replies "$(coded 550 5.6.0)"
}
@test "line 64: bare-lf=reject sees it across segments, and says nothing before the end" {
    ours_only 'needs our settings'
    TRANSPORTS=tcp check -o bare-lf=reject -- line_64_split
}

line_65() {
    H
    new_box
    printf '%s\n' 'C| NOOP\n'
    replies "$OK0"
    printf '%s\n' "C| MAIL FROM:<$FROM>\\n"
    replies "$OK"
    printf '%s\n' "C| RCPT TO:<$BOX@$D>\\n"
    replies "$OK"
    printf '%s\n' 'C| DATA\n'
    replies "$GO"
    printf '%s\n' 'C| text\r\n.\r\n'
    replies "$DONE"
    keeps "$BOX" 'text\n'
}
@test "line 65: a bare LF ends a command line" { check -- line_65; }

line_65_reject() {
    H
    printf '%s\n' 'C| NOOP\n'
    replies "500 => $SYNTAX => ~500 5\\.5\\.2 "
    printf '%s\n' "C| MAIL FROM:<$FROM>\\n"
    replies "500 => $SYNTAX => ~500 5\\.5\\.2 "
    answers "RCPT TO:<b@$D> => $NEED_MAIL" "NOOP => $OK0"
}
@test "line 65: bare-lf=reject refuses such a command" {
    ours_only 'needs our settings'
    TRANSPORTS=tcp check -o bare-lf=reject -- line_65_reject
}

line_66() {
    local all
    all=$(printf '\\x%02x' {0..255})
    [ "$TRANSPORT" != udp ] || all=${all#'\x00'}     # a datagram is cut there
    H
    letter "a$all\\r\\n$all\\r\\n.\\r\\n" "a$all\\n$all\\n"
    letter '\xff\xfe\x80\r\n..\x81\r\n\xe2\x82\xac\r\n.\r\n' '\xff\xfe\x80\n.\x81\n\xe2\x82\xac\n'
    answers "NOOP => $OK0"
}
line_66_foreign() {
    local all
    all=$(printf '\\x%02x' {1..9} 11 12 {14..255})  # NUL, bare LF and bare CR are for lines 60 to 64
    H
    letter "a$all\\r\\n$all\\r\\n.\\r\\n" ''
    answers "NOOP => $OK0"
}
@test "line 66: every octet is kept" { if foreign; then check -- line_66_foreign; else check -- line_66; fi; }

# --- what 250 means ---------------------------------------------------------------------------------------------------

# traced: the system calls of a worker that keep a mail, in their order: one word each.
traced() {
    sed -En 's/^[0-9]+ +//
        /fsync|fdatasync/s/.*/sync/p
        /^link(at)?\(/s/.*/link/p
        /^(sendto|sendmsg|write|writev)\(.*"250 2\.0\.0 Ok: queued/s/.*/reply/p' trace
}

line_67() { H; letter 'text\r\n.\r\n' 'text\n'; answers "QUIT => $BYE"; }
@test "line 67: the file is synced before it is linked, its folder before the 250" {
    ours_only 'looks at our system calls'
    command -v strace >/dev/null || skip 'strace is not here'
    strace -f -o "$BATS_TEST_TMPDIR/works" true 2>/dev/null || skip 'strace may not trace here'
    leaks_unseen
    RUN_IN=(strace -f -qq -s 200 -e 'trace=fsync,fdatasync,link,linkat,sendto,sendmsg,write,writev'
        -o "$BATS_TEST_TMPDIR/trace")
    DIALECT=itba TRANSPORT=tcp
    : >letters
    start_server -d itba
    RUN_IN=()
    judge line_67
    stored_mails
    wait_until grep -q '"250 2\.0\.0 Ok: queued' trace
    matches '^sync (sync )*link (sync )*sync reply' "$(traced | tr '\n' ' ')"
    kill -TERM "$(pgrep -P "$SERVER_PID")"  # strace ends as the server ends
    server_ends 0
}

faulty_letter() {
    H
    echo "# $fault"
    envelope
    printf '%s\n' 'C| text\r\n.\r\n'
    replies "$reply"
    answers "RCPT TO:<b@$D> => $NEED_MAIL"
    letter 'better\r\n.\r\n' 'better\n'
}

# unkept 'PROBE ACTION'...: with each of these faults the mail gets the reply that is in reply, nothing of it is left
# behind, and the session keeps the next mail.
unkept() {
    local fault
    [ -x "$FAULTS" ] || skip 'there is no server with fault probes: make faults'
    SERVIDOR=$FAULTS
    export SERVIDOR_FAULT=$BATS_TEST_TMPDIR/fault
    allow_stderr '^servidor: '
    for DIALECT in usal itba; do
        LOGS=$BATS_TEST_TMPDIR/log.$DIALECT
        start_server -d "$DIALECT"
        for fault; do
            echo "$fault" >fault
            both_transports "${script:-faulty_letter}" fault_was_hit
        done
        stop_server
    done
}

# Over UDP the fault is set anew.
fault_was_hit() {
    [ ! -e fault ] || fail "$fault: no process came there"
    same "" "$(find mails -path '*/tmp/*' -type f)"
    [ "$TRANSPORT" != tcp ] || echo "$fault" >fault
}

@test "line 67: a mail whose file or folder cannot be synced is not acknowledged, and not delivered" {
    ours_only 'needs a server with fault probes'
    reply=$(coded 451 4.3.0)
    unkept 'spool-sync EIO' 'folder-sync EIO' 'parent-sync EIO'
}

@test "line 68: a mail that cannot be written, closed or linked gets 451, and nothing is left behind" {
    ours_only 'needs a server with fault probes'
    reply=$(coded 451 4.3.0)
    unkept 'spool-write EIO' 'spool-close EIO' 'link EIO' 'link EACCES' 'link EROFS'
}

@test "line 68: a full disk is told as 452, and nothing is left behind" {
    ours_only 'needs a server with fault probes'
    reply=$(coded 452 4.3.1)
    unkept 'spool-write ENOSPC' 'spool-write EDQUOT' 'spool-sync ENOSPC' 'spool-close EDQUOT' 'link ENOSPC'
}

spool_letter() {
    H
    echo "# $fault"
    new_box
    answers "MAIL FROM:<$FROM> => $OK" "RCPT TO:<$BOX@$D> => $OK" "DATA => $reply" "MAIL FROM:<$FROM> => $NESTED" \
        "DATA => $GO" "text\\r\\n. => $DONE"
    keeps "$BOX" 'text\n'
}
@test "line 68: a mail that cannot be opened is told at DATA, and the transaction stays" {
    ours_only 'needs a server with fault probes'
    script=spool_letter reply=$(coded 451 4.3.0)
    unkept 'spool-open EIO' 'spool-open EMFILE' 'spool-open EACCES'
}
@test "line 68: a full disk may be told at DATA, and the transaction stays" {
    ours_only 'needs a server with fault probes'
    script=spool_letter reply=$(coded 452 4.3.1)
    unkept 'spool-open ENOSPC' 'spool-open EDQUOT'
}

two_recipients() {
    T
    echo "# $fault"
    answers "RCPT TO:<one@$D> => $OK" "RCPT TO:<two@$D> => $OK" "DATA => $GO" "x\\r\\n. => $reply" \
        "RCPT TO:<b@$D> => $NEED_MAIL" "MAIL FROM:<$FROM> => $OK" "RCPT TO:<one@$D> => $OK" "RCPT TO:<two@$D> => $OK" \
        "DATA => $GO" "y\\r\\n. => $DONE"
    keeps one 'y\n'
    keeps two 'y\n'
}
@test "line 69: when the second of two recipients fails, neither has the mail" {
    ours_only 'needs a server with fault probes'
    script=two_recipients reply=$(coded 451 4.3.0)
    unkept 'link-next EIO' 'link-next EACCES' 'folder-sync EIO'
}
two_recipients_both() {
    T
    answers "RCPT TO:<${TARGET_USER:-one}@$D> => $OK" "RCPT TO:<${TARGET_USER:-two}@$D> => $OK" "DATA => $GO" \
        "x\\r\\n. => $DONE" \
        "QUIT => $BYE"
    echo closed
    keeps one 'x\n'
    keeps two 'x\n'
}

@test "line 69: two recipients, one reply, and both have the mail" { check -- two_recipients_both; }

line_70() {
    local field='Received: from a by b; Tue, 24 Nov 2026 12:00:00 +0000'
    H
    letter "{$field\\r\\n*100}\\r\\nReceived: text\\r\\n.\\r\\n" "{$field\\n*100}\\nReceived: text\\n"
    refused_letter "$(coded 554 5.4.6)" "{$field\\r\\n*101}\\r\\ntext\\r\\n.\\r\\n"
    refused_letter "$(coded 554 5.4.6)" "{RECEIVED: x\\r\\n*101}\\r\\n.\\r\\n"
    answers "MAIL FROM:<$FROM> => $OK"
}
line_70_foreign() {
    H
    refused_letter '554' '{Received: from a by b; Tue, 24 Nov 2026 12:00:00 +0000\r\n*101}\r\ntext\r\n.\r\n'
}
@test "line 70: a mail with more than 100 Received fields is in a loop" {
    if foreign; then check -- line_70_foreign; else check -- line_70; fi
}

line_71() {
    local text
    H
    for text in 'no header at all' 'Subject: no From' 'From: nobody\r\nno colon\r\n\r\ntext' \
        'Subject: \xe9\xff\r\n\r\ntext' \
        '\r\nno header' ': x\r\n\r\n' \
        'Bcc:\r\nFrom: a@b.es\r\nFrom: c@d.es\r\n\r\n' 'X:{x*2000}\r\n\r\n'; do
        [ "$DIALECT" != rfc ] || text=${text/2000/900}
        letter "$text\\r\\n.\\r\\n" "${text//'\r'/}\\n"
    done
    # What would continue our Received has an empty line above it.
    letter '\x20continued\r\nX: y\r\n.\r\n' '\n\x20continued\nX: y\n'
}
@test "line 71: broken headers are accepted, and kept" { check -- line_71; }

# --- 5 trace fields ---------------------------------------------------------------------------------------------------

DATE='(Mon|Tue|Wed|Thu|Fri|Sat|Sun), [0-9]{1,2} [A-Z][a-z]{2} [0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2} [+-][0-9]{4}'

# trace_is FROM BY LAST: the trace fields of the mail in BOX: regular expressions for what stands behind "from", behind
# "by", and on the last line.
trace_is() {
    matches $'^Return-Path: <[^>]*>\nReceived: from '"$1"$'\n\tby '"$2"$'\n\t'"$3\$" "$(head -n 4 "$(mails "$BOX")")"
}

CLIENT='\(\[127\.0\.0\.1\]\)'

# with PROTOCOL: what stands behind "with"; in the plain mode of UDP it is what it is.
with() { if [ "$TRANSPORT" = udp ]; then echo 'UDP \(unnumbered\)'; else echo "$1"; fi; }

# id: of the mail, as the itba dialect told it.
id() { sed -n 's/.*queued as //p' "$BATS_TEST_TMPDIR/talk" | tail -n 1 | grep . || echo '[A-Za-z0-9]{9}'; }

line_72() {
    H
    letter 'Return-Path: <old@x.es>\r\nReceived: from a by b\r\n\r\nReturn-Path: <x>\r\n.\r\n' \
        'Return-Path: <old@x.es>\nReceived: from a by b\n\nReturn-Path: <x>\n'
}
return_path() {
    same 'Return-Path: <a@c.example>' "$(head -n 1 "$(mails "$BOX")")"
    same 1 "$(grep -c '^Return-Path: <a@c.example>$' "$(mails "$BOX")")"
}
@test "line 72: a mail begins with Return-Path and Received, and what was sent is unchanged" {
    ours_only 'needs our Maildir'
    check -- line_72 return_path
}

line_73() { H; letter 'x\r\n.\r\n' 'x\n'; }
received() {
    trace_is "c\\.example $CLIENT" "localhost \\(servidor\\) with $(with ESMTP) id $(id)" "for <$BOX@d\\.es>; $DATE"
    now=$EPOCHSECONDS
    date=$(date -d "$(sed -n '4s/.*; //p' "$(mails "$BOX")")" +%s)
    ((now - date <= 30 && date <= now)) || fail "it is $now, and the mail says $date"
}
@test "line 73: Received says who, by whom, with what, the id, for whom, and when" {
    ours_only 'needs our Maildir'
    check -- line_73 received
}

line_73_name() {
    replies "220 => $GREETING => 220 mx.usal.es SMTP"
    printf '%s\n' 'C: HELO [192.0.2.7]' 'R# 250'
    letter 'x\r\n.\r\n' 'x\n'
}
received_by_name() {
    trace_is "\\[192\\.0\\.2\\.7\\] $CLIENT" "mx\\.usal\\.es \\(servidor\\) with $(with SMTP) id $(id)" \
        "for <$BOX@d\\.es>; $DATE"
}
@test "line 73: the names are those of -n and HELO" {
    ours_only 'needs our Maildir'
    check -n mx.usal.es -- line_73_name received_by_name
}

line_73_utf8() {
    H
    envelope SMTPUTF8
    keeps "$BOX" 'x\n'
    printf '%s\n' 'C| x\r\n.\r\n'
    replies "$DONE"
}
received_utf8() { trace_is ".* $CLIENT" "localhost \\(servidor\\) with $(with UTF8SMTP) id $(id)" "for .*; $DATE"; }
@test "line 73: with SMTPUTF8 it says so" {
    ours_only 'needs our Maildir'
    check -- line_73_utf8 received_utf8
}

line_73_two() {
    T
    answers "RCPT TO:<one@d.es> => $OK" "RCPT TO:<two@d.es> => $OK" "DATA => $GO" "x\\r\\n. => $DONE"
    keeps one 'x\n'
    keeps two 'x\n'
}
received_by_two() {
    local BOX
    for BOX in one two; do
        trace_is "c\\.example $CLIENT" "localhost \\(servidor\\) with $(with ESMTP) id $(id);" "$DATE"
    done
    same "$(basename "$(mails one)")" "$(basename "$(mails two)")"
    [ "$(mails one)" -ef "$(mails two)" ]
}
@test "line 73: with two recipients it names neither" {
    ours_only 'needs our Maildir'
    check -- line_73_two received_by_two
}

line_73_unknown() { greeting; letter 'x\r\n.\r\n' 'x\n'; }
received_unknown() {
    trace_is "unknown $CLIENT" "localhost \\(servidor\\) with $(with SMTP) id $(id)" "for .*; $DATE"
}
@test "line 73: without HELO the name is unknown" {
    ours_only 'needs our Maildir'
    DIALECTS=itba check -- line_73_unknown received_unknown
}

line_74() {
    H
    letter 'Received: from z by y\r\n\tid 2\r\nReceived: from y by x\r\nX: y\r\nReceived: from x\r\n\r\ntext\r\n.\r\n' \
        'Received: from z by y\n\tid 2\nReceived: from y by x\nX: y\nReceived: from x\n\ntext\n'
}
@test "line 74: older Received fields stay as they are" {
    ours_only 'needs our Maildir'
    check -- line_74
}

received_ipv6() { trace_is 'c\.example \(\[IPv6:::1\]\)' 'localhost .*' 'for .*'; }
@test "line 74: an IPv6 address is told as [IPv6:...]" {
    ours_only 'needs our Maildir'
    need_ipv6
    start_server
    DIALECT=usal
    for TRANSPORT in tcp udp; do
        : >letters
        if [ "$TRANSPORT" = udp ]; then judge line_73 -u -a ::1; else judge line_73 -a ::1; fi
        received_ipv6
        stored_mails
        find mails -type f -delete
    done
}

line_75() {
    local name
    for name in 'a\rX-Injected: y' 'a\r\tX-Injected: y' 'a\x0bb' 'a\x7fb' 'a\x1b[2Jb' 'a\xc3\xa9' "${nul[@]}"; do
        echo again
        H
        printf '%s\n' "C| EHLO $name\\r\\n" 'R# 250|50[01]'
        letter 'x\r\n.\r\n' 'x\n'
        printf '%s\n' "C| HELO $name\\r\\n" 'R# 250|50[01]'
        letter 'x\r\n.\r\n' 'x\n'
    done
}
clean_heads() {
    local file
    for file in mails/*/new/*; do
        [ -z "$(head -n 4 "$file" | tr -d '\t\n\40-\176' | od -c | head -n -1)" ] || fail "$(head -n 4 "$file" | od -c)"
        same $'Return-Path\nReceived' "$(head -n 4 "$file" | sed -n 's/^\([^ \t:]*\):.*/\1/p')"
    done
}
@test "line 75: no control character of a HELO name reaches the header" {
    ours_only 'needs our Maildir'
    nul=()
    check -o errors=100 -- line_75 clean_heads
    nul=('a\0X-Injected: y' 'a\0b')
    TRANSPORTS=tcp check -o errors=100 -- line_75 clean_heads
}

line_75_marks() {
    greeting
    printf '%s\n' 'C| EHLO a<b>(c)\\d"e;f@g,h\r\n' 'R# 250'
    letter 'x\r\n.\r\n' 'x\n'
}
received_marks() { trace_is "a\\?b\\?\\?c\\?\\?d\\?e\\?f\\?g\\?h $CLIENT" 'localhost .*' 'for .*'; }
@test "line 75: marks that mean something in a header are shown as ?" {
    ours_only 'needs our Maildir'
    check -- line_75_marks received_marks
}
