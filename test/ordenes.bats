#!/usr/bin/env bats
# shellcheck disable=SC2030,SC2031 # each test is a subshell, and sets what it needs
# The client and the server together: the three order files of the course over both transports give the golden logs, and
# peticiones.log tells the same story. The golden logs are those of test/golden; only their date line has no fixed text.

load helper

# without_date FILE: the file, its last line without its date.
without_date() { sed -E '$ s/^All done at .{24}$/All done at DATE/' "$1"; }

# replay ORDERS TRANSPORT [HOST]: the client with that order file, and the options in MODE. Sets LOG, its log, and
# CLIENT_PORT.
replay() {
    mkdir -p client
    timeout 120 "$CLIENTE" "${MODE[@]}" -p "$PORT" -l client "${3:-localhost}" "$2" "$ROOT/ordenes/$1.txt" >said 2>said.err
    [ ! -s said.err ] || fail "the client said: $(cat said.err)"
    CLIENT_PORT=$(sed -n 's/^Connected to .* on port \([0-9]*\) at .*/\1/p' said)
    [ -n "$CLIENT_PORT" ] || fail "no first line: $(cat said)"
    LOG=client/$CLIENT_PORT.txt
}

# is_golden ORDERS TRANSPORT [HOST]
is_golden() {
    replay "$@"
    diff <(without_date "$ROOT/test/golden/$1.$2.log") <(without_date "$LOG")
    same "$(stat -c %s "$ROOT/test/golden/$1.$2.log")" "$(stat -c %s "$LOG")"
}

@test "ordenes over TCP gives its golden log of 465 bytes" { start_server; is_golden ordenes TCP; }
@test "ordenes over UDP gives its golden log of 465 bytes" { start_server; is_golden ordenes UDP; }
@test "ordenes1 over TCP gives its golden log of 637 bytes" { start_server; is_golden ordenes1 TCP; }
@test "ordenes1 over UDP gives its golden log of 637 bytes" { start_server; is_golden ordenes1 UDP; }
@test "ordenes2 over TCP gives its golden log of 753 bytes" { start_server; is_golden ordenes2 TCP; }
@test "ordenes2 over UDP gives its golden log of 753 bytes" { start_server; is_golden ordenes2 UDP; }

@test "the order files give the same logs in the plain mode of UDP" {
    local MODE=(-c)
    start_server
    is_golden ordenes UDP
    is_golden ordenes1 UDP
    is_golden ordenes2 UDP
}

@test "and in numbered mode with a line a datagram, through a window of one" {
    local MODE=(-1 -w 1)
    start_server
    is_golden ordenes2 UDP
}

@test "the golden logs have 465, 637 and 753 bytes" {
    same '465 465 637 637 753 753' "$(cd "$ROOT/test/golden" && stat -c %s ordenes.*.log ordenes1.*.log ordenes2.*.log |
        paste -s -d ' ')"
}

@test "all six at once give their golden logs, over IPv4 and over IPv6" {
    start_server
    local transport orders host hosts=(127.0.0.1) jobs=() job
    if grep -q '^0\{31\}1 ' /proc/net/if_inet6; then hosts+=(::1); fi
    for host in "${hosts[@]}"; do
        for transport in TCP UDP; do
            for orders in ordenes ordenes1 ordenes2; do
                mkdir "$host.$transport.$orders"
                (cd "$host.$transport.$orders" && is_golden "$orders" "$transport" "$host") 3>&- 4>&- &
                jobs+=($!)
            done
        done
    done
    for job in "${jobs[@]}"; do wait "$job"; done
    stop_server
    same "${#jobs[@]} sessions" "$(read_log)"
}

# story ORDERS: what peticiones.log has of the last replay: each line of the order file as it was sent, and each reply of
# the golden log in its place.
story() {
    sed -En "s/^SERVIDOR localhost con IP:[^,]*, puerto $CLIENT_PORT y protocolo $1 ?- ((RECIBO|ENVIO): )/\1/p" \
        "$LOGS/peticiones.log"
}

# tells ORDERS TRANSPORT
tells() {
    replay "$1" "$2"
    WITHIN=20 wait_until grep -q "^Completed .* port $CLIENT_PORT, on $2" "$LOGS/peticiones.log"
    diff <(tr -d '\r' <"$ROOT/ordenes/$1.txt") <(story "$2" | sed -n 's/^RECIBO: //p')
    diff <(sed -n 's/^CLIENTE.* - Recibo: //p' "$ROOT/test/golden/$1.$2.log" | tr -d '\r') \
        <(story "$2" | sed -n 's/^ENVIO: //p')
}

@test "peticiones.log has every line of the order files and every reply, over both transports" {
    start_server
    local transport orders
    for transport in TCP UDP; do
        for orders in ordenes ordenes1 ordenes2; do tells "$orders" "$transport"; done
    done
    stop_server
    same '6 sessions' "$(read_log)"
}

@test "ordenes2 over TCP stands in peticiones.log as the report shows it" {
    start_server
    replay ordenes2 TCP
    stop_server
    same 'ENVIO: 220 Servicio de transferencia simple de correo preparado
RECIBO: HELO usal.es
ENVIO: 250 OK
RECIBO: MAIL FROM <pepe>
ENVIO: 500 Error de sintaxis
RECIBO: MAIL FROM: <Smith@Alpha.ARPA>
ENVIO: 250 OK
RECIBO: RCPT TO: <Jones@Beta.ARPA>
ENVIO: 250 OK
RECIBO: RCPT TO: <Brown@Beta.ARPA>
ENVIO: 250 OK
RECIBO: DATOS
ENVIO: 500 Error de sintaxis
RECIBO: DATA
ENVIO: 354 Comenzando con el texto del correo, finalice con .
RECIBO: Texto de mi correo 2.
RECIBO: Línea 2 de mi correo en ordenes2.txt
RECIBO: .
ENVIO: 250 OK
RECIBO: MAIL FROM: <manolo.usal.es>
ENVIO: 500 Error de sintaxis
RECIBO: MAIL FROM: <manolo@usal.es>
ENVIO: 250 OK
RECIBO: RCPT TO <cristina@usal.es>
ENVIO: 500 Error de sintaxis
RECIBO: RCPT TO: <cristina@usal.es>
ENVIO: 250 OK
RECIBO: DATA
ENVIO: 354 Comenzando con el texto del correo, finalice con .
RECIBO: Texto de mi correo 22.' "$(story TCP | head -n 30)"
    same 'RECIBO: .
ENVIO: 250 OK
RECIBO: QUIT
ENVIO: 221 Cerrando el servicio' "$(story TCP | tail -n 4)"
}

@test "ordenes sends one mail to four recipients, ordenes1 a RCPT before MAIL" {
    same 1 "$(grep -c '^MAIL FROM:' "$ROOT/ordenes/ordenes.txt")"
    same 4 "$(grep -c '^RCPT TO:' "$ROOT/ordenes/ordenes.txt")"
    same RCPT "$(grep -E -o -m 1 '^(MAIL|RCPT)' "$ROOT/ordenes/ordenes1.txt")"
}
