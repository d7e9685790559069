#!/usr/bin/env bats
# shellcheck disable=SC2030,SC2031 # each test is a subshell, and sets what it needs
# What is written down: peticiones.log and smtpd.log, to the octet; that no client forges or breaks a line; that a log
# which cannot be written stops nobody.

load helper

DAY='(Mon|Tue|Wed|Thu|Fri|Sat|Sun) (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) [ 123][0-9] [0-9]{2}:[0-9]{2}:[0-9]{2} [0-9]{4}'

# log_without_dates PORT: peticiones.log with PORT for our port and DATE for each date.
# And ID for the queue id of a mail.
log_without_dates() { sed -E "s/$DAY/DATE/; s/\b$1\b/PORT/; s/(CORREO: )[A-Za-z0-9]{9} /\1ID /" "$LOGS/peticiones.log"; }

# --- to the octet -----------------------------------------------------------------------------------------------------

@test "a TCP session in peticiones.log, to the octet" {
    start_server
    after_helo usal <<'END'
C: MAIL FROM: <pepe>
S: 500 Error de sintaxis
C: mail from:<a@b.es>
S: 250 OK
C: RCPT TO:<c@d.es>
S: 250 OK
C: DATA
S~ 354
C: Línea 1
C: 
C: ..
C: .
S: 250 OK
C: QUIT
S: 221 Cerrando el servicio
closed
END
    stop_server
    local who='SERVIDOR localhost con IP:127.0.0.1, puerto PORT y protocolo TCP-'
    cat >want <<END
Startup from localhost on IP 127.0.0.1 and port PORT with protocol TCP at DATE
$who ENVIO: 220 Servicio de transferencia simple de correo preparado
$who RECIBO: HELO c.example
$who ENVIO: 250 OK
$who RECIBO: MAIL FROM: <pepe>
$who ENVIO: 500 Error de sintaxis
$who RECIBO: mail from:<a@b.es>
$who ENVIO: 250 OK
$who RECIBO: RCPT TO:<c@d.es>
$who ENVIO: 250 OK
$who RECIBO: DATA
$who ENVIO: 354 Comenzando con el texto del correo, finalice con .
$who RECIBO: Línea 1
$who RECIBO: 
$who RECIBO: ..
$who RECIBO: .
$who CORREO: ID de <a@b.es> el DATE
$who ENVIO: 250 OK
$who RECIBO: QUIT
$who ENVIO: 221 Cerrando el servicio
Completed localhost IP:127.0.0.1 port PORT, on TCP protocol, at DATE
END
    diff want <(log_without_dates "$(talk_port)")
}

@test "a UDP session in peticiones.log, to the octet" {
    start_server
    after_helo usal -u <<'END'
C: EHLO x
S: 250-localhost
S: 250-PIPELINING
S: 250-8BITMIME
S: 250-SMTPUTF8
S: 250-CHUNKING
S: 250 SIZE 10240000
C: QUIT
S: 221 Cerrando el servicio
END
    stop_server
    local who='SERVIDOR localhost con IP:127.0.0.1, puerto PORT y protocolo UDP -'
    cat >want <<END
Startup from localhost on IP 127.0.0.1 and port PORT with protocol UDP at DATE
$who ENVIO: 220 Servicio de transferencia simple de correo preparado
$who RECIBO: HELO c.example
$who ENVIO: 250 OK
$who RECIBO: EHLO x
$who ENVIO: 250-localhost
$who ENVIO: 250-PIPELINING
$who ENVIO: 250-8BITMIME
$who ENVIO: 250-SMTPUTF8
$who ENVIO: 250-CHUNKING
$who ENVIO: 250 SIZE 10240000
$who RECIBO: QUIT
$who ENVIO: 221 Cerrando el servicio
Completed localhost IP:127.0.0.1 port PORT, on UDP protocol, at DATE
END
    diff want <(log_without_dates "$(talk_port)")
}

@test "sessions over IPv6 in both logs, to the octet" {
    need_ipv6
    start_server
    talk -a ::1 <<<$'S~ 220\nC: QUIT\nS~ 221\nclosed'
    local tcp udp
    tcp=$(talk_port)
    talk -u -a ::1 <<<$'S~ 220\nC: QUIT\nS~ 221'
    udp=$(talk_port)
    stop_server
    same "SERVIDOR localhost con IP:::1, puerto $tcp y protocolo TCP- RECIBO: QUIT
SERVIDOR localhost con IP:::1, puerto $udp y protocolo UDP - RECIBO: QUIT" "$(grep RECIBO "$LOGS/peticiones.log")"
    same "Startup from localhost on IP ::1 and port $tcp with protocol TCP at DATE
Startup from localhost on IP ::1 and port $udp with protocol UDP at DATE" \
        "$(grep Startup "$LOGS/peticiones.log" | sed -E "s/$DAY/DATE/")"
    same "Completed localhost IP:::1 port $tcp, on TCP protocol, at DATE
Completed localhost IP:::1 port $udp, on UDP protocol, at DATE" \
        "$(grep Completed "$LOGS/peticiones.log" | sed -E "s/$DAY/DATE/" | sort -t, -k2)"
    same "User connected: ::1:$tcp DATE" "$(sed -E "s/$DAY/DATE/" "$LOGS/smtpd.log" | head -n 1)"
}

@test "smtpd.log has a line for each connect and each disconnect, over both transports, to the octet" {
    start_server
    talk <<<$'S~ 220\nC: QUIT\nS~ 221\nclosed'
    local tcp udp
    tcp=$(talk_port)
    wait_until grep -q disconnected "$LOGS/smtpd.log"
    talk -u <<<$'S~ 220\nC: QUIT\nS~ 221'
    udp=$(talk_port)
    stop_server
    same "User connected: 127.0.0.1:$tcp DATE
User disconnected: 127.0.0.1:$tcp DATE
User connected: 127.0.0.1:$udp DATE
User disconnected: 127.0.0.1:$udp DATE" "$(sed -E "s/$DAY/DATE/" "$LOGS/smtpd.log")"
}

@test "the date is the local one" {
    TZ=Asia/Kathmandu start_server
    local before after
    before=$(TZ=Asia/Kathmandu LC_ALL=C date '+%a %b %e %H:%M')
    talk <<<$'S~ 220\nC: QUIT\nS~ 221\nclosed'
    stop_server
    after=$(TZ=Asia/Kathmandu LC_ALL=C date '+%a %b %e %H:%M')
    head -n 1 "$LOGS/smtpd.log" | grep -e "$before" -e "$after"
}

@test "an address that is not loopback is logged by its number, any loopback as localhost" {
    namespace 10.9.9.9/32
    start_server
    talk -a 10.9.9.9 -b 10.9.9.9 <<<$'S~ 220\nC: QUIT\nS~ 221\nclosed'
    talk -b 127.0.0.9 <<<$'S~ 220\nC: QUIT\nS~ 221\nclosed'
    stop_server
    matches 'Startup from 10\.9\.9\.9 on IP 10\.9\.9\.9 and port ' "$(cat "$LOGS/peticiones.log")"
    matches 'SERVIDOR 10\.9\.9\.9 con IP:10\.9\.9\.9, puerto [0-9]+ y protocolo TCP- RECIBO: QUIT' "$(cat "$LOGS/peticiones.log")"
    matches 'Startup from localhost on IP 127\.0\.0\.9 and port ' "$(cat "$LOGS/peticiones.log")"
}

@test "a session that ends without QUIT has its end in both logs" {
    start_server
    talk <<<$'S~ 220\nC: NOOP\nS~ 250'
    talk <<<$'S~ 220\nreset'
    stop_server
    same '2 sessions' "$(read_log)"
    same 2 "$(grep -c '^User disconnected' "$LOGS/smtpd.log")"
}

@test "the logs of earlier starts are kept: new lines go behind" {
    start_server
    talk <<<$'S~ 220\nC: QUIT\nS~ 221\nclosed'
    stop_server
    start_server
    talk <<<$'S~ 220\nC: QUIT\nS~ 221\nclosed'
    stop_server
    same '2 sessions' "$(read_log)"
}

@test "a record stands in the log before the server waits for the next command" {
    start_server
    open live
    say live 'S~ 220' 'C: NOOP' 'S~ 250'
    wait_until grep -q 'RECIBO: NOOP' "$LOGS/peticiones.log"
    wait_until grep -q 'ENVIO: 250 OK' "$LOGS/peticiones.log"
}

# --- many at once -----------------------------------------------------------------------------------------------------

# crowd COUNT OPTION...: COUNT sessions at once, all as they should be; what they said goes to the file expected.
crowd() { "$PYTHON" "$TOOLS/crowd.py" "${@:2}" "$PORT" "$1" expected; }

@test "50 TCP sessions at once: no line is broken or mixed, and each session is whole" {
    start_server
    crowd 50
    stop_server
    same '50 sessions' "$(read_log expected)"
    same 50 "$(grep -Ec "^User disconnected: 127\.0\.0\.1:[0-9]+ $DAY\$" "$LOGS/smtpd.log")"
    same 0 "$(grep -Evc "^(User (dis)?connected|Mail Sent): 127\.0\.0\.1:[0-9]+ $DAY\$|^ " "$LOGS/smtpd.log")"
}

@test "50 UDP sessions at once: no line is broken or mixed, and each session is whole" {
    not_under_valgrind 'a worker takes a second to be born, and a hello beyond the queue meets silence'
    start_server
    crowd 50 -u
    stop_server
    same '50 sessions' "$(read_log expected)"
}

@test "100 sessions of both transports at once: no line is broken or mixed" {
    not_under_valgrind 'a worker takes a second to be born, and a hello beyond the queue meets silence'
    start_server
    crowd 50 3>&- &
    local first=$!
    "$PYTHON" "$TOOLS/crowd.py" -u "$PORT" 50 expected.udp
    wait "$first"
    stop_server
    cat expected.udp >>expected
    same '100 sessions' "$(read_log expected)"
}

@test "sessions are logged whole across the renaming of the log" {
    start_server
    crowd 30 3>&- &
    local first=$!
    mv "$LOGS/peticiones.log" "$LOGS/peticiones.old"
    kill -HUP "$SERVER_PID"
    wait "$first"
    stop_server
    # One session may have lines in both: put together they are all there, each line whole.
    cat "$LOGS/peticiones.old" "$LOGS/peticiones.log" >both
    mv both "$LOGS/peticiones.log"
    same '30 sessions' "$(read_log expected)"
}

# --- forging ----------------------------------------------------------------------------------------------------------

# logged_as OCTETS TEXT: a command of these octets stands in the log as TEXT, over both transports.
logged_as() {
    local transport options
    for transport in TCP UDP; do
        options=()
        [ "$transport" = TCP ] || options=(-u)
        printf '%s\n' "C| NOOP $1\\r\\n" 'S~ ' | after_helo usal "${options[@]}"
        wait_until record_stands "$transport" "$2"
    done
}

record_stands() { records "$1" | grep -qxF -e "RECIBO: NOOP $2"; }

@test "control characters in a command are escaped in the log" {
    start_server
    logged_as 'a\rb' 'a\rb'
    logged_as 'a\eb' 'a\033b'
    logged_as 'a\tb' 'a\tb'
    logged_as 'a\x01\x1f\x7fb' 'a\001\037\177b'
    logged_as 'a\x08\x08\x08b' 'a\010\010\010b'
    logged_as 'a\\rb' 'a\\rb'
}

@test "a NUL in a command is escaped in the log" {
    start_server
    after_helo usal <<<$'C| NOOP a\\0b\\r\\n\nS~ '
    wait_until record_stands TCP 'a\000b'
}

@test "valid UTF-8 stays as it is in the log, other octets above 127 are escaped" {
    start_server
    logged_as 'ñ€😀' 'ñ€😀'
    logged_as '\xff\xfe' '\377\376'
    logged_as 'a\xc3' 'a\303'
    logged_as '\xc0\x8a' '\300\212'
    logged_as '\xed\xa0\x80' '\355\240\200'
    logged_as '\xf4\x90\x80\x80' '\364\220\200\200'
    logged_as '\xe2\x82' '\342\202'
    logged_as '\xc3\xb1\x80' 'ñ\200'
}

@test "a control character in UTF-8 does not reach a terminal: CSI is U+009B too" {
    start_server
    logged_as '\xc2\x9b31m' '\302\23331m'
    logged_as '\xc2\x85' '\302\205'
}

@test "no client forges a line: whatever it sends, every line of the log is the server's" {
    start_server -o errors=1000
    local forged='SERVIDOR localhost con IP:127.0.0.1, puerto 1 y protocolo TCP- ENVIO: 250 OK' ending
    for ending in '\r' '\n' '\0' '\r\r' '\e[1A\r' '\x0b' '\x0c' '\xc2\x85' '\xe2\x80\xa8'; do
        printf '%s\n' "C| NOOP${ending}$forged\\r\\n" 'C: RSET' | after_helo usal
        printf '%s\n' "C| NOOP${ending}$forged\\r\\n" 'C: RSET' | after_helo usal -u
        { printf '%s\n' 'C| MAIL FROM:<a@b.es>\r\nRCPT TO:<c@d.es>\r\nDATA\r\n' 'S~ 250' 'S~ 250' 'S~ 354'
          printf '%s\n' "C| text${ending}$forged\\r\\n.\\r\\n" 'S~ 250'; } | after_helo usal
    done
    stop_server
    read_log
    # Behind a bare LF it is a command or a text of its own; no record can begin with it.
    same 0 "$(grep -c '^SERVIDOR localhost con IP:127.0.0.1, puerto 1 ' "$LOGS/peticiones.log")"
}

@test "the log of random octets is well formed" {
    start_server -o errors=100000
    "$PYTHON" - "$PORT" <<'END'
import random, socket, sys
source = random.Random(7)
with socket.create_connection(("127.0.0.1", int(sys.argv[1])), 60) as client:
    client.sendall(b"".join(source.randbytes(source.randint(0, 80)) + b"\r\n" for _ in range(1500)))
    client.shutdown(socket.SHUT_WR)
    while client.recv(65536): pass
END
    stop_server
    same '1 sessions' "$(read_log)"
}

@test "a very long line is cut in the log, with a note of how many octets more, and whole for the session" {
    start_server
    { printf '%s\n' 'C| MAIL FROM:<a@b.es>\r\nRCPT TO:<c@d.es>\r\nDATA\r\n' 'S~ 250' 'S~ 250' 'S~ 354'
      printf '%s\n' 'C| {J*100000}\r\n.\r\n' 'S: 250 OK' 'C| {W*50000}\r\n' 'S~ 500' 'C: QUIT' 'S~ 221' closed
    } | after_helo usal
    stop_server
    read_log
    [ "$(wc -L <"$LOGS/peticiones.log")" -lt 20000 ]
    local letter total kept
    for letter in J:100000 W:50000; do
        total=${letter#*:} letter=${letter%:*}
        kept=$(grep -o "RECIBO: $letter*" "$LOGS/peticiones.log" | sed 's/RECIBO: //' | tr -d '\n' | wc -c)
        ((kept > 100)) || fail "only $kept of $letter are in the log"
        grep -Eq "RECIBO: (${letter})+[^${letter}].*\b$((total - kept))\b" "$LOGS/peticiones.log" ||
            fail "no note of $((total - kept)) more: $(grep -o "${letter}[^${letter}]*\$" "$LOGS/peticiones.log")"
    done
}

# --- texts that cannot be kept ----------------------------------------------------------------------------------------

# said: what came after HELO, down to QUIT, as logged; equal lines that follow each other are one with their number.
said() { records | sed -n '/^RECIBO: HELO/,/^RECIBO: QUIT/s/^RECIBO: //p' | tail -n +2 | uniq -c | sed 's/^ *//'; }

# too_long OPTION...: texts of message-size to the octet and of more, in a session; said has what of them is logged.
too_long() {
    start_server -o message-size=65536 "$@"
    after_helo usal <<'END'
C| MAIL FROM:<a@b.es>\r\nRCPT TO:<c@d.es>\r\nDATA\r\n
S~ 250
S~ 250
S~ 354
C| {0123456789abcd\r\n*4096}.\r\n
S: 250 OK
C| MAIL FROM:<a@b.es>\r\nRCPT TO:<c@d.es>\r\nDATA\r\n
S~ 250
S~ 250
S~ 354
C| {0123456789abcd\r\n*4096}beyond\r\n{\n*500000}\r\n.\r\n
S~ 552
C| MAIL FROM:<a@b.es>\r\nRCPT TO:<c@d.es>\r\nDATA\r\n
S~ 250
S~ 250
S~ 354
C| {..3456789abcdef\r\n*4095}.0123456789abcdefbeyond\r\n{\n*500000}\r\n.\r\n
S~ 552
C: QUIT
S~ 221
closed
END
    stop_server
    read_log
}

@test "a text is logged up to message-size, and nothing of it beyond" {
    too_long
    same '1 MAIL FROM:<a@b.es>
1 RCPT TO:<c@d.es>
1 DATA
4096 0123456789abcd
1 .
1 MAIL FROM:<a@b.es>
1 RCPT TO:<c@d.es>
1 DATA
4096 0123456789abcd
1 .
1 MAIL FROM:<a@b.es>
1 RCPT TO:<c@d.es>
1 DATA
4095 ..3456789abcdef
1 .0123456789abcdef
1 .
1 QUIT' "$(said)"
}

@test "with -q the end of a text that is too long is logged as that of any" {
    too_long -q
    same 'MAIL RCPT DATA . MAIL RCPT DATA . MAIL RCPT DATA . QUIT' "$(said | cut -d ' ' -f 2 | xargs)"
}

@test "a chunk that is refused before it comes is not logged" {
    start_server -o message-size=65536
    after_helo usal <<'END'
C| BDAT 4\r\na\r\n\n
S~ 5
C| BDAT 500000 LAST\r\n{\n*500000}
S~ 5
C| MAIL FROM:<a@b.es>\r\nRCPT TO:<c@d.es>\r\nBDAT 6\r\nb\r\nc\r\n
S~ 250
S~ 250
S~ 250
C| BDAT 500000\r\n{\n*500000}
S~ 552
C: QUIT
S~ 221
closed
END
    stop_server
    read_log
    same '1 BDAT 4
1 BDAT 500000 LAST
1 MAIL FROM:<a@b.es>
1 RCPT TO:<c@d.es>
1 BDAT 6
1 b
1 c
1 BDAT 500000
1 QUIT' "$(said)"
}

# --- -q ---------------------------------------------------------------------------------------------------------------

@test "-q leaves the body lines out, and nothing else" {
    start_server -q
    for options in '' -u; do
        # shellcheck disable=SC2086 # none or one
        after_helo usal $options <<'END'
C: MAIL FROM:<a@b.es>
S~ 250
C: RCPT TO:<c@d.es>
S~ 250
C: DATA
S~ 354
C: a secret
C: NOOP
C: ..
C: .
S~ 250
C: QUIT
S~ 221
END
        transport=TCP
        [ -z "$options" ] || transport=UDP
        wait_until grep -q "Completed .* $(talk_port), on $transport" "$LOGS/peticiones.log"
        same 'RECIBO: HELO c.example
RECIBO: MAIL FROM:<a@b.es>
RECIBO: RCPT TO:<c@d.es>
RECIBO: DATA
RECIBO: .
RECIBO: QUIT' "$(records "$transport" | grep RECIBO)"
    done
    stop_server
    same '2 sessions' "$(read_log)"
}

# said_once LOG...: each of these logs is named by one line of the server, and a last line counts what was lost.
said_once() {
    local log
    for log; do same 1 "$(grep -c "/$log: No space left on device" "$SERVER_ERR")"; done
    same $(($# + 1)) "$(complaints | wc -l)"
}

# --- logs that cannot be written --------------------------------------------------------------------------------------

@test "a full disk under peticiones.log stops no session, and is said once" {
    mkdir log
    ln -s /dev/full log/peticiones.log
    expect_stderr 'peticiones\.log: No space left on device'
    expect_stderr '^servidor: [0-9]+ log records could not be written$'
    start_server
    "$PYTHON" "$TOOLS/crowd.py" "$PORT" 20
    "$PYTHON" "$TOOLS/crowd.py" -u "$PORT" 20
    stop_server
    said_once peticiones.log
    same 40 "$(grep -c '^User disconnected' log/smtpd.log)"
}

@test "a full disk under smtpd.log stops no session, and is said once" {
    mkdir log
    ln -s /dev/full log/smtpd.log
    expect_stderr 'smtpd\.log: No space left on device'
    start_server
    "$PYTHON" "$TOOLS/crowd.py" "$PORT" 20 expected
    "$PYTHON" "$TOOLS/crowd.py" -u "$PORT" 20 expected
    stop_server
    # Two records a session and one a mail, however many lines that has.
    expect_stderr "^servidor: $((80 + $(grep -c 'CORREO: ' log/peticiones.log))) log records could not be written\$"
    said_once smtpd.log
    same '40 sessions' "$(read_log expected)"
}

@test "a file system that fills up under the logs stops no session, and is said once for each log" {
    need_root "mounting a small file system"
    mkdir log
    mount -t tmpfs -o size=64k tmpfs log
    expect_stderr 'peticiones\.log: No space left on device'
    expect_stderr 'smtpd\.log: No space left on device'
    expect_stderr '^servidor: [0-9]+ log records could not be written$'
    start_server
    for _ in 1 2 3; do "$PYTHON" "$TOOLS/crowd.py" "$PORT" 30; done
    "$PYTHON" "$TOOLS/crowd.py" -u "$PORT" 30
    stop_server
    said_once peticiones.log smtpd.log
    [ -s log/peticiones.log ]
}

local_teardown() { ! mountpoint -q "$BATS_TEST_TMPDIR/log" || umount -l "$BATS_TEST_TMPDIR/log"; }

# --- SIGHUP -----------------------------------------------------------------------------------------------------------

# goes_to_new LOG NAME: a NOOP of the running session NAME stands in the new file.
goes_to_new() { say "$1" "C: NOOP $1" 'S: 250 OK' && grep -q "RECIBO: NOOP $1" "$LOGS/peticiones.log"; }

@test "after a renaming and SIGHUP the lines of running sessions go to the new file too" {
    start_server
    open tcp; open udp -u
    say tcp 'S~ 220' 'C: HELO x' 'S~ 250'
    say udp 'S~ 220' 'C: HELO x' 'S~ 250'
    mv "$LOGS/peticiones.log" "$LOGS/peticiones.1"
    mv "$LOGS/smtpd.log" "$LOGS/smtpd.1"
    kill -HUP "$SERVER_PID"
    wait_until [ -e "$LOGS/smtpd.log" ]
    wait_until goes_to_new tcp
    say udp 'C: RSET' 'S: 250 OK'
    wait_until goes_to_new udp
    local size
    size=$(stat -c %s "$LOGS/peticiones.1")
    talk <<<$'S~ 220\nC: QUIT\nS~ 221\nclosed'
    say tcp 'C: QUIT' 'S~ 221' closed
    say udp 'C: QUIT' 'S~ 221'
    stop_server
    same "$size" "$(stat -c %s "$LOGS/peticiones.1")"
    same 3 "$(grep -c '^Completed' "$LOGS/peticiones.log")"
    same 3 "$(grep -c '^User disconnected' "$LOGS/smtpd.log")"
}

@test "the log files are made with the rights that the umask leaves, and no more" {
    umask 027
    start_server
    talk <<<'S~ 220'
    same '' "$(find "$LOGS" -type f -perm /027)"
}
