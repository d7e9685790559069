#!/usr/bin/env bats
# shellcheck disable=SC2030,SC2031 # each test is a subshell, and sets what it needs
# What the logs tell of the mail that was kept: the Mail Sent record of smtpd.log and the CORREO record of
# peticiones.log, to the octet; that they are whole, and tell of no other mail; that a log which cannot be written loses
# no mail.

load helper

local_setup() { MAILS=$BATS_TEST_TMPDIR/mails; }

local_teardown() { ! mountpoint -q "$BATS_TEST_TMPDIR/log" || umount -l "$BATS_TEST_TMPDIR/log"; }

DAY='(Mon|Tue|Wed|Thu|Fri|Sat|Sun) (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) [ 123][0-9] [0-9:]{8} [0-9]{4}'

# serve OPTION...: a server that keeps its mail in MAILS.
serve() { start_server -m "$MAILS" "$@"; }

# mail [RECIPIENT...]: the lines of a script that send a mail and have its 250; SENDER stands behind MAIL FROM:.
mail() {
    [ $# != 0 ] || set -- '<theo@d.es>'
    printf 'C: MAIL FROM:%s\nS~ 250 \n' "${SENDER-<a@b.es>}"
    printf 'C: RCPT TO:%s\nS~ 250 \n' "$@"
    printf '%s\n' 'C: DATA' 'S~ 354 ' 'C: text' 'C: .' 'S~ 250 '
}

# name_in BOX, id_in BOX: the name of the one mail of this box, and the id in its Received.
name_in() { find "$MAILS/$1/new" -type f -printf '%f\n'; }
id_in() { sed -nE '3s/.* id ([A-Za-z0-9]{9});?$/\1/p' "$MAILS/$1/new/$(name_in "$1")"; }

# without_dates LOG: its lines, with DATE for each date.
without_dates() { sed -E "s/$DAY/DATE/" "$LOGS/$1"; }

# read_mail_log [OPTION...]: smtpd.log is well formed, see tools/readmaillog.py; so is what peticiones.log has of it.
read_mail_log() { "$PYTHON" "$TOOLS/readmaillog.py" -p "$LOGS/peticiones.log" -m "$MAILS" "$@" "$LOGS/smtpd.log"; }

# no_mail_logged: neither log tells of a mail.
no_mail_logged() { same '' "$(grep -h -e 'Mail Sent' -e '^ ' -e CORREO "$LOGS/smtpd.log" "$LOGS/peticiones.log")"; }

# --- the reader of these tests ----------------------------------------------------------------------------------------

@test "the reader of these tests knows a good log from a bad one" {
    PYTHONPATH=$TOOLS "$PYTHON" - <<'END'
import sys, readmaillog
def accepted(log, *options):
    with open("log", "w", encoding="utf-8", errors="surrogateescape") as file: file.write(log)
    sys.argv = ["readmaillog.py", *options, "log"]
    try: readmaillog.main()
    except SystemExit: return False
    return True
def a_log(*addresses):
    when = "Tue Jun 25 12:46:22 2024"
    return ["User connected: ::1:51214 " + when, "Mail Sent: ::1:51214 " + when, " MAIL FROM: " + addresses[0],
            *(" RCPT TO: " + one for one in addresses[1:]), " File: 1719330358.M1471P77Q1.host", " Id: SVDI56NhS",
            "User disconnected: ::1:51214 " + when]
def text(lines): return "".join(line + "\n" for line in lines)
good = a_log("a@x.es", "b@x.es")
for addresses in ("a@x.es", "b@x.es", "c@x.es"), ("<>", "postmaster", '"a b"@x.es'), ("jos\xe9@x.es", "b@x.es"):
    assert accepted(text(a_log(*addresses))), addresses
for addresses in ("a", "b@x.es"), ("<a@x.es>", "b@x.es"), ("a@x.es", "<>"), ("a@x.es",), ("a@x.es", "b@x.es\r"), \
        ("a@x.es", '"\u202e"@x.es'), ("a@x.es", '"\x9b"@x.es'), ("a@x.es", "\udcff@x.es"), ("a@x.es", "b@x.es c"):
    assert not accepted(text(a_log(*addresses))), addresses
for i in range(6): assert not accepted(text(good[:i] + good[i + 1:])), i
for i in range(2, 6): assert not accepted(text(good[:i] + [good[0].replace("51214", "7")] + good[i:])), i
for i in 1, 2, 4, 5: assert not accepted(text(good[:i] + good[i:i + 1] + good[i:])), i
assert not accepted(text(good + good)) and not accepted(text(good)[:-1]) and not accepted(text(good[:4]))
assert not accepted(text(good), "-m", "mails")
def with_peticiones(*records):
    with open("peticiones", "w", encoding="utf-8") as file:
        for record in records: file.write(f"SERVIDOR localhost con IP:::1, puerto 51214 y protocolo TCP- {record}\n")
    return accepted(text(good), "-p", "peticiones")
correo = "CORREO: SVDI56NhS de <a@x.es> el Tue Jun 25 12:46:22 2024"
assert with_peticiones("RECIBO: .", correo, "ENVIO: 250 OK")
for records in [correo.replace("a@", "b@"), "ENVIO: 250 OK"], [correo.replace("hS ", "hT "), "ENVIO: 250 OK"], \
        [correo, "ENVIO: 451 x"], [correo], ["ENVIO: 250 OK"], [correo, "ENVIO: 250 OK", correo, "ENVIO: 250 OK"]:
    assert not with_peticiones(*records), records
with open("expected", "w", encoding="utf-8") as file:
    file.write('{"key": "TCP ::1 51214", "records": ["RECIBO: MAIL FROM:<a@x.es>", "RECIBO: RCPT TO:<b@x.es>"]}\n')
assert accepted(text(good), "-e", "expected")
for addresses in ("a@x.es", "c@x.es"), ("a@x.es", "b@x.es", "b@x.es"):
    assert not accepted(text(a_log(*addresses)), "-e", "expected"), addresses
END
}

# --- to the octet -----------------------------------------------------------------------------------------------------

# in_smtpd DIALECT ADDRESS OPTION...: a session with three mails, as smtpd.log has it.
in_smtpd() {
    local peer=$2
    serve -d "$1"
    { mail '<theo@x.es>' '<gonza@x.es>'
      printf '%s\n' 'C: MAIL FROM:<Emilio@X.es> SIZE=100' 'S~ 250 ' 'C: RCPT TO:<>' 'S~ 50' 'C: RCPT TO:<One@X.es>' \
          'S~ 250 ' 'C: DATA' 'S~ 354 ' 'C: .' 'S~ 250 '
      SENDER=' <>' mail '<"joe smith"@x.es>' '<Postmaster>'
      printf '%s\n' 'C: QUIT' 'S~ 221 '
    } | after_helo "$1" -a "$peer" "${@:3}"
    stop_server
    peer=$peer:$(talk_port)
    cat >want <<END
User connected: $peer DATE
Mail Sent: $peer DATE
 MAIL FROM: a@b.es
 RCPT TO: theo@x.es
 RCPT TO: gonza@x.es
 File: $(name_in theo)
 Id: $(id_in theo)
Mail Sent: $peer DATE
 MAIL FROM: Emilio@X.es
 RCPT TO: One@X.es
 File: $(name_in one)
 Id: $(id_in one)
Mail Sent: $peer DATE
 MAIL FROM: <>
 RCPT TO: "joe smith"@x.es
 RCPT TO: Postmaster
 File: $(name_in joe%20smith)
 Id: $(id_in postmaster)
User disconnected: $peer DATE
END
    diff want <(without_dates smtpd.log)
    read_mail_log
}

@test "mails over TCP stand in smtpd.log, to the octet" { in_smtpd usal 127.0.0.1; }

@test "mails of the itba dialect stand in smtpd.log, with the ids that it told" {
    in_smtpd itba 127.0.0.1
    same "$(sed -n 's/^ Id: //p' "$LOGS/smtpd.log")" "$(sed -n 's/^S: 250 2\.0\.0 Ok: queued as //p' talk)"
}

@test "mails over UDP stand in smtpd.log, to the octet" { in_smtpd usal 127.0.0.1 -u; }

@test "mails over UDP of the itba dialect stand in smtpd.log, with the ids that it told" {
    in_smtpd itba 127.0.0.1 -u
    same "$(sed -n 's/^ Id: //p' "$LOGS/smtpd.log")" "$(sed -n 's/^S: 250 2\.0\.0 Ok: queued as //p' talk)"
}

@test "mails over IPv6 stand in smtpd.log, to the octet" {
    need_ipv6
    in_smtpd usal ::1
}

@test "mails over UDP and IPv6 stand in smtpd.log, to the octet" {
    need_ipv6
    in_smtpd usal ::1 -u
}

# in_peticiones DIALECT TRANSPORT OPTION...: a session with two mails, as peticiones.log has it.
in_peticiones() {
    local who="SERVIDOR localhost con IP:127.0.0.1, puerto PORT y protocolo $2" transport=$2 helo='250 OK' greeting
    # shellcheck disable=SC2153 # of the helper
    greeting=$GREETING
    local ok='250 OK' go='354 Comenzando con el texto del correo, finalice con .' bye='221 Cerrando el servicio'
    local kept='250 OK' again='250 OK'
    if [ "$2" = TCP ]; then who+='-'; else who+=' -'; fi
    serve -d "$1"
    { mail '<theo@x.es>' '<gonza@x.es>'
      SENDER='<>' mail '<One@X.es>'
      printf '%s\n' 'C: QUIT' 'S~ 221 '
    } | after_helo "$1" "${@:3}"
    stop_server
    if [ "$1" = itba ]; then
        greeting='220 localhost SMTP' helo='250 localhost' ok='250 2.1.0 Ok' go='354 End data with <CR><LF>.<CR><LF>'
        bye='221 2.0.0 Bye' kept="250 2.0.0 Ok: queued as $(id_in theo)" again="250 2.0.0 Ok: queued as $(id_in one)"
    fi
    cat >want <<END
Startup from localhost on IP 127.0.0.1 and port PORT with protocol $transport at DATE
$who ENVIO: $greeting
$who RECIBO: HELO c.example
$who ENVIO: $helo
$who RECIBO: MAIL FROM:<a@b.es>
$who ENVIO: $ok
$who RECIBO: RCPT TO:<theo@x.es>
$who ENVIO: $ok
$who RECIBO: RCPT TO:<gonza@x.es>
$who ENVIO: $ok
$who RECIBO: DATA
$who ENVIO: $go
$who RECIBO: text
$who RECIBO: .
$who CORREO: $(id_in theo) de <a@b.es> el DATE
$who ENVIO: $kept
$who RECIBO: MAIL FROM:<>
$who ENVIO: $ok
$who RECIBO: RCPT TO:<One@X.es>
$who ENVIO: $ok
$who RECIBO: DATA
$who ENVIO: $go
$who RECIBO: text
$who RECIBO: .
$who CORREO: $(id_in one) de <> el DATE
$who ENVIO: $again
$who RECIBO: QUIT
$who ENVIO: $bye
Completed localhost IP:127.0.0.1 port PORT, on $transport protocol, at DATE
END
    diff want <(without_dates peticiones.log | sed -E "s/\b$(talk_port)\b/PORT/")
}

@test "a mail over TCP has its CORREO in peticiones.log before its 250, to the octet" { in_peticiones usal TCP; }
@test "a mail over UDP has its CORREO in peticiones.log before its 250, to the octet" { in_peticiones usal UDP -u; }
@test "a mail over TCP in itba has its CORREO in peticiones.log, to the octet" { in_peticiones itba TCP; }
@test "a mail over UDP in itba has its CORREO in peticiones.log, to the octet" { in_peticiones itba UDP -u; }

@test "-q leaves the texts out, and no record of a mail" {
    serve -q
    mail '<theo@x.es>' | after_helo usal
    stop_server
    same 0 "$(grep -c 'RECIBO: text' "$LOGS/peticiones.log")"
    same '1 sessions, 1 mails' "$(read_mail_log)"
}

@test "a mail of chunks has the same records" {
    serve -d itba
    after_helo itba <<'END'
C| MAIL FROM:<a@b.es>\r\nRCPT TO:<theo@x.es>\r\nBDAT 6\r\ntext\r\nBDAT 6 LAST\r\nmore\r\nQUIT\r\n
S~ 250 
S~ 250 
S~ 250 
S~ 250 2\.0\.0 Ok: queued as
S~ 221 
END
    stop_server
    same '1 sessions, 1 mails' "$(read_mail_log)"
    same "$(sed -n 's/.*queued as //p' talk)" "$(id_in theo)"
    same 'a@b.es theo@x.es' "$(sed -n 's/^ [A-Z ]*: //p' "$LOGS/smtpd.log" | head -n 2 | paste -s -d ' ')"
}

@test "grep with the id of a mail in both logs tells who sent it, and when" {
    local dialect id peer
    for dialect in usal itba; do
        LOGS=$BATS_TEST_TMPDIR/log.$dialect
        serve -d "$dialect"
        mail "<$dialect@x.es>" | after_helo "$dialect"
        peer=$(talk_port)
        mail "<other@x.es>" | after_helo "$dialect"
        stop_server
        id=$(id_in "$dialect")
        matches '^[A-Za-z0-9]{9}$' "$id"
        grep -h "$id" "$LOGS"/*.log >found
        local who="SERVIDOR localhost con IP:127.0.0.1, puerto $peer y protocolo TCP-"
        { echo "$who CORREO: $id de <a@b.es> el DATE"
          [ "$dialect" = usal ] || echo "$who ENVIO: 250 2.0.0 Ok: queued as $id"
          echo " Id: $id"; } | diff - <(sed -E "s/$DAY/DATE/" found)
    done
}

@test "the dates of both records are local ones" {
    local from to
    from=$(TZ=XYZ-5:45 LC_ALL=C date '+%a %b %e %H:%M')
    TZ=XYZ-5:45 serve
    mail | after_helo usal
    stop_server
    to=$(TZ=XYZ-5:45 LC_ALL=C date '+%a %b %e %H:%M')
    grep '^Mail Sent' "$LOGS/smtpd.log" | grep -e "$from" -e "$to"
    grep 'CORREO: ' "$LOGS/peticiones.log" | grep -e "$from" -e "$to"
}

logged() { grep -q CORREO "$LOGS/peticiones.log" && grep -q '^ Id: ' "$LOGS/smtpd.log"; }

@test "both records stand there while the session goes on, and after a renaming in the new files" {
    serve
    open one
    say one 'S~ 220 ' 'C: HELO x' 'S~ 250 '
    mapfile -t lines < <(mail)
    say one "${lines[@]}"
    wait_until logged
    mv "$LOGS/peticiones.log" "$LOGS/peticiones.old"
    mv "$LOGS/smtpd.log" "$LOGS/smtpd.old"
    kill -HUP "$SERVER_PID"
    wait_until [ -e "$LOGS/smtpd.log" ]
    mail | after_helo usal
    wait_until logged
    say one "${lines[@]}" 'C: QUIT' 'S~ 221 '
    stop_server
    same '1 2' "$(grep -c 'Mail Sent' "$LOGS/smtpd.old") $(grep -c 'Mail Sent' "$LOGS/smtpd.log")"
    same '1 2' "$(grep -c CORREO "$LOGS/peticiones.old") $(grep -c CORREO "$LOGS/peticiones.log")"
}

# --- many at once -----------------------------------------------------------------------------------------------------

@test "the records of 50 TCP and 50 UDP sessions at once are whole, and tell what was sent" {
    serve -q
    "$PYTHON" "$TOOLS/crowd.py" "$PORT" 50 expected.tcp 3>&- &
    local first=$!
    "$PYTHON" "$TOOLS/crowd.py" -u "$PORT" 50 expected.udp
    wait "$first"
    stop_server
    # A hello that was repeated to a busy door may come up when its session is over, and begins one that says nothing.
    matches '^1[0-9]{2} sessions, [0-9]{3} mails$' "$(read_mail_log -e expected.tcp -e expected.udp)"
}

@test "a record with 1,000 recipients of 250 octets is one piece among the records of many others" {
    serve -q
    "$PYTHON" - "$PORT" >expected <<'END'
import json, socket, sys, threading
def read(replies, code, times=1):
    for _ in range(times):
        line = replies.readline()
        assert line.startswith(code), line
def session(number, mails, recipients):
    with socket.create_connection(("127.0.0.1", int(sys.argv[1])), 100) as client, client.makefile("rb") as replies:
        read(replies, b"220")
        records = []
        client.sendall(b"HELO x\r\n")
        read(replies, b"250")
        start.wait(100)
        for mail in range(mails):
            commands = [f"MAIL FROM:<from{number}.{mail}@x.es>"]
            # 64 and 185 octets around the @; one box for all, so that the disk has little to do
            commands += [f"RCPT TO:<{'l' * 64}@{f'd{i}n{number}'.ljust(29, 'w')}.{'x' * 50}.{'y' * 50}.{'z' * 50}.es>"
                         for i in range(recipients)]
            if recipients == 1: commands[1] = f"RCPT TO:<to{number}@y.es>"
            client.sendall("".join(command + "\r\n" for command in commands + ["DATA"]).encode())
            read(replies, b"250", len(commands))
            read(replies, b"354")
            client.sendall(b"text\r\n.\r\n")
            read(replies, b"250")
            records += ["RECIBO: " + command for command in commands]
        sent.append({"key": f"TCP 127.0.0.1 {client.getsockname()[1]}", "records": records})
        client.sendall(b"QUIT\r\n")
        read(replies, b"221")
start, sent = threading.Barrier(24), []
threads = [threading.Thread(target=session, args=(number, 2, 1000) if number < 4 else (number, 10, 1))
           for number in range(24)]
for thread in threads: thread.start()
for thread in threads: thread.join()
for session in sent: print(json.dumps(session))
END
    stop_server
    same 24 "$(wc -l <expected)"
    same '24 sessions, 208 mails' "$(read_mail_log -e expected)"
    same 8000 "$(grep -cE '^ RCPT TO: l{64}@.{185}$' "$LOGS/smtpd.log")"
}

# --- forging ----------------------------------------------------------------------------------------------------------

@test "no address forges a line of either log, or moves one" {
    serve -d itba -o errors=10000
    PYTHONPATH=$TOOLS "$PYTHON" - "$PORT" <<'END'
import sys
from channel import Tcp
session = Tcp("127.0.0.1", int(sys.argv[1]))
def say(text):
    session.send(text.encode("utf-8", "surrogateescape") + b"\r\n")
    return session.line()
session.line()
codes = [*range(0, 10), 11, 12, *range(14, 32), 127, *range(0x80, 0xa0), 0xad, 0x61c, 0x200b, 0x200e, 0x200f,
         *range(0x2028, 0x202f), *range(0x2060, 0x2070), 0xfeff, 0xfff9, 0xe0001, 0xe007f]
tricks = [chr(code) for code in codes]
tricks += ["\r", "\\\r", "\\\x1b[2J", "\udc9b31m", "\udcff", "\udcc2", "\udcc0\udc8a", "\udced\udca0\udc80",
           " RCPT TO: evil@x.es", " File: 1719330358.M1P2Q3.h", "> el Tue Jun 25 12:46:22 2024",
           "Mail Sent: 127.0.0.1:1 Tue Jun 25 12:46:22 2024", "User disconnected: 127.0.0.1:1 Tue Jun 25 12:46:22 2024",
           "SERVIDOR localhost con IP:127.0.0.1, puerto 1 y protocolo TCP- ENVIO: 250 OK", "\\\\", "\\\"", "\\a"]
kept = 0
for trick in tricks:
    for address in f'<"a{trick}b"@x.es>', f"<a{trick}b@x.es>", f"<a@x{trick}y.es>":
        for sender, recipient in (address, "<theo@d.es>"), ("<a@b.es>", address), (address, address):
            assert say("RSET").startswith("250 ")
            if (say(f"MAIL FROM:{sender} SMTPUTF8").startswith("250 ")
                    and say(f"RCPT TO:{recipient}").startswith("250 ")):
                assert say("DATA").startswith("354 "), trick
                session.send(b"text\r\n")
                assert say(".").startswith("250 "), trick
                kept += 1
print(kept)
open("kept", "w").write(str(kept))
say("QUIT")
END
    stop_server
    (($(cat kept) > 100)) || fail "only $(cat kept) mails"
    same "1 sessions, $(cat kept) mails" "$(read_mail_log)"
}

@test "an address of UTF-8 stands in the logs as it is" {
    serve
    SENDER='<josé@españa.es> SMTPUTF8' mail '<ñandú@d.es>' '<"日本 語"@d.es>' | after_helo usal
    stop_server
    same ' MAIL FROM: josé@españa.es
 RCPT TO: ñandú@d.es
 RCPT TO: "日本 語"@d.es' "$(grep -E '^ (MAIL|RCPT)' "$LOGS/smtpd.log")"
    grep -q 'CORREO: [A-Za-z0-9]\{9\} de <josé@españa\.es> el ' "$LOGS/peticiones.log"
}

# --- mails that were not kept -----------------------------------------------------------------------------------------

@test "a mail that was refused, given up or lost leaves no record" {
    allow_stderr '^servidor: '
    serve -o message-size=65536 -o bare-lf=reject
    mkdir -p "$MAILS"
    : >"$MAILS/file"
    local data='MAIL FROM:<a@b.es>\r\nRCPT TO:<theo@d.es>\r\nDATA\r\n'
    after_helo usal <<END
C| $data
S~ 250 
S~ 250 
S~ 354 
C| {x*70000}\\r\\n.\\r\\n
S~ 552 
C| $data
S~ 250 
S~ 250 
S~ 354 
C| {Received: x\\r\\n*101}\\r\\n.\\r\\n
S~ 554 
C| $data
S~ 250 
S~ 250 
S~ 354 
C| bare\\nLF\\r\\n.\\r\\n
S~ 550 
C| MAIL FROM:<a@b.es>\\r\\nRCPT TO:<file@d.es>\\r\\nDATA\\r\\n
S~ 250 
S~ 250 
S~ 451 
C| RSET\\r\\nMAIL FROM:<a@b.es>\\r\\nRCPT TO:<theo@d.es>\\r\\nRSET\\r\\n
S~ 250 
S~ 250 
S~ 250 
S~ 250 
C| MAIL FROM:<a@b.es>\\r\\nRCPT TO:<theo@d.es>\\r\\nBDAT 3\\r\\nx\\r\\nRSET\\r\\n
S~ 250 
S~ 250 
S~ 250 
S~ 250 
END
    after_helo usal <<END
C| MAIL FROM:<a@b.es>\\r\\nRCPT TO:<theo@d.es>\\r\\nBDAT 3\\r\\nx\\r\\nHELO y\\r\\n
S~ 250 
S~ 250 
S~ 250 
S~ 250 
C| MAIL FROM:<a@b.es>\\r\\nRCPT TO:<theo@d.es>\\r\\nBDAT 3\\r\\nx\\r\\nBDAT x\\r\\n
S~ 250 
S~ 250 
S~ 250 
S~ 50
closed
END
    after_helo usal <<END
C| ${data}half a mail\\r\\n.
S~ 250 
S~ 250 
S~ 354 
reset
END
    stop_server
    no_mail_logged
    # And a mail that is kept is seen here.
    serve
    mail | after_helo usal
    stop_server
    refute no_mail_logged >/dev/null
}

# --- logs that cannot be written --------------------------------------------------------------------------------------

# kept_though LOG...: these logs are on a full disk, and mails over both transports are kept and acknowledged.
kept_though() {
    local log
    mkdir log
    for log; do
        ln -s /dev/full "log/$log"
        expect_stderr "${log//./\\.}: No space left on device"
    done
    expect_stderr '^servidor: [0-9]+ log records could not be written$'
    serve
    { mail '<one@d.es>'; mail '<two@d.es>'; printf '%s\n' 'C: QUIT' 'S~ 221 '; } >script
    after_helo usal <script
    after_helo usal -u <script
    stop_server
    same "$(printf '%s\n' one one two two)" \
        "$(find "$MAILS" -path '*/new/*' -type f | sed -E 's:.*/(one|two)/new/.*:\1:' | sort)"
    same 4 "$(find "$MAILS" ! -type d | wc -l)"
    same $(($# + 1)) "$(complaints | wc -l)"
}

@test "a full disk under smtpd.log loses no mail" {
    kept_though smtpd.log
    same 4 "$(grep -c CORREO log/peticiones.log)"
}

@test "a full disk under peticiones.log loses no mail" {
    kept_though peticiones.log
    same '2 sessions, 4 mails' "$("$PYTHON" "$TOOLS/readmaillog.py" -m "$MAILS" log/smtpd.log)"
}

@test "a full disk under both logs loses no mail" { kept_though smtpd.log peticiones.log; }

@test "a file system that fills up under the logs loses no mail" {
    need_root "mounting a small file system"
    mkdir log
    mount -t tmpfs -o size=64k tmpfs log
    expect_stderr 'peticiones\.log: No space left on device'
    expect_stderr 'smtpd\.log: No space left on device'
    expect_stderr '^servidor: [0-9]+ log records could not be written$'
    serve
    "$PYTHON" "$TOOLS/crowd.py" "$PORT" 60 expected
    "$PYTHON" "$TOOLS/crowd.py" -u "$PORT" 30 expected
    stop_server
    local mails
    mails=$("$PYTHON" -c '
import json
print(sum(record == "RECIBO: ." for line in open("expected") for record in json.loads(line)["records"]))')
    ((mails >= 90)) || fail "only $mails mails were sent"
    same "$mails" "$(find "$MAILS" -path '*/new/*' -type f -printf '%i\n' | sort -u | wc -l)"
    same '' "$(find "$MAILS" -path "$MAILS/*/tmp/*" -type f | head -n 5)"
}
