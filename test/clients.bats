#!/usr/bin/env bats
# shellcheck disable=SC2030,SC2031 # each test is a subshell, and sets what it needs
# Programs that others wrote complete a session over TCP, in both dialects, over IPv4 and IPv6.

load helper

need() { command -v "$1" >/dev/null || skip "$1 is not here"; }

# each_way FUNCTION: FUNCTION called with 127.0.0.1 and with ::1, for a server of each dialect.
each_way() {
    local dialect address addresses=(127.0.0.1)
    if grep -q '^0\{31\}1 ' /proc/net/if_inet6; then addresses+=(::1); fi
    for dialect in usal itba; do
        LOGS=$BATS_TEST_TMPDIR/log.$dialect
        start_server -d "$dialect"
        for address in "${addresses[@]}"; do "$1" "$address"; done
        stop_server
        same "${#addresses[@]} sessions" "$(read_log)"
        same "${#addresses[@]}" "$(grep -c 'RECIBO: \.$' "$LOGS/peticiones.log")"
    done
}

with_nc() {
    printf '%s\n' 'HELO x' 'MAIL FROM: <a@b.es>' 'RCPT TO: <c@d.es>' DATA 'Subject: nc' '' text . QUIT |
        timeout 60 nc -C "$1" "$PORT" >answer
    same '220 250 250 250 354 250 221 ' "$(cut -c 1-3 answer | tr '\n' ' ')"
}

@test "nc -C completes a session" { need nc; each_way with_nc; }

with_swaks() {
    timeout 60 swaks --server "$1" --port "$PORT" --helo client.example --from a@b.es --to c@d.es,e@d.es \
        --body 'hello from swaks' >answer 2>&1 || { cat answer; return 1; }
    grep -q '^<-  221' answer
}

@test "swaks completes a session" { need swaks; each_way with_swaks; }

with_swaks_pipeline() {
    timeout 60 swaks --pipeline --server "$1" --port "$PORT" --helo client.example --from a@b.es --to c@d.es \
        >answer 2>&1 || { cat answer; return 1; }
}

@test "swaks completes a pipelined session" { need swaks; each_way with_swaks_pipeline; }

with_curl() {
    local host=$1
    case $host in *:*) host="[$host]" ;; esac
    printf 'From: a@b.es\r\nSubject: curl\r\n\r\n.leading dot\r\n' |
        curl -sS --max-time 60 "smtp://$host:$PORT/client.example" --mail-from a@b.es --mail-rcpt c@d.es \
            --mail-rcpt e@d.es --upload-file -
}

@test "curl completes a session" { need curl; each_way with_curl; }

with_smtplib() {
    "$PYTHON" - "$1" "$PORT" <<'END'
import smtplib, sys
with smtplib.SMTP(sys.argv[1], int(sys.argv[2]), timeout=60) as client:
    assert client.ehlo()[0] == 250 and client.has_extn("pipelining") and client.esmtp_features["size"] == "10240000"
    refused = client.sendmail("a@b.es", ["c@d.es", "e@d.es"], "Subject: smtplib\r\n\r\n.dots\r\n..\r\nñ".encode())
    assert refused == {}, refused
    assert client.noop()[0] == 250 and client.rset()[0] == 250 and client.vrfy("a")[0] == 252
END
}

@test "smtplib of Python completes a session" { each_way with_smtplib; }

@test "a hundred mails of one smtplib session, and many sessions after each other" {
    start_server -q
    "$PYTHON" - "$PORT" <<'END'
import smtplib, sys
with smtplib.SMTP("127.0.0.1", int(sys.argv[1]), timeout=60) as client:
    for i in range(100):
        client.sendmail("a@b.es", [f"c{i}@d.es"], f"Subject: {i}\r\n\r\n" + "x" * 70 * i)
for i in range(100):
    with smtplib.SMTP("127.0.0.1", int(sys.argv[1]), timeout=60) as client:
        client.sendmail("a@b.es", ["c@d.es"], "Subject: x\r\n\r\nx")
END
    stop_server
    same '101 sessions' "$(read_log)"
}
